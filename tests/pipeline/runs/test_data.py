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


def test_what_a_machine_lacks_is_fetched_by_tag_and_what_differs_is_refused(
    house: House, days: list[NetworkDay]
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
    with pytest.raises(TamperedRecord, match=r"split/split\.safetensors of run small-.* Delete "):
        split_arrays(folder, house.doors)
    flip_last_byte(folder.path / SNAPSHOT_FOLDER / "nodes" / "20260101T030000Z.parquet")
    with pytest.raises(TamperedRecord, match=r"nodes/20260101T030000Z\.parquet.*snapshot of run small-"):
        snapshot_tables(folder, house.doors)


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()  # it may be a read-only link into DVC's cache
    path.write_bytes(bytes(content))
