import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow.tracking import MlflowClient

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.cli import app
from pipeline.commands import snapshots as snapshot_commands
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.origin import shared_clone
from pipeline.origin.git import GitClone, GitOrigin
from tests.fixtures.house import House
from tests.fixtures.publishing import ROOT, begin_a_second

DYING = (
    "import sys; from tests.fixtures.publishing import arm; arm('half_pushed'); from pipeline.cli import main; main()"
)
BARE = ("--keep-last", "1", "--keep-days", "0", "--grace-hours", "0")


def ingest(house: House, days: list[NetworkDay], nights: int) -> list[str]:
    tags = []
    for night in range(1, nights + 1):
        house.deliver(night, days[night - 1])
        argv = ("--as-of", house.as_of(night).isoformat(), "--params", str(house.params_file))
        if night == nights:
            begin_a_second()
        code, line = house.call("snapshots", "ingest", *argv)
        assert code == 0
        tags.append(str(line["tag"]))
    return tags


def test_snapshots_are_listed_shown_compared_and_read(house: House, days: list[NetworkDay], tmp_path: Path) -> None:
    first, second = ingest(house, days, 2)
    code, last = house.call("snapshots", "list", "small")
    assert (code, last["tag"], last["held"], last["collected_at"]) == (0, second, False, None)

    code, shown = house.call("snapshots", "show", second)
    assert (code, shown["graph"], shown["held"], shown["collected"]) == (0, "small", None, None)
    assert shown["referred"] == "by nobody"
    files = shown["files"]
    assert isinstance(files, dict)
    assert "SHA256SUMS" in files
    assert all(files.values())

    living = tmp_path / "living.parquet"
    assert house.call("snapshots", "get", first, str(tmp_path / "first"))[0] == 0
    assert house.call("snapshots", "get", second, str(tmp_path / "second"), "--living", str(living))[0] == 0
    earlier, later = (read_graph(tmp_path / name).tables for name in ("first", "second"))
    assert len(pd.read_parquet(living)) == later.living.sum()

    changed = tmp_path / "changed.parquet"
    code, counts = house.call("snapshots", "diff", first, second, "--output", str(changed))
    assert code == 0
    held = earlier.edges.shape[1]
    assert counts["added_edges"] == later.living[held:].sum()
    assert counts["removed_edges"] == (earlier.living & ~later.living[:held]).sum() > 0
    assert counts["returned_edges"] == 0
    assert pd.read_parquet(changed)["change"].value_counts().to_dict() == {
        "added": counts["added_edges"], "removed": counts["removed_edges"]
    }  # fmt: skip

    assert house.call("snapshots", "diff", second, first)[0] == 2
    assert house.call("snapshots", "get", "split/small/x/y", str(tmp_path / "z"), "--living", str(living))[0] == 2


def test_snapshots_and_journal_are_read_in_one_clone(
    house: House, days: list[NetworkDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tag,) = ingest(house, days, 1)
    house.call("snapshots", "hold", tag, "--reason", "x")
    made: list[Path] = []
    original = GitOrigin.new_clone

    def counted(origin: GitOrigin, path: Path) -> GitClone:
        made.append(path)
        return original(origin, path)

    monkeypatch.setattr(GitOrigin, "new_clone", counted)
    monkeypatch.setattr(shared_clone, "_KEPT", {})  # as in a new process
    assert house.call("snapshots", "list", "small")[1]["held"] is True
    assert len(made) == 1
    with monkeypatch.context() as patched:  # who refers to it is read from elsewhere
        patched.setattr(snapshot_commands, "referred_to", lambda *_: "")
        assert house.call("snapshots", "show", tag)[1]["held"]
    assert len(made) == 2  # and one with a working tree, for DVC


@pytest.mark.slow
def test_old_snapshots_are_collected_after_a_dry_run(house: House, days: list[NetworkDay], tmp_path: Path) -> None:
    first, second, third, fourth = ingest(house, [*days, days[0]], 4)
    assert house.call("snapshots", "hold", second, "--reason", "a paper")[0] == 0
    client = MlflowClient(house.values["MLFLOW_TRACKING_URI"])
    client.create_registered_model("small")
    client.create_model_version("small", source="file:///x", tags={"ncnc.snapshot_tag": first})
    client.set_registered_model_alias("small", "champion", "1")

    code, plan = house.call("snapshots", "gc", "--dry-run", *BARE)
    assert (code, plan["collected"], plan["outcome"]) == (0, [], None)
    kept = plan["kept"]
    assert isinstance(kept, dict)
    assert kept[first] == ["version 1 (champion) was made from it"]
    assert kept[second][0].endswith("a paper")
    assert kept[third] == [f"the newest, {fourth}, was built on it"]
    assert kept[fourth] == ["the newest of its graph"]
    assert house.call("snapshots", "show", first)[1]["referred"] == kept[first][0]
    assert house.call("snapshots", "show", second)[1]["held"]

    assert house.call("snapshots", "release", second)[0] == 0
    assert house.call("snapshots", "gc", "--plan", str(plan["plan"]), *BARE)[0] == 2  # not what was looked at
    plan = house.call("snapshots", "gc", "--dry-run", *BARE)[1]
    assert plan["collected"] == [second]
    code, done = house.call("snapshots", "gc", "--plan", str(plan["plan"]), "--reason", "disk is full", *BARE)
    assert (code, done["outcome"], done["objects"]) == (0, "done", plan["objects"])
    assert int(str(done["objects"])) > 0

    assert house.call("snapshots", "list", "small")[0] == 0
    gone = house.call("snapshots", "show", second)[1]["collected"]
    assert isinstance(gone, dict)
    assert gone["reason"] == "disk is full"
    assert house.call("snapshots", "show", second)[1]["files"] == {}
    refused = ("get", second, str(tmp_path / "second")), ("diff", second, fourth), ("hold", second, "--reason", "x")
    assert [house.call("snapshots", *argv)[0] for argv in refused] == [2, 2, 2]
    assert not (tmp_path / "second").exists()
    assert house.call("snapshots", "diff", first, fourth)[0] == 0  # with a night between that is gone
    for tag in (first, third, fourth):
        assert house.call("snapshots", "get", tag, str(tmp_path / tag.replace("/", "-")))[0] == 0


@pytest.mark.parametrize("argv", [(), ("--dry-run", "--plan", "20260101T000000Z-0123456789ab")])
def test_collection_is_never_done_unseen(house: House, argv: tuple[str, ...]) -> None:
    assert house.call("snapshots", "gc", *argv)[0] == 2


@pytest.mark.slow
def test_ingest_killed_in_the_middle_of_its_upload_is_run_again(
    house: House, days: list[NetworkDay], tmp_path: Path
) -> None:
    (first,) = ingest(house, days, 1)
    house.deliver(2, days[1])
    argv = ["snapshots", "ingest", "--as-of", house.as_of(2).isoformat(), "--params", str(house.params_file)]
    killed = subprocess.run(
        [sys.executable, "-c", DYING, *argv],
        cwd=tmp_path, env={**os.environ, **house.values, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert [item.tag for item in house.doors.snapshots.list("small")] == [first]
    code, line = house.call(*argv)
    assert code == 0
    assert [item.tag for item in house.doors.snapshots.list("small")] == [first, line["tag"]]
    house.values["NCNC_HOME"] = str(tmp_path / "another")
    for tag in (first, str(line["tag"])):
        assert house.call("snapshots", "get", tag, str(tmp_path / tag.replace("/", "-")))[0] == 0


def check(house: House, night: int) -> tuple[int, dict[str, object]]:
    return house.call(
        "snapshots", "check", "--as-of", house.as_of(night).isoformat(), "--params", str(house.params_file)
    )


def published(house: House) -> int:
    return len(house.doors.snapshots.list(house.graph))


def test_check_reports_and_publishes_nothing(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    code, line = check(house, 1)
    assert (code, line) == (0, {"graph": "small", "refused": False, "warnings": []})
    assert published(house) == 0
    assert house.entries() == []
    assert house.step("snapshot", 1) == 0
    house.deliver(2, days[1], keep=0.35)
    code, line = check(house, 2)
    assert (code, line["refused"]) == (2, True)
    assert published(house) == 1
    assert house.entries() == []
    assert not house.run_dir(2).exists()


def test_table_and_changes_are_shown_on_standard_error(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert house.step("snapshot", 1) == 0
    house.deliver(2, days[1])
    argv = ["snapshots", "check", "--as-of", house.as_of(2).isoformat(), "--params", str(house.params_file)]
    shown = house.runner.invoke(app, argv, env=house.values).stderr
    assert "checks of small as of 2026-01-02 03:00: accepted, 0 warning(s)" in shown
    for check_name in ("self_loops", "degree_shift", "id_reuse", "feature_range"):
        assert check_name in shown
    assert "| edges " in shown


def test_check_follows_the_params(house: House, days: list[NetworkDay]) -> None:
    content = yaml.safe_load(house.params_file.read_text())
    content["snapshot"] |= {"feature_maximum": 0.0}
    house.params_file.write_text(yaml.safe_dump(content))
    house.deliver(1, days[0])
    assert check(house, 1)[0] == 2
    content["snapshot"] |= {"warn_only": ["feature_range"]}
    house.params_file.write_text(yaml.safe_dump(content))
    assert check(house, 1) == (0, {"graph": "small", "refused": False, "warnings": ["feature_range"]})
