from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.training import checkpoint
from ncnc_core.training.checkpoint import (
    EpochResult,
    Progress,
    fingerprint,
    load_optimizer_tensors,
    optimizer_tensors,
    read_checkpoint,
    write_checkpoint,
)
from ncnc_core.training.data import TemporalData, TrainingData

PROGRESS = Progress(
    [EpochResult(1, 0.1 + 0.2, {"mrr": 1 / 3}, 2.5), EpochResult(2, 0.25, {"mrr": 0.3}, 2.5, standard_error=1 / 30)],
    1,
    1 / 3,
    0,
    True,
)


def test_checkpoint_gives_back_tensors_and_progress_exactly(tmp_path: Path) -> None:
    tensors = {"network/a": torch.rand(3), "sampler": torch.tensor([1, 2], dtype=torch.uint8)}
    write_checkpoint(tmp_path / "deep" / "checkpoint", tensors, PROGRESS, "run")
    read, progress = read_checkpoint(tmp_path / "deep" / "checkpoint", "run")
    assert progress == PROGRESS
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_epoch_of_all_validation_edges_is_written_as_it_was_before_samples(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "checkpoint", {"a": torch.zeros(1)}, PROGRESS, "run")
    with safe_open(tmp_path / "checkpoint", framework="pt") as file:
        first, second = json.loads(file.metadata()["progress"])["history"]
    assert first.keys() == {"epoch", "loss", "metrics", "seconds"}
    assert second["standard_error"] == 1 / 30


def test_interrupted_write_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint"
    write_checkpoint(path, {"a": torch.zeros(1)}, PROGRESS, "run")
    before = path.read_bytes()

    def interrupted(_tensors: object, filename: Path, _metadata: object) -> None:
        Path(filename).write_bytes(before[:10])
        raise OSError("no space left")

    monkeypatch.setattr(checkpoint, "save_file", interrupted)
    with pytest.raises(OSError, match="no space left"):
        write_checkpoint(path, {"a": torch.ones(1)}, PROGRESS, "run")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "checkpoint", {"a": torch.zeros(1)}, PROGRESS, "a" * 64)
    with pytest.raises(InvalidGraph, match=r"another training \(run aaaaaaaaaaaa, this one is bbbbbbbbbbbb\).*Remove"):
        read_checkpoint(tmp_path / "checkpoint", "b" * 64)


def test_checkpoint_without_a_number_is_read_and_one_of_a_newer_version_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    write_checkpoint(path, {"a": torch.zeros(1)}, PROGRESS, "run")
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    assert header.pop("format") == "1"
    save_file({"a": torch.zeros(1)}, path, header)  # as the code of 2026-11 wrote it
    assert read_checkpoint(path, "run")[1] == PROGRESS
    save_file({"a": torch.zeros(1)}, path, header | {"format": "2"})
    with pytest.raises(InvalidGraph, match=r"checkpoint is in format 2, .* reads format 1: a newer version"):
        read_checkpoint(path, "run")


def test_optimizer_goes_on_as_if_it_had_never_stopped() -> None:
    start = torch.rand(4)
    whole, first, second = (start.clone().requires_grad_() for _ in range(3))
    optimizers = {one: torch.optim.Adam([one], lr=0.1) for one in (whole, first, second)}

    def step(parameter: torch.Tensor) -> None:
        optimizers[parameter].zero_grad()
        parameter.square().sum().backward()
        optimizers[parameter].step()

    step(whole)
    step(first)
    second.data.copy_(first.data)
    load_optimizer_tensors(optimizers[second], optimizer_tensors(optimizers[first]))
    step(whole)
    step(second)
    assert torch.equal(whole, second)


def small(**changes: Any) -> TrainingData:
    values: dict[str, Any] = {
        "num_nodes": 5,
        "features": torch.eye(5),
        "train_edges": torch.tensor([[0, 1, 2], [1, 2, 3]]),
        "forbidden_keys": torch.tensor([4]),
        "valid_edges": torch.tensor([[3], [4]]),
        "valid_negatives": torch.tensor([[3, 3], [0, 1]]),
    }
    return TrainingData(**{**values, **changes})


HISTORY = EventHistory.of_events(torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([5, 6, 7]), 5)
WEIGHTS = {"a": torch.zeros(2)}
BASE: tuple[Any, ...] = (ModelConfig(), TrainingConfig(), small(), "mrr", None)


def test_fingerprint_is_that_of_equal_values() -> None:
    again = (ModelConfig(), TrainingConfig(), small(), "mrr", None)
    assert fingerprint(*BASE) == fingerprint(*again)
    assert fingerprint(*BASE[:4], WEIGHTS) == fingerprint(*BASE[:4], {"a": torch.zeros(2)})


# which argument is another one; every recipe field that is new or old changes the outcome, and so the fingerprint
@pytest.mark.parametrize(
    ("place", "other"),
    [
        (0, ModelConfig(hidden_channels=8)),
        *(
            (1, TrainingConfig.model_validate(change))
            for change in (
                {"loss": "auc"},
                {"target_link_removal": "off"},
                {"precision": "bfloat16"},
                {"drop_last_as_published": True},
                {"calibrate_completion": True},
                {"pairs_per_epoch": 2},
                {"neighbor_fan_out": [5]},
                {"overlap_limit": 5},
                {"windows": 3},
                {"refit": False},
            )
        ),
        (2, small(features=None)),
        (2, small(features=torch.eye(5).to_sparse_csr())),
        (2, small(features=torch.arange(5))),
        (2, small(message_weight=torch.ones(3))),
        (2, small(message_only_edges=torch.tensor([[0], [4]]))),
        (2, small(valid_negatives=torch.tensor([[3, 3], [1, 0]]))),
        (2, small(times=TemporalData(HISTORY, 6, 9))),
        (3, "hits@1"),
        (4, WEIGHTS),
    ],
)
def test_fingerprint_tells_apart_whatever_changes_the_outcome(place: int, other: Any) -> None:
    assert fingerprint(*BASE) != fingerprint(*BASE[:place], other, *BASE[place + 1 :])


def test_fingerprint_heeds_a_bound_on_validation_pairs_only_where_it_leaves_some_out() -> None:
    given = small(valid_edges=torch.tensor([[3, 2], [4, 4]]))

    def of(most: int | None) -> str:
        return fingerprint(BASE[0], TrainingConfig(valid_pairs=most), given, *BASE[3:])

    assert of(None) == of(4)
    assert of(None) != of(3)


def test_fingerprint_tells_times_and_cuts_apart() -> None:
    def of(cut_train: int, cut_valid: int, time: list[int]) -> str:
        history = EventHistory.of_events(torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor(time), 5)
        return fingerprint(*BASE[:2], small(times=TemporalData(history, cut_train, cut_valid)), *BASE[3:])

    assert of(6, 9, [5, 6, 7]) == of(6, 9, [5, 6, 7])
    assert len({of(6, 9, [5, 6, 7]), of(5, 9, [5, 6, 7]), of(6, 8, [5, 6, 7]), of(6, 9, [4, 6, 7])}) == 4


def test_fingerprint_tells_directions_apart_and_is_that_of_before_where_there_are_none() -> None:
    ends, time = torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([5, 6, 7])

    def of(ends: torch.Tensor, **options: bool) -> str:
        history = EventHistory.of_events(ends, time, 5, **options)
        return fingerprint(*BASE[:2], small(times=TemporalData(history, 6, 9)), *BASE[3:])

    assert of(ends) == of(ends.flip(0))
    assert len({of(ends), of(ends, directed=True), of(ends.flip(0), directed=True)}) == 3
    reads = ModelConfig(predictor="temporal_ncn", edge_directions=True)
    assert fingerprint(reads, *BASE[1:]) != fingerprint(ModelConfig(predictor="temporal_ncn"), *BASE[1:])
    before = "0e8b9f16534ff413c495e688de4d9302cf8e69c68b3dedc332bee2fe2ebd4116"
    assert fingerprint(*BASE) == before  # written when there were no directions


def test_fingerprint_tells_initial_weights_apart() -> None:
    assert fingerprint(*BASE[:4], WEIGHTS) != fingerprint(*BASE[:4], {"a": torch.ones(2)})
    assert fingerprint(*BASE[:4], WEIGHTS) != fingerprint(*BASE[:4], {"b": torch.zeros(2)})


@pytest.mark.parametrize("kept", [0, 5, 60])
def test_a_checkpoint_cut_short_is_refused_with_its_size(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "checkpoint"
    write_checkpoint(path, {"a": torch.zeros(1)}, PROGRESS, "run")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InvalidGraph, match=rf"checkpoint is cut short or damaged: {kept} bytes .*Remove the file"):
        read_checkpoint(path, "run")
