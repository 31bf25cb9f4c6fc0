from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from pipeline.snapshots.retention import Policy, Tagged, reasons_to_keep

AT = datetime(2026, 6, 1, tzinfo=UTC)
BARE = Policy(keep_last=1, keep_days=0)


def tagged(graph: str, day: int, kind: str = "snap", age_days: float = 100, on: Tagged | None = None) -> Tagged:
    name = f"{kind}/{graph}/202601{day:02d}T000000Z/{'a' * 12}"
    return Tagged(name, AT - timedelta(days=age_days), "d.dir", on.tag if on else None)


def kept(*items: Tagged, policy: Policy = BARE, **said: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found = reasons_to_keep(
        items, policy, at=AT, references=said.get("references", {}), holds=said.get("holds", {})
    )  # fmt: skip
    return {tag: reasons for tag, reasons in found.items() if reasons}


def test_newest_of_every_graph_is_kept() -> None:
    items = [tagged("a", 1), tagged("a", 2), tagged("b", 1)]
    assert kept(*items) == {items[1].tag: ("the newest of its graph",), items[2].tag: ("the newest of its graph",)}


def test_what_the_newest_was_built_on_is_kept_with_its_splits() -> None:
    one, two, split = tagged("a", 1), tagged("a", 2), tagged("a", 2, "split")
    three = tagged("a", 3, on=two)
    said = (f"the newest, {three.tag}, was built on it",)
    assert kept(one, two, split, three, tagged("b", 2)) == {
        two.tag: said,
        split.tag: said,
        three.tag: ("the newest of its graph",),
        tagged("b", 2).tag: ("the newest of its graph",),
    }
    # By its name, not by its place.
    assert kept(one, two, tagged("a", 3, on=one)).keys() == {one.tag, three.tag}
    # Not what those before were built on.
    assert kept(one, tagged("a", 2, on=one), three).keys() == {two.tag, three.tag}


@pytest.mark.parametrize(
    ("policy", "days"),
    [
        (BARE, [4]),
        (Policy(keep_last=3, keep_days=0), [2, 3, 4]),
        (Policy(keep_last=9, keep_days=0), [1, 2, 3, 4]),
        (Policy(keep_last=1, keep_days=2.5), [3, 4]),  # published 4, 3, 2 and 1 days ago
    ],
)
def test_number_and_age_keep_what_they_say(policy: Policy, days: list[int]) -> None:
    items = {day: tagged("a", day, age_days=5 - day) for day in (1, 2, 3, 4)}
    assert kept(*items.values(), policy=policy).keys() == {items[day].tag for day in days}


def test_reason_for_a_snapshot_or_a_split_is_one_for_the_night() -> None:
    old, split, new = tagged("a", 1), tagged("a", 1, "split"), tagged("a", 2)
    assert kept(old, split, new).keys() == {new.tag}
    assert kept(old, split, new, holds={split.tag: "held"})[old.tag] == ("held",)
    assert kept(old, split, new, references={old.tag: "version 1"})[split.tag] == ("version 1",)
    # Trained again today: what it was made from is wanted today.
    assert old.tag in kept(old, tagged("a", 1, "split", age_days=1), new, policy=Policy(keep_last=1, keep_days=2))


def test_snapshot_published_by_a_clock_that_is_behind_is_no_older_than_the_one_before_it() -> None:
    before, behind, new = tagged("a", 1, age_days=3), tagged("a", 2, age_days=100), tagged("a", 3, age_days=1)
    policy = Policy(keep_last=1, keep_days=4)
    assert kept(before, behind, new, policy=policy)[behind.tag] == ("published 2026-05-29 00:00, less than 4 days ago",)
    split_of_today = tagged("a", 1, "split", age_days=0)  # which says nothing of the snapshots after it
    assert behind.tag not in kept(replace(before, published_at=AT - timedelta(days=5)), split_of_today, behind, new)


def test_split_whose_snapshot_nobody_knows_is_kept() -> None:
    assert kept(tagged("a", 1, "split"))[tagged("a", 1, "split").tag] == (
        "the snapshot it was made from is not published",
    )


def test_split_that_came_after_its_snapshot_was_collected_is_kept_for_what_is_said_of_its_night() -> None:
    gone, split, new = replace(tagged("a", 1), collected=True), tagged("a", 1, "split"), tagged("a", 2)
    assert kept(gone, split, new).keys() == {new.tag}
    assert kept(gone, split, new, references={gone.tag: "run 1"}) == {
        split.tag: ("run 1",),
        new.tag: ("the newest of its graph",),
    }
    assert kept(gone, tagged("a", 1, "split", age_days=1), new, policy=Policy(keep_days=2)).keys() == {
        split.tag, new.tag
    }  # fmt: skip
    # What is collected is the newest of nothing, and takes no place among the last ones.
    old, late = tagged("a", 1), replace(tagged("a", 3, on=tagged("a", 1)), collected=True)
    assert kept(old, late).keys() == {old.tag}
    assert kept(old, new, late).keys() == {new.tag}


def test_every_reason_is_told() -> None:
    item = tagged("a", 1, age_days=1)
    told = kept(item, policy=Policy(), references={item.tag: "version 3"}, holds={item.tag: "held by me"})[item.tag]
    assert told == (
        "the newest of its graph",
        "published 2026-05-31 00:00, less than 90 days ago",
        "version 3",
        "held by me",
    )


def test_policy_that_would_not_even_keep_the_newest_is_refused() -> None:
    with pytest.raises(ValidationError):
        Policy(keep_last=0)
    assert str(Policy(keep_days=0.5)) == "keep-last 30, keep-days 0.5, grace-hours 24"


def test_retracted_snapshot_has_no_rank_and_is_kept_by_age_a_hold_or_a_use_alone() -> None:
    one, two = tagged("a", 1), tagged("a", 2)
    three = replace(tagged("a", 3, on=two), retracted=True)
    assert kept(one, two, three) == {two.tag: ("the newest of its graph",)}
    assert kept(one, two, three, policy=Policy(keep_last=2, keep_days=0)).keys() == {one.tag, two.tag}
    assert kept(two, three, references={three.tag: "version 1 was made from it"}).keys() == {two.tag, three.tag}
    assert kept(two, three, policy=Policy(keep_last=1, keep_days=101)).keys() == {two.tag, three.tag}
