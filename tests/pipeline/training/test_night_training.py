from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch
from safetensors import safe_open

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.training.data import TrainingData
from pipeline.doors import Doors
from pipeline.params.params import ResourceParams, TrainParams
from pipeline.registry.night_runs import NightRuns
from pipeline.runs.folder import RunFolder
from pipeline.stopping import Stopped
from pipeline.training import night_training
from pipeline.training.night_training import NightTraining, sampled_metrics, sampled_reason

PARAMS = TrainParams(
    selection_metric="auc",
    model=ModelConfig(hidden_channels=8, predictor="ncn"),
    training=TrainingConfig(epochs=4, batch_size=16),
)


def data() -> TrainingData:
    ring = torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])
    return TrainingData(
        num_nodes=30,
        features=None,
        train_edges=ring[:, :24],
        forbidden_keys=torch.zeros(0, dtype=torch.int64),
        valid_edges=ring[:, 24:],
        valid_negatives=torch.tensor([[0, 3, 6, 9, 12, 15], [5, 8, 11, 14, 17, 20]]),
    )


class PowerCutError(RuntimeError):
    """The machine went away."""


def test_a_control_has_a_checkpoint_and_curves_of_its_own_and_each_goes_on_where_it_was(
    doors: Doors, graph: str, run_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night_training, "EPOCHS_PER_UPLOAD", 1)
    run_id = doors.registry.runs.open(graph, run_name, run_key="1" * 64, params={})
    folder = RunFolder(tmp_path / run_name, doors.registry)

    def training() -> NightTraining:
        return NightTraining(folder, PARAMS, data(), run_id, ResourceParams(), doors.registry)

    whole = training().run(None)
    start = {name: tensor + 0.01 for name, tensor in whole.network.state_dict().items()}
    log, epochs = NightRuns.log_metrics, []

    def cut_at_epoch_3(self: NightRuns, run: str, metrics: dict[str, float], *, step: int = 0) -> None:
        if "control_loss" in metrics:  # and not how far an epoch is
            epochs.append(step)
        if step == 3 and epochs.count(3) == 1:
            raise PowerCutError
        log(self, run, metrics, step=step)

    monkeypatch.setattr(NightRuns, "log_metrics", cut_at_epoch_3)
    with pytest.raises(PowerCutError):
        training().run(start, "control")
    resumed = training()
    warm = resumed.run(start, "control")
    assert epochs == [1, 2, 3, 3, 4]
    monkeypatch.undo()

    metrics = doors.registry.server.client.get_run(run_id).data.metrics
    assert {"loss", "valid_auc", "control_loss", "control_valid_auc"} <= metrics.keys()
    assert not all(
        torch.equal(tensor, whole.network.state_dict()[name]) for name, tensor in warm.network.state_dict().items()
    )
    staged = folder.path / ".staging"
    before = set(staged.glob("control_checkpoint-*"))
    resumed.remove_checkpoints()
    assert len(before - set(staged.glob("control_checkpoint-*"))) == 1  # its own; a zombie's stays with the zombie


def test_a_damaged_checkpoint_costs_the_epochs_behind_it_and_not_the_night(
    doors: Doors, graph: str, run_name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = doors.registry.runs.open(graph, run_name, run_key="1" * 64, params={})
    (tmp_path / "checkpoint").write_bytes(b"all of it")
    doors.registry.runs.put_file(run_id, tmp_path / "checkpoint", "checkpoint")
    artifacts = Path(doors.registry.server.run(run_id).info.artifact_uri.removeprefix("file://"))
    next(artifacts.rglob("checkpoint")).write_bytes(b"all of")
    trained = NightTraining(
        RunFolder(tmp_path / run_name, doors.registry), PARAMS, data(), run_id, ResourceParams(), doors.registry
    ).run(None)
    assert trained.epochs == PARAMS.training.epochs
    assert "the training begins anew, for its checkpoint is damaged" in caplog.text


def test_a_training_that_is_told_to_stop_keeps_its_last_epoch_and_the_next_try_goes_on_from_it(
    doors: Doors, graph: str, run_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = doors.registry.runs.open(graph, run_name, run_key="1" * 64, params={})
    log, epochs = NightRuns.log_metrics, []

    def stopped_after_epoch_2(self: NightRuns, run: str, metrics: dict[str, float], *, step: int = 0) -> None:
        epochs.append(step)
        log(self, run, metrics, step=step)
        if epochs == [1, 2]:
            raise Stopped("told to stop")

    monkeypatch.setattr(NightRuns, "log_metrics", stopped_after_epoch_2)
    for machine in ("first", "second"):  # they share MLflow and no disk
        folder = RunFolder(tmp_path / machine / run_name, doors.registry)
        training = NightTraining(folder, PARAMS, data(), run_id, ResourceParams(), doors.registry)
        if machine == "first":
            with pytest.raises(Stopped):
                training.run(None)
        else:
            training.run(None)
    assert epochs == [1, 2, 3, 4]  # fewer than are trained between two uploads


def test_an_epoch_whose_metrics_a_stop_cut_off_is_in_mlflow_at_the_end(
    doors: Doors, graph: str, run_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = doors.registry.runs.open(graph, run_name, run_key="1" * 64, params={})
    log = NightRuns.log_metrics
    to_stop = {2, 3}

    def stopped_before(self: NightRuns, run: str, metrics: dict[str, float], *, step: int = 0) -> None:
        if step in to_stop:
            to_stop.remove(step)
            raise Stopped("told to stop")  # its checkpoint is written, and goes to MLflow
        log(self, run, metrics, step=step)

    monkeypatch.setattr(NightRuns, "log_metrics", stopped_before)
    folder = RunFolder(tmp_path / run_name, doors.registry)
    for _ in range(2):
        with pytest.raises(Stopped):
            NightTraining(folder, PARAMS, data(), run_id, ResourceParams(), doors.registry).run(None)
    assert doors.registry.runs.steps(run_id, "loss") == {1}
    trained = NightTraining(folder, PARAMS, data(), run_id, ResourceParams(), doors.registry).run(None)
    client = doors.registry.server.client
    for name, values in (
        ("loss", [item.loss for item in trained.history]),
        ("valid_auc", [item.metrics["auc"] for item in trained.history]),
    ):
        points = client.get_metric_history(run_id, name)
        assert sorted((point.step, point.value) for point in points) == list(enumerate(values, 1))


def test_a_sample_that_chose_the_epoch_is_told_with_its_error_and_the_value_of_all(
    doors: Doors, graph: str, run_name: str, tmp_path: Path
) -> None:
    run_id = doors.registry.runs.open(graph, run_name, run_key="1" * 64, params={})
    bounded = PARAMS.model_copy(update={"training": PARAMS.training.model_copy(update={"valid_pairs": 6})})
    folder = RunFolder(tmp_path / run_name, doors.registry)
    trained = NightTraining(folder, bounded, data(), run_id, ResourceParams(), doors.registry).run(None)
    logged = doors.registry.runs.metrics(run_id)
    assert logged["valid_auc_standard_error"] == pytest.approx(trained.history[-1].standard_error)
    assert trained.sample is not None
    assert sampled_metrics(trained.sample) == {
        "valid_edges_sampled": 3.0,
        "valid_edges": 6.0,
        "valid_value_of_all": trained.value,
    }
    error = f"{trained.sample.standard_error:.4f}"
    assert sampled_reason(trained.sample) == (
        f"3 of 6 validation edges, drawn by the seed, chose the epoch, with a standard error of {error}; the value is "
        "that of all."
    )


def kill_a_process_once(checkpoint_of: Path, epochs: int) -> None:
    """Kill one of this process's children, as soon as a checkpoint has so many epochs."""
    me = psutil.Process()
    while True:
        for found in checkpoint_of.glob(".staging/checkpoint-*"):
            with suppress(InvalidGraph, FileNotFoundError), safe_open(found, framework="pt") as file:
                if len(json.loads(file.metadata()["progress"])["history"]) >= epochs:
                    workers = [one for one in me.children() if "spawn_main" in " ".join(one.cmdline())]
                    workers[-1].kill()
                    return
        time.sleep(0.01)


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed_end_at_the_weights_of_two_that_live(
    doors: Doors, graph: str, run_name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = PARAMS.model.model_copy(update={"encoder_dropout": 0.2})
    long = PARAMS.training.model_copy(update={"epochs": 16, "patience": 16})
    params = PARAMS.model_copy(update={"training": long, "model": model})
    weights = []
    for name in ("alive", "killed"):
        run_id = doors.registry.runs.open(graph, f"{run_name}{name}", run_key="1" * 64, params={})
        folder = RunFolder(tmp_path / name, doors.registry)
        training = NightTraining(folder, params, data(), run_id, ResourceParams(processes=2), doors.registry)
        if name == "killed":
            killer = threading.Thread(target=kill_a_process_once, args=(folder.path, 5), daemon=True)
            killer.start()
        trained = training.run(None)
        weights.append(trained.network.state_dict())
        assert [one.epoch for one in trained.history] == list(range(1, 17))
        assert doors.registry.runs.metrics(run_id)["valid_auc"] == trained.history[-1].metrics["auc"]
    killer.join(1)
    assert not killer.is_alive()
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
