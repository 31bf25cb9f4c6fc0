from __future__ import annotations

from datetime import UTC, datetime

from pipeline.ledger.approvals import AWAITS
from pipeline.ledger.entries import (
    Alias,
    AliasEntry,
    AliasObserved,
    ApprovalEntry,
    Entry,
    NightEntry,
    NightOutcome,
    PromotionsResumed,
    PromotionsStopped,
    RegistryBound,
    RegistryCollected,
)
from pipeline.ledger.story import story
from tests.fixtures.shadow_nights import crowned, stayed


def at(day: int) -> datetime:
    return datetime(2026, 1, day, 3, tzinfo=UTC)


def night(day: int, outcome: NightOutcome, version: int | None = None) -> NightEntry:
    return NightEntry(
        graph="demo", run_name=f"demo-{day}", as_of=at(day), at=at(day), outcome=outcome, reason="as it was",
        completed=True, version=version,
    )  # fmt: skip


def moved(day: int, version: int | None, previous: int | None, *, alias: Alias = "champion") -> AliasEntry:
    return AliasEntry(
        graph="demo", alias=alias, version=version, previous=previous, at=at(day), who="ann", why="because"
    )


def answered(day: int, *, who: str = "ann", overridden: str = "") -> ApprovalEntry:
    return ApprovalEntry(
        graph="demo", run_name=f"demo-{day}", verdict="approved" if overridden else "rejected", who=who, at=at(day),
        reason="slow", overridden=overridden,
    )  # fmt: skip


def test_ledger_is_told_as_a_story() -> None:
    entries: tuple[Entry, ...] = (
        moved(1, 1, None, alias="challenger"),
        moved(1, 1, None),
        night(1, "promoted", 1),
        night(2, "kept"),
        moved(3, 2, 1),
        moved(4, 1, 2),
        AliasObserved(graph="demo", alias="champion", version=2, previous=1, at=at(5), who="run demo-5"),
        answered(6),
        answered(7, who="nobody"),
        answered(8, who="eve", overridden="rejected by ann"),
        RegistryCollected(
            graph="demo", versions=(3,), checkpoints=("demo-1",), run_folders=(), models=("demo-2", "demo-3"),
            policy="keep-versions 1", at=at(9),
            who="ann", reason="routine",
        ),
        moved(10, None, 2),
    )  # fmt: skip
    assert [(event.kind, event.what, event.champion) for event in story(entries)] == [
        ("promotion", "version 1 becomes the first champion", 1),
        ("promoted", "night of 2026-01-01 03:00: promoted, version 1", 1),
        ("kept", "night of 2026-01-02 03:00: kept", 1),
        ("promotion", "version 2 becomes champion in place of version 1", 2),
        ("rollback", "back to version 1, from version 2", 1),
        (
            "moved outside",
            "champion was moved OUTSIDE, from version 1 to version 2; the ledger follows what serves",
            2,
        ),
        ("rejected", "run demo-6: rejected", 2),
        ("rejected", "run demo-7: nobody answered in time, rejected", 2),
        ("approved", "OVERRIDE: run demo-8 approved against: rejected by ann", 2),
        ("collected", "1 versions (3), 2 trained models, 1 checkpoints and 0 run folders deleted", 2),
        ("taken away", "version 2 is no longer champion; there is none", None),
    ]


def test_promotion_its_night_and_its_approval_are_one_event() -> None:
    gate = "mrr +0.04 [+0.02, +0.06]"
    awaiting = night(1, "awaiting").model_copy(update={"reason": AWAITS + gate})
    approved = answered(1).model_copy(update={"verdict": "approved", "reason": "fine"})
    why = f"{gate}; approved by ann: fine"
    move = moved(1, 1, None).model_copy(update={"why": why})
    promoted = night(1, "promoted", 1).model_copy(update={"reason": why})
    told = story((awaiting, approved, moved(1, 1, None, alias="challenger"), move, promoted))
    assert [(event.kind, event.what, event.why) for event in told] == [
        ("awaiting", "night of 2026-01-01 03:00: awaiting", AWAITS + gate),
        ("promotion", "night of 2026-01-01 03:00: version 1 becomes the first champion", "approved by ann: fine"),
    ]
    # Killed in between, each is told as far as it got.
    assert [event.what for event in story((awaiting, approved, move))[1:]] == [
        "night of 2026-01-01 03:00: approved",
        "version 1 becomes the first champion",
    ]
    by_the_gate = story((move, promoted))
    assert [(event.what.partition(": ")[2], event.why) for event in by_the_gate] == [
        ("version 1 becomes the first champion", why)
    ]


def test_rejection_and_its_night_are_one_event() -> None:
    told = story((night(1, "awaiting"), answered(1), night(1, "rejected"), night(2, "rejected")))
    assert [(event.what, event.who, event.why) for event in told] == [
        ("night of 2026-01-01 03:00: awaiting", "run demo-1", "as it was"),
        ("night of 2026-01-01 03:00: rejected", "ann", "slow"),
        ("night of 2026-01-02 03:00: rejected", "run demo-2", "as it was"),  # as after a rejection of the same work
    ]


def test_every_event_says_who_and_why() -> None:
    rollback, outside = story(
        (moved(1, 1, None), AliasObserved(graph="demo", alias="champion", version=2, previous=1, at=at(2), who="run a"))
    )
    assert (rollback.who, rollback.why) == ("ann", "because")
    assert (outside.who, outside.why) == ("unknown", "seen by run a")


def test_pins_pauses_and_adoptions_are_told_and_the_first_binding_is_not() -> None:
    bound = RegistryBound(graph="demo", made_at=at(1), where="http://mlflow", at=at(1), who="run a")
    adopted = bound.model_copy(update={"at": at(4), "who": "ann", "why": "MLflow was restored", "lost": (2, 3)})
    pinned = PromotionsStopped(graph="demo", version=1, until=at(9), at=at(2), who="ann", why="complaints")
    paused = PromotionsStopped(graph="demo", version=None, until=None, at=at(5), who="ann", why="backup")
    resumed = PromotionsResumed(graph="demo", at=at(3), who="bob", why="settled")
    events = story((bound, moved(1, 1, None), pinned, resumed, adopted, paused))
    assert [(event.kind, event.what, event.who, event.champion) for event in events[1:]] == [
        ("pinned", "version 1 is pinned as champion by ann until 2026-01-09 03:00 UTC: complaints", "ann", 1),
        ("resumed", "promotions go on", "bob", 1),
        ("adopted", "the ledger follows the registry at http://mlflow as it is; lost: version 2, 3", "ann", 1),
        ("paused", "promotions are paused by ann: backup", "ann", 1),
    ]


def test_an_event_names_the_night_that_it_tells_of() -> None:
    from tests.fixtures.year_of_nights import a_year, run_name

    entries, _ = a_year(110)
    told = [(event.kind, event.night) for event in story(entries)]
    assert told[0] == ("promotion", run_name(0))
    assert told[1] == ("kept", run_name(1))
    assert [kind for kind, night in told if not night] == ["rollback", "pinned", "resumed"]


def test_a_shadow_is_told_when_it_comes_and_when_its_evidence_decides_and_not_while_it_stays() -> None:
    entries = (*stayed(2, 2, begins="free"), *stayed(2, 3), *stayed(2, 4, standing="worse"))
    told = [event for event in story((crowned(1), *entries)) if event.kind == "shadow"]
    assert [event.what for event in told] == [
        "the model of the night of 2026-01-02 03:00 becomes the shadow, beside champion version 1",
        "the shadow goes: it is provably worse than the champion",
    ]
    assert told[1].why.startswith("the model of the night of 2026-01-02 03:00, 3 nights, nothing counted yet")
    assert {event.champion for event in told} == {1}
