from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger.entries import AliasObserved, ApprovalEntry, Entry, ShadowEvidence
from pipeline.ledger.shadows import YEAR, entering, place_of, standing_shadow
from pipeline.records.evidence import Evidence
from tests.fixtures.shadow_nights import (
    FIRST,
    crowned,
    night_entry,
    refreshed,
    run_name,
    shadow_entry,
    stayed,
)

# Version 1 is champion; the model of night 2 becomes the shadow, and stays.
BEGUN: tuple[Entry, ...] = (crowned(1), night_entry(1, "promoted", 1), *stayed(2, 2, begins="free"))
STANDING: tuple[Entry, ...] = (*BEGUN, *stayed(2, 3, evidence=Evidence(nights=2, edges=800, total=9.0, gain=0.01)))


def shadow_of(entries: Sequence[Entry]) -> str | None:
    found = standing_shadow(entries)
    return None if found is None else found.shadow.run_name


def rejected(night: int) -> ApprovalEntry:
    return ApprovalEntry(
        graph="demo", run_name=run_name(night), verdict="rejected", who="ann", at=FIRST, reason="no"
    )  # fmt: skip


def test_without_evidence_in_the_ledger_nobody_has_the_place_and_nobody_ever_had() -> None:
    place = place_of((crowned(1), night_entry(1, "promoted", 1), night_entry(2)))
    assert (place.shadow, place.nights, place.nights_since_the_last_began) == (None, 0, None)
    assert (place.last_was_promoted, place.early_in_the_last_year) == (False, 0)


def test_the_shadow_has_the_evidence_of_its_newest_night_and_the_nights_of_its_tenure() -> None:
    place = place_of(STANDING)
    assert place.shadow == STANDING[-2]
    assert (place.nights, place.nights_since_the_last_began) == (3, 2)  # the night to come is its third


def test_a_run_does_not_find_what_it_has_entered_itself() -> None:
    place = place_of(STANDING, run_name(3))
    assert place.shadow == BEGUN[-2]
    assert place.nights == 2
    assert place_of(STANDING, run_name(2)).shadow is None


@pytest.mark.parametrize("standing", ["worse", "tenure_over", "overtaken", "unusable"])
def test_a_shadow_that_went_has_no_place_and_its_nights_go_on_counting(standing: str) -> None:
    entries = (*BEGUN, *stayed(2, 3, standing=standing), night_entry(4), night_entry(4))
    place = place_of(entries)
    assert (place.shadow, place.nights_since_the_last_began, place.last_was_promoted) == (None, 3, False)


def test_a_later_model_takes_the_place_on_the_night_on_which_the_one_before_goes() -> None:
    both = (shadow_entry(2, 70, standing="overtaken"), shadow_entry(70, 70, begins="free"), night_entry(70))
    place = place_of((*STANDING, *both))
    assert place.shadow == both[1]
    assert place.nights == 2


def test_evidence_stays_when_the_weights_are_served_on_another_graph_and_goes_when_they_change() -> None:
    again = (*STANDING, refreshed(2, 1, 1), refreshed(3, 1, 2))
    assert shadow_of(again) == run_name(2)
    assert shadow_of((*again, crowned(7, 3))) is None
    assert shadow_of((*again, crowned(1, 3))) == run_name(2)  # the weights of before, on the graph of their own night


@pytest.mark.parametrize("version", [9, None])
def test_evidence_goes_when_somebody_changes_the_champion_in_mlflow(version: int | None) -> None:
    moved = AliasObserved(graph="demo", alias="champion", version=version, previous=1, at=FIRST, who="run b")
    assert shadow_of((*STANDING, moved)) is None
    assert shadow_of((*STANDING, moved.model_copy(update={"alias": "previous"}))) == run_name(2)


def test_evidence_beside_a_champion_that_changed_while_the_night_ran_is_none() -> None:
    assert shadow_of((crowned(1), crowned(4, 1), *stayed(2, 2, begins="free"))) is None
    late = (*STANDING, crowned(4, 1), *stayed(2, 4))
    assert shadow_of(late) is None
    assert place_of(late).nights_since_the_last_began == 3  # its part of alpha is spent all the same


def test_a_promoted_shadow_leaves_the_place_free_at_once_and_one_that_went_before_does_not() -> None:
    promoted = (crowned(2, 1), night_entry(2, "promoted", 2))
    place = place_of((*STANDING, *stayed(2, 4, standing="better"), *promoted))
    assert (place.shadow, place.last_was_promoted) == (None, True)
    by_hand = (*STANDING, *stayed(2, 4, standing="worse"), *promoted)
    assert not place_of(by_hand).last_was_promoted
    assert not place_of((*STANDING, crowned(9, 1), night_entry(3, "promoted", 9))).last_was_promoted


def test_a_shadow_that_a_person_rejected_goes() -> None:
    asked = (*STANDING, *stayed(2, 4, standing="better"))
    assert shadow_of(asked) == run_name(2)
    assert shadow_of((*asked, rejected(4))) is None  # the answer about the night that asked
    assert shadow_of((*STANDING, *stayed(2, 4), rejected(4))) == run_name(2)  # that night asked about its own model
    assert shadow_of((*STANDING, rejected(2))) is None


def test_places_taken_early_are_counted_for_a_year() -> None:
    early = (*BEGUN, shadow_entry(2, 3, standing="overtaken"), shadow_entry(3, 3, begins="early"), night_entry(3))
    nights = [night_entry(night) for night in range(4, 4 + YEAR)]
    assert place_of(early).early_in_the_last_year == 1
    assert place_of((*early, *nights[: YEAR - 2])).early_in_the_last_year == 1
    assert place_of((*early, *nights[: YEAR - 1])).early_in_the_last_year == 0


def test_a_night_enters_its_evidence_once_however_often_it_is_retried() -> None:
    new, before = (shadow_entry(2, 4),), STANDING[-2].shadow  # type: ignore[union-attr]
    assert entering(STANDING, new, before) == new
    assert entering((*STANDING, *new), new, before) == ()
    assert entering((*STANDING, *new), (shadow_entry(2, 4, nights=9),), new[0].shadow) == ()


def test_evidence_of_a_shadow_that_is_another_by_now_is_not_entered() -> None:
    new, before = (shadow_entry(2, 4),), STANDING[-2].shadow  # type: ignore[union-attr]
    assert entering((*STANDING, crowned(9, 1)), new, before) == ()  # the champion changed while the night ran
    assert entering((*STANDING, *stayed(2, 5)), new, before) == ()  # another night came between
    assert entering(STANDING, (shadow_entry(4, 4, begins="free"),), None) == ()  # it took the place, too


@given(st.data())
def test_retries_wherever_they_come_change_nothing(data: st.DataObject) -> None:
    """A cleared or retried night offers its entries again, at any time; what the ledger takes is what it took."""
    offered = [
        (shadow_entry(2, night, begins="free" if night == 2 else None), night_entry(night)) for night in range(2, 8)
    ]
    once: list[Entry] = list(BEGUN[:2])
    retried: list[Entry] = list(BEGUN[:2])
    for place, (evidence, ended) in enumerate(offered):
        once += [evidence, ended]
        again = data.draw(st.lists(st.sampled_from(range(place + 1)), max_size=3))
        for number in [place, *again]:
            before = offered[number - 1][0].shadow if number else None
            retried += [*entering(retried, [offered[number][0]], before), offered[number][1]]
    assert [one for one in retried if isinstance(one, ShadowEvidence)] == [one for one, _ in offered]
    assert place_of(retried) == place_of(once)
