from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from ncnc_core.graph.adjacency import contains_keys, pair_keys
from ncnc_core.link_model import LinkModel
from ncnc_core.random_spatial_network import NetworkDay
from ncnc_core.training.trained_network import train_network
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import EdgeSplit, TrainedModel
from pipeline.registry.night_runs import NightRuns
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.known_features import features_for
from pipeline.steps import train
from pipeline.training import night_training
from tests.fixtures.house import House
from tests.fixtures.local_services import free_port

LAUNCHER = Path(__file__).parents[3] / "docker" / "launchers" / "torchrun.sh"


class PowerCutError(RuntimeError):
    """The machine went away."""


def data_of(folder: RunFolder, tables: GraphTables, arrays: SplitArrays) -> train.TrainingData:
    return train.training_data(tables, arrays, features_for(tables, folder.get(EdgeSplit), "training"))


def weights(house: House, night: int) -> dict[str, torch.Tensor]:
    return LinkModel.load(house.run_dir(night) / "model").network.state_dict()


@pytest.mark.slow
def test_training_that_was_cut_off_goes_on_from_its_checkpoint_to_the_same_weights(
    house: House, days: list[NetworkDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    monkeypatch.setattr(night_training, "EPOCHS_PER_UPLOAD", 2)
    log = NightRuns.log_metrics
    epochs: list[int] = []

    def cut_at_epoch_7(self: NightRuns, run_id: str, metrics: dict[str, float], *, step: int = 0) -> None:
        if "loss" in metrics:  # what else is logged tells how far an epoch is, and depends on the machine's pace
            epochs.append(step)
        if step == 7 and epochs.count(7) == 1:
            raise PowerCutError
        log(self, run_id, metrics, step=step)

    monkeypatch.setattr(NightRuns, "log_metrics", cut_at_epoch_7)
    with pytest.raises(PowerCutError):
        house.step("train", 1)
    assert not (house.run_dir(1) / "model").exists()
    assert house.step("train", 1) == 0
    assert epochs[:9] == [1, 2, 3, 4, 5, 6, 7, 7, 8]  # the checkpoint after epoch 6 was the last one uploaded

    resumed, folder = weights(house, 1), RunFolder(house.run_dir(1))
    tables, arrays = snapshot_tables(folder, house.doors), split_arrays(folder, house.doors)
    params = RunFolder(house.run_dir(1), house.doors.registry).frozen_params().train
    whole = train_network(params.model, params.training, data_of(folder, tables, arrays))
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.network.state_dict().items())
    record = folder.get(TrainedModel)
    assert record.epochs == whole.epochs
    # The epochs before the cut are in the record as well, each as it was.
    assert [(item.epoch, item.loss, item.value) for item in record.history] == [
        (item.epoch, item.loss, item.metrics["mrr"]) for item in whole.history
    ]
    assert len(record.certificate) == 5
    assert record.certificate[-1].name == "feature_scale_known_at_the_training_cut"
    assert record.standardized_features == days[0].features.shape[1]
    assert all(item.passed and item.checked > 0 for item in record.certificate)


def test_training_knows_nothing_of_validation_and_test_edges_but_the_pairs_to_validate_on(
    house: House, days: list[NetworkDay]
) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    folder = RunFolder(house.run_dir(1))
    tables, arrays = snapshot_tables(folder, house.doors), split_arrays(folder, house.doors)
    data = data_of(folder, tables, arrays)
    held_out = pair_keys(torch.cat([arrays.valid, arrays.test], dim=1), tables.num_nodes)
    assert not contains_keys(data.forbidden_keys, held_out).any()
    assert not contains_keys(pair_keys(data.message_edges, tables.num_nodes).sort().values, held_out).any()


@pytest.mark.slow
def test_calibrated_completion_is_what_is_saved_logged_and_recorded(
    house: House, days: list[NetworkDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, float] = {}
    monkeypatch.setattr(NightRuns, "log_metrics", lambda _, run_id, metrics, *, step=0: logged.update(metrics))
    values = yaml.safe_load(house.params_file.read_text())
    values["train"]["training"] |= {"calibrate_completion": True, "epochs": 2}
    house.params_file.write_text(yaml.safe_dump(values))
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split", "train")] == [0, 0, 0]
    folder = RunFolder(house.run_dir(1), house.doors.registry)
    tables, arrays, params = (
        snapshot_tables(folder, house.doors),
        split_arrays(folder, house.doors),
        folder.frozen_params(),
    )
    trained = train_network(params.train.model, params.train.training, data_of(folder, tables, arrays))
    assert trained.calibration is not None
    assert trained.model != params.train.model  # otherwise this test would see nothing
    saved = LinkModel.load(house.run_dir(1) / "model")
    assert (saved.config, saved.calibration) == (trained.model, trained.score_calibration)
    assert folder.get(TrainedModel).best_value == trained.value
    assert logged["completion_alpha"] == trained.model.completion_alpha
    assert logged["completion_valid_value"] == trained.value


def test_a_recipe_chosen_for_the_graph_is_recorded_with_its_reasons_and_tagged(
    house: House, days: list[NetworkDay]
) -> None:
    house.read_times({"recipe": "auto", "training": {"epochs": 1}})
    house.deliver(1, days[0], dated=True)
    assert [house.step(name, 1) for name in ("snapshot", "split", "train")] == [0, 0, 0]
    folder = RunFolder(house.run_dir(1), house.doors.registry)
    record = folder.get(TrainedModel)
    assert (record.predictor, record.recipe) == ("temporal_ncn", "auto")
    assert record.recipe_reasons[:2] == (
        "The edges have times: the model reads how recent things are, and learns to say what comes next.",
        "Set by params.yaml: training.epochs 1.",
    )
    assert record.recipe_reasons[2].endswith("of one core.")
    tags = house.doors.registry.server.run(record.mlflow_run_id).data.tags
    told = {name: tags[f"ncnc.{name}"] for name in ("recipe", "predictor", "recipe_reasons")}
    said = " ".join(record.recipe_reasons[:2])
    assert told == {"recipe": "auto", "predictor": "temporal_ncn", "recipe_reasons": said}


def test_a_recipe_that_is_given_has_no_reasons_and_is_tagged(house: House, days: list[NetworkDay]) -> None:
    values = yaml.safe_load(house.params_file.read_text())
    values["train"]["training"]["epochs"] = 1
    house.params_file.write_text(yaml.safe_dump(values))
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split", "train")] == [0, 0, 0]
    record = RunFolder(house.run_dir(1), house.doors.registry).get(TrainedModel)
    assert (record.predictor, record.recipe, record.recipe_reasons) == ("ncnc", "given", ())
    tags = house.doors.registry.server.run(record.mlflow_run_id).data.tags
    assert (tags["ncnc.recipe"], tags["ncnc.predictor"]) == ("given", "ncnc")
    assert "ncnc.recipe_reasons" not in tags


@pytest.mark.slow
def test_under_torchrun_all_processes_train_and_one_leaves_the_record(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    launched = {"NODES": "1", "PROCESSES": "2", "HOST": "yes", "ADDRESS": "localhost", "RUN_DIR": str(house.run_dir(1))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **house.values, **launched, "PATH": path, "RENDEZVOUS": f"localhost:{free_port()}"}
    done = subprocess.run([LAUNCHER], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    record = RunFolder(house.run_dir(1)).get(TrainedModel)
    assert [line["sha256"] for line in said] == [record.sha256] * 2  # each says it is done
    assert record.machine["processes"] == "2"
    assert record.epochs == len(record.history)
    assert not list((house.run_dir(1) / ".staging").glob("checkpoint-*"))
    assert [house.step(name, 1) for name in ("evaluate", "decide")] == [0, 0]
