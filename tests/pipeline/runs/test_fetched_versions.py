from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipeline.records.digests import digests_of_folder
from pipeline.registry.facts import ModelVersion
from pipeline.registry.packed_models import PackedModels
from pipeline.runs.fetched_versions import version_model, version_split
from pipeline.runs.folder import RunFolder
from pipeline.snapshots.snapshot_store import SnapshotStore
from pipeline.splits.arrays import SplitArrays
from tests.fixtures.house import FIRST_NIGHT, House
from tests.fixtures.registered_model import register


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "small-20260102T030000Z")


def test_model_is_fetched_once_a_run_and_again_where_a_byte_of_it_changed(
    house: House, folder: RunFolder, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    doors, saved = house.doors, make_model()
    version = doors.registry.versions.get("small", register(doors.registry, "small", saved))
    found = version_model(folder, version, doors)
    assert digests_of_folder(found) == digests_of_folder(saved)
    with monkeypatch.context() as patched:
        patched.setattr(PackedModels, "fetch", lambda *_: pytest.fail("fetched again"))
        assert version_model(folder, version, doors) == found
    (found / "model.json").write_text("{}")
    assert digests_of_folder(version_model(folder, version, doors)) == digests_of_folder(saved)


def test_split_is_fetched_once_a_run_and_again_where_a_byte_of_it_changed(
    house: House, folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors, none = house.doors, torch.zeros(2, 0, dtype=torch.int64)
    version = ModelVersion("small", 3, "run", "model", "5" * 64, "small-x", FIRST_NIGHT, (), {})
    assert version_split(folder, version, doors) is None  # and a split published since is found
    names = ("valid", "test", "message_train", "message_test", "known_train", "valid_negatives", "test_negatives")
    train, times = torch.tensor([[0], [1]]), torch.zeros(0, dtype=torch.int64)
    (tmp_path / "split").mkdir()
    SplitArrays(train=train, **dict.fromkeys(names, none), test_first_seen=times).save(tmp_path / "split")
    doors.snapshots.publish_split(tmp_path / "split", graph="small", as_of=FIRST_NIGHT, run_key="5" * 64)
    found = version_split(folder, version, doors)
    assert found is not None
    assert torch.equal(found.train, train)
    with monkeypatch.context() as patched:
        patched.setattr(SnapshotStore, "fetch", lambda *_: pytest.fail("fetched again"))
        assert version_split(folder, version, doors) is not None
    first = next(path for path in folder.path.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    again = version_split(folder, version, doors)
    assert again is not None
    assert torch.equal(again.train, train)
