import os
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.collection_plan import Plan, time_of
from pipeline.snapshots.retention import Policy
from pipeline.snapshots.snapshot_store import SnapshotStore
from tests.fixtures.publishing import FIRST, Place

BARE = Policy(keep_last=1, keep_days=0, grace_hours=24)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def nobody(_: frozenset[str]) -> Mapping[str, str]:
    return {}


def plan_of(place: Place, *, hours_old: float = 25, policy: Policy = BARE, ahead: timedelta = timedelta(0)) -> Plan:
    """Plan where all objects but the newest are so old; ahead: what the collector's clock is wrong by."""
    found = sorted((path for path in place.remote.rglob("*") if path.is_file()), key=lambda path: path.stat().st_mtime)
    for path in found[:-1]:
        os.utime(path, (time.time() - hours_old * 3600,) * 2)
    store = SnapshotStore(str(place.origin), place.home, clock=lambda: datetime.now(UTC) + ahead)
    return store.collector.plan(policy, nobody, lambda *_: None)


def files_of(plan: Plan, place: Place) -> list[str]:
    return sorted(Path(item.path).read_text() for item in plan.objects if not item.name.endswith(".dir"))


def three_nights(place: Place) -> list[str]:
    tags: list[str] = []
    for night in (1, 2, 3):
        tags.append(place.publish(night, f"edges {night}", previous=tags[-1] if tags else None).tag)
    return tags


def test_plan_counts_what_would_go_and_says_why_the_rest_stays(place: Place) -> None:
    first, second, third = three_nights(place)
    plan = plan_of(place)
    assert plan.collected == (first,)
    assert plan.kept == {second: (f"the newest, {third}, was built on it",), third: ("the newest of its graph",)}
    assert len(plan.objects) == 3
    assert plan.bytes == sum(Path(item.path).stat().st_size for item in plan.objects)
    assert plan.missing == {}


def test_young_objects_are_left_alone(place: Place) -> None:
    three_nights(place)
    assert plan_of(place, hours_old=23).objects == ()


def test_collectors_clock_that_is_ahead_makes_nothing_older(place: Place) -> None:
    three_nights(place)
    ahead, dated = timedelta(days=30), BARE.model_copy(update={"keep_days": 10})
    assert plan_of(place, hours_old=1, ahead=ahead).objects == ()
    assert plan_of(place, policy=dated, ahead=ahead).collected == ()
    assert plan_of(place, ahead=ahead).at < datetime.now(UTC) + timedelta(seconds=2)


def test_object_that_its_store_dates_in_the_future_makes_nothing_older(place: Place) -> None:
    three_nights(place)
    newest = max((path for path in place.remote.rglob("*") if path.is_file()), key=lambda path: path.stat().st_mtime)
    os.utime(newest, (time.time() + 90 * 86400,) * 2)
    assert plan_of(place, hours_old=1).objects == ()


def test_leftovers_of_killed_uploads_go_when_they_are_old(place: Place) -> None:
    three_nights(place)
    left = place.remote / "files" / "md5" / "aa" / ".xyz.tmp"
    left.parent.mkdir(exist_ok=True)
    left.write_text("half of it")
    os.utime(left, (0, 0))  # a time of 0 is a time
    assert left.as_posix() in [item.path for item in plan_of(place).objects]
    assert plan_of(place, hours_old=1).objects == ()


def test_file_list_that_is_young_keeps_the_old_files_it_names(place: Place) -> None:
    """A plain DVC push found the files on the remote, sent the list alone, and has yet to be committed."""
    three_nights(place)
    listing = next(
        path for path in place.remote.rglob("*.dir") if path.name.removesuffix(".dir") in _pointer(place, "main~2")
    )
    os.utime(listing)  # the newest of all
    assert plan_of(place).objects == ()


def test_what_any_branch_or_foreign_tag_refers_to_stays(place: Place) -> None:
    first, *_ = three_nights(place)
    subprocess.run(["git", "-C", place.origin, "branch", "paper", first], check=True)
    assert plan_of(place).objects == ()
    subprocess.run(["git", "-C", place.origin, "branch", "-D", "paper"], check=True)
    subprocess.run(["git", "-C", place.origin, "tag", "v1", first], check=True)
    assert plan_of(place).objects == ()
    subprocess.run(["git", "-C", place.origin, "tag", "-d", "v1"], check=True)
    assert files_of(plan_of(place), place)[-1] == "edges 1"


def test_plan_is_the_same_as_long_as_it_takes_the_same(place: Place) -> None:
    first, second, _ = three_nights(place)
    plan = plan_of(place)
    same = Plan(plan.at, plan.policy, plan.collected, {}, plan.objects, frozenset(), {})
    assert plan.id == same.id
    assert time_of(plan.id) == plan.at
    for other in (
        Plan(plan.at, Policy(), plan.collected, {}, plan.objects, frozenset(), {}),
        Plan(plan.at, plan.policy, (second,), {}, plan.objects, frozenset(), {}),
        Plan(plan.at, plan.policy, plan.collected, {}, plan.objects[1:], frozenset(), {}),
    ):
        assert other.id != plan.id
    assert first in plan.collected


@pytest.mark.parametrize("name", ["", "abc", "2026-abc"])
def test_name_of_no_plan_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"'{name}' is no plan.*--dry-run"):
        time_of(name)


def test_kept_tag_whose_file_list_is_gone_stops_the_plan(place: Place) -> None:
    *_, newest = three_nights(place)
    next(
        path for path in place.remote.rglob("*.dir") if path.name.removesuffix(".dir") in _pointer(place, "main")
    ).unlink()
    with pytest.raises(InvalidInput, match=rf"lacks the file list .*\.dir of {newest}, which is kept.*from backup"):
        plan_of(place)


def test_kept_tag_that_lacks_files_already_is_told(place: Place) -> None:
    *_, newest = three_nights(place)
    next(path for path in place.remote.rglob("*") if path.is_file() and path.read_text() == "edges 3").unlink()
    assert plan_of(place).missing == {newest: 1}


def test_description_changed_by_hand_stops_the_plan(place: Place) -> None:
    tag = f"snap/demo/{FIRST:%Y%m%dT%H%M%SZ}/{'a' * 12}"
    with GitOrigin(str(place.origin), place.home).clone() as clone:
        clone.fetch_branch("main")
        clone.git("tag", "-a", "-m", "by hand", tag)
        clone.push(f"refs/tags/{tag}")
    with pytest.raises(TamperedRecord, match=r"demo/snapshot\.json at snap/demo.*not what this pipeline writes"):
        plan_of(place)


def _pointer(place: Place, revision: str) -> str:
    shown = subprocess.run(
        ["git", "-C", place.origin, "show", f"{revision}:demo/data.dvc"], capture_output=True, text=True, check=True
    )
    return "".join(line.partition("md5: ")[2][2:] for line in shown.stdout.splitlines() if "md5: " in line)
