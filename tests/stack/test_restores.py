"""Each order in which a backup can be older than what it is restored beside, played to an audit.

Night 1 is promoted; then everything is backed up ("yesterday"). Night 2 is promoted, and backed up again ("today").
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from tests.fixtures.house import House, empty_house

pytestmark = pytest.mark.timeout(1200)

GIT, MLFLOW, REMOTE = ("graph-data.git",), ("mlflow.db", "mlartifacts"), ("dvc-remote",)
EVERYTHING = (*GIT, *MLFLOW, *REMOTE)
CACHE = ("home/runs", "home/dvc-cache")  # of the machine; a restore begins on another one
WHY = ("--reason", "restored from the backup", "--who", "ann")


def copy(house: House, names: tuple[str, ...], source: Path, target: Path) -> None:
    for name in names:
        shutil.rmtree(target / name, ignore_errors=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).is_file():
            target.mkdir(parents=True, exist_ok=True)
            copy_database(source / name, target / name)


def copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's own backup: this process has the target open.

    Of bytes copied over it, a connection believes its cached pages where the copy counts as many changes as the file
    did, and two nights of the same commands make as many.
    """
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def promoted_night(house: House, number: int) -> int:
    """Run a night and return its version; where the gate keeps it, a person promotes it."""
    codes = house.night(number)
    assert codes in ([0] * 6, [0] * 5 + [99]), codes
    if codes[-1] == 99:
        say = ("--reason", "for the test", "--override")
        assert house.call("promote", "--run-dir", str(house.run_dir(number)), *say)[0] == 0
    champion = house.doors.registry.aliases.of(house.graph)["champion"]
    assert audit(house, "champion") == []
    return champion


def audit(house: House, version: str) -> object:
    return house.call("audit", "model", f"{house.graph}@{version}")[1]["wrong"]


def doctor(house: House, *argv: str) -> tuple[int, list[str]]:
    code, said = house.call("registry", "doctor", "--graph", house.graph, *argv)
    found = said["disagreements"]
    assert isinstance(found, list)
    return code, found


def champion(house: House) -> int | None:
    return house.doors.registry.aliases.of(house.graph).get("champion")


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory, empty_tracking: Path, days: list[NetworkDay]) -> House:
    house = empty_house(tmp_path_factory.mktemp("house"), empty_tracking)
    for night, day in enumerate(days, start=1):
        house.deliver(night, day)
    assert promoted_night(house, 1) == 1
    copy(house, EVERYTHING, house.folder, house.folder / "yesterday")
    assert promoted_night(house, 2) == 2
    copy(house, EVERYTHING, house.folder, house.folder / "today")
    return house


@pytest.fixture
def restore(two_nights: House) -> Callable[[str, tuple[str, ...]], None]:
    """Bring everything to where it is today, on a machine without a cache; then a part of it to where it was."""
    copy(two_nights, EVERYTHING, two_nights.folder / "today", two_nights.folder)
    for name in CACHE:
        shutil.rmtree(two_nights.folder / name, ignore_errors=True)
    return lambda when, names: copy(two_nights, names, two_nights.folder / when, two_nights.folder)


Restore = Callable[[str, tuple[str, ...]], None]


def test_everything_restored_from_one_backup_goes_on_from_there(two_nights: House, restore: Restore) -> None:
    assert doctor(two_nights) == (0, [])
    restore("yesterday", EVERYTHING)
    assert doctor(two_nights) == (0, [])
    assert (champion(two_nights), audit(two_nights, "champion")) == (1, [])
    assert promoted_night(two_nights, 2) == 2


def test_older_data_repository_moves_nothing_and_names_what_it_lost(two_nights: House, restore: Restore) -> None:
    restore("yesterday", GIT)
    assert two_nights.step("snapshot", 3) == 2
    assert two_nights.call("rollback", "--graph", two_nights.graph, "--to", "1", "--reason", "x")[0] == 2
    assert champion(two_nights) == 2
    code, found = doctor(two_nights)
    assert code == 2
    assert "Entries of the ledger are missing" in found[0]
    code, found = doctor(two_nights, "--adopt", *WHY, "--apply")
    assert (code, champion(two_nights)) == (2, 2)
    [lost] = found
    assert "Version 2 was made from the snapshot snap/" in lost
    assert any("snapshot" in str(what) for what in audit(two_nights, "champion"))  # type: ignore[attr-defined]
    assert two_nights.call("rollback", "--graph", two_nights.graph, "--to", "1", "--reason", "its data is here")[0] == 0
    assert (champion(two_nights), audit(two_nights, "champion")) == (1, [])
    assert two_nights.step("snapshot", 3) == 0


def test_older_mlflow_serves_what_it_served_and_the_lost_number_is_not_given_again(
    two_nights: House, restore: Restore
) -> None:
    restore("yesterday", MLFLOW)
    assert two_nights.step("snapshot", 3) == 2
    code, found = doctor(two_nights)
    assert code == 2
    assert "Champion is version 2 by the ledger, and MLflow does not have this version. Version 1 is served" in found[0]
    assert doctor(two_nights, "--adopt", *WHY, "--apply") == (0, [])
    assert (champion(two_nights), audit(two_nights, "champion")) == (1, [])
    assert two_nights.call("rollback", "--graph", two_nights.graph, "--to", "2", "--reason", "x")[0] == 2
    assert promoted_night(two_nights, 3) == 3


def test_without_mlflow_the_next_night_is_a_cold_start(
    two_nights: House, restore: Restore, empty_tracking: Path
) -> None:
    restore("nowhere", MLFLOW)
    shutil.copy(empty_tracking, two_nights.folder / "mlflow.db")
    assert two_nights.step("snapshot", 3) == 2
    code, found = doctor(two_nights)
    assert code == 2
    assert "It has no registered model of this graph" in found[0]
    assert doctor(two_nights, "--adopt", *WHY, "--apply") == (0, [])
    assert champion(two_nights) is None
    assert promoted_night(two_nights, 3) == 3


def test_bytes_that_the_remote_lost_are_named_until_they_are_restored(two_nights: House, restore: Restore) -> None:
    restore("nowhere", REMOTE)
    code, found = doctor(two_nights)
    assert code == 2
    assert "The DVC remote lacks" in found[0]
    assert champion(two_nights) == 2
    wrong = audit(two_nights, "champion")
    assert any("snapshot" in str(what) for what in wrong)  # type: ignore[attr-defined]
    restore("today", REMOTE)
    assert doctor(two_nights) == (0, [])
    assert audit(two_nights, "champion") == []
