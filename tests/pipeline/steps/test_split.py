from __future__ import annotations

import pandas as pd
import yaml

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.records.chain import EdgeSplit
from pipeline.runs.folder import RunFolder
from tests.fixtures.house import House
from tests.fixtures.publishing import begin_a_second


def test_step_publishes_the_split_and_finds_it_again(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split", "split")] == [0, 0, 0]
    record = RunFolder(house.run_dir(1)).get(EdgeSplit)
    assert record.method == "hashed"
    assert "one date" in record.reason
    assert record.num_train > record.num_valid > 30
    assert record.tag.startswith("split/small/20260101T030000Z/")
    assert record.negative_kinds == ("uniform", "degree_matched")
    assert len(record.certificate) == 15
    assert all(item.passed and item.checked > 0 for item in record.certificate)


def test_step_cuts_at_the_times_of_snapshots_whose_bytes_were_collected(house: House, days: list[NetworkDay]) -> None:
    for night, day in enumerate([days[0], days[1], days[2], days[2]], start=1):
        house.deliver(night, day)
        argv = ("--as-of", house.as_of(night).isoformat(), "--params", str(house.params_file))
        if night == 3:
            begin_a_second()
        assert night == 4 or house.call("snapshots", "ingest", *argv)[0] == 0
    policy = ("--keep-last", "1", "--keep-days", "0", "--grace-hours", "0")
    plan = house.call("snapshots", "gc", "--dry-run", *policy)[1]
    assert house.call("snapshots", "gc", "--plan", str(plan["plan"]), *policy)[0] == 0
    assert plan["collected"] == [house.doors.snapshots.list("small")[0].tag]

    house.values["NCNC_HOME"] = str(house.folder / "another")  # with nothing of it in a cache
    assert [house.step(name, 4) for name in ("snapshot", "split")] == [0, 0]
    record = RunFolder(house.run_dir(4)).get(EdgeSplit)
    assert (record.method, record.cut_train) == ("temporal", house.as_of(1))
    assert all(item.passed and item.checked > 0 for item in record.certificate)


def test_step_takes_a_fixed_split_from_its_place(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    values = yaml.safe_load(house.params_file.read_text())
    values["split"] |= {"method": "fixed", "negative_kinds": ["uniform", "hard"]}
    house.params_file.write_text(yaml.safe_dump(values))
    assert house.step("snapshot", 1) == 0
    assert house.step("split", 1) == 2  # its place is not set
    folder = house.folder / "fixed"
    folder.mkdir()
    ids = days[0].node_ids[days[0].edges]
    for side, start in (("train", 0), ("valid", 1), ("test", 2)):
        part = ids[:, start::3]
        pd.DataFrame({"source": part[0], "target": part[1]}).to_parquet(folder / f"{side}.parquet", index=False)
    house.values["NCNC_SOURCE_SPLIT"] = str(folder)
    assert house.step("split", 1) == 0
    record = RunFolder(house.run_dir(1)).get(EdgeSplit)
    assert (record.method, record.negative_kinds) == ("fixed", ("uniform", "hard"))
    assert record.num_train + record.num_valid + record.num_test == ids.shape[1]
    assert all(item.passed and item.checked > 0 for item in record.certificate)
