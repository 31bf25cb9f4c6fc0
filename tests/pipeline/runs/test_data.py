from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.errors import TamperedRecord
from pipeline.records.names import SNAPSHOT_FOLDER, SPLIT_FOLDER
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.splits.arrays import SPLIT_FILE
from tests.fixtures.house import House


def test_what_a_machine_lacks_is_fetched_by_tag_and_what_is_damaged_is_fetched_again(
    house: House, days: list[NetworkDay], caplog: pytest.LogCaptureFixture
) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    folder = RunFolder(house.run_dir(1), house.doors.registry)
    here = snapshot_tables(folder, house.doors), split_arrays(folder, house.doors)

    shutil.rmtree(folder.path)
    again = snapshot_tables(folder, house.doors), split_arrays(folder, house.doors)
    assert np.array_equal(here[0].edges, again[0].edges)
    assert here[0].features is not None
    assert np.array_equal(here[0].features, again[0].features)
    assert (here[1].test == again[1].test).all()

    flip_last_byte(folder.path / SPLIT_FOLDER / SPLIT_FILE)
    assert (split_arrays(folder, house.doors).test == here[1].test).all()
    assert "030000Z/split is damaged on this machine, and is fetched again: split.safetensors.zst" in caplog.text
    flip_last_byte(folder.path / SNAPSHOT_FOLDER / "nodes" / "20260101T030000Z.parquet")
    assert np.array_equal(snapshot_tables(folder, house.doors).edges, here[0].edges)

    flip_last_byte(folder.path / SPLIT_FOLDER / SPLIT_FILE)
    for stored in (path for path in house.folder.rglob("dvc-*/**/*") if path.is_file()):
        flip_last_byte(stored)  # in the cache and on the remote: now no good copy is left
    with pytest.raises(TamperedRecord, match=r"restore it on the DVC remote from backup"):
        split_arrays(folder, house.doors)


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()  # it may be a read-only link into DVC's cache
    path.write_bytes(bytes(content))
