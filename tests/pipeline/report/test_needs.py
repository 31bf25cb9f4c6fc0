from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.ledger.entries import (
    AliasObserved,
    Entry,
    GraphRefreshed,
    NightEntry,
    NightOutcome,
    PromotionsStopped,
    RefreshRefused,
    RegistryBound,
)
from pipeline.ledger.registry_agreement import RegistryState
from pipeline.records.scores import Interval
from pipeline.report.kept_figures import NightFigures
from pipeline.report.needs import Need, below_floor, needs
from tests.fixtures.year_of_nights import FIRST, GRAPH, a_year, agreeing, run_name

LATER = FIRST + timedelta(days=30)


def calm(count: int = 5) -> tuple[tuple[Entry, ...], dict[str, NightFigures]]:
    """Return nights of which the last was kept."""
    entries, figures = a_year(count)
    last = entries[-1].model_copy(update={"outcome": "kept", "reason": "no better", "completed": True})
    return (*entries[:-1], last), figures


def ended(entries: tuple[Entry, ...], *outcomes: NightOutcome) -> tuple[Entry, ...]:
    """Return the entries with further nights of these outcomes."""
    last = entries[-1]
    assert isinstance(last, NightEntry)
    days = range(1, len(outcomes) + 1)
    return entries + tuple(
        last.model_copy(update={"outcome": outcome, "run_name": f"demo-later-{day}", "reason": f"because {day}",
                                "as_of": last.as_of + timedelta(days=day), "completed": outcome == "kept"})
        for day, outcome in zip(days, outcomes, strict=True)
    )  # fmt: skip


def told(
    entries: tuple[Entry, ...],
    figures: dict[str, NightFigures] | None = None,
    state: RegistryState | None = None,
    retracted: str = "",
) -> tuple[Need, ...]:
    state = state or agreeing(entries)
    return needs(entries, figures or {}, state, graph=GRAPH, at=LATER, retracted=retracted)


def test_a_quiet_graph_needs_nobody() -> None:
    entries, figures = calm()
    assert told(entries, figures) == ()


@pytest.mark.parametrize(
    ("outcomes", "kinds", "what"),
    [
        (("refused",), ["refused"], "The night of 2025-01-06 03:00 was refused: because 1."),
        (("failed",), ["failed"], "The night of 2025-01-06 03:00 failed: because 1."),
        (("failed", "refused"), ["refused"], "The last 2 nights were refused or failed: because 2."),
        (("awaiting",), ["awaiting"], "The night of 2025-01-06 03:00 waits for a person."),
        (("skipped",) * 3, ["skipped"], "The last 3 nights were skipped: nothing had changed."),
        (("skipped",) * 2, [], ""),  # a weekend
        (("failed", "kept"), [], ""),  # it is over: the next night came to a decision
    ],
)
def test_the_last_nights_say_what_they_need(outcomes: tuple[NightOutcome, ...], kinds: list[str], what: str) -> None:
    entries = ended(calm()[0], *outcomes)
    found = told(entries)
    assert [need.kind for need in found] == kinds
    assert [need.what for need in found] == [what] * len(kinds)


def test_a_model_that_the_gate_refused_is_no_night_that_broke_off() -> None:
    entries = ended(calm()[0], "refused")
    judged = entries[-1].model_copy(update={"completed": True})
    assert told((*entries[:-1], judged)) == ()


def test_a_champion_below_the_floor_is_said_with_both_figures_and_the_best_of_the_floor() -> None:
    entries, figures = calm()
    scored = figures[run_name(3)]
    low = scored.model_copy(update={"champion": Interval(value=0.3, low=0.27, high=0.33)})
    [need] = told(entries, figures | {run_name(3): low, run_name(4): NightFigures(run_name=run_name(4))})
    assert (need.kind, need.night, need.urgent) == ("below floor", run_name(3), True)
    assert "MRR 0.300 [0.270, 0.330], and recent preferential attachment reaches 0.3" in need.what


def test_a_champion_that_was_replaced_since_is_not_said_to_be_below_the_floor() -> None:
    entries, figures = calm()
    low = Interval(value=0.3, low=0.27, high=0.33)
    replaced = {
        name: night.model_copy(update={"champion": low, "champion_version": 9}) for name, night in figures.items()
    }
    assert below_floor(entries, replaced) is None


def test_a_pin_is_said_with_the_command_that_ends_it() -> None:
    entries, _ = calm()
    pin = PromotionsStopped(graph=GRAPH, version=1, until=None, at=FIRST, who="ada", why="a fair")
    [need] = told((*entries, pin))
    assert need.command == "ncnc registry unpin --graph demo --reason ..."
    assert "Version 1 is pinned as champion by ada: a fair." in need.what


def test_a_champion_moved_in_mlflow_is_said_until_somebody_moves_it_again() -> None:
    entries, _ = calm()
    moved = AliasObserved(graph=GRAPH, alias="champion", version=None, previous=1, at=LATER, who="run x")
    bound = RegistryBound(graph=GRAPH, made_at=FIRST, where="here", at=FIRST, who="run x")
    [need] = told((*entries, bound, moved), state=agreeing(entries))
    assert (need.kind, need.command) == ("moved outside", "ncnc rollback --graph demo --to 1 --reason ...")


def test_a_registry_that_lost_the_champion_comes_first() -> None:
    entries = ended(calm()[0], "failed")
    found = told(entries, state=replace(agreeing(entries), versions={}))
    assert [need.kind for need in found] == ["disagreement", "failed"]
    assert found[0].command == "ncnc registry doctor --graph demo"


def test_a_retracted_snapshot_of_the_champion_is_said() -> None:
    [need] = told(calm()[0], retracted="the champion's graph came from snap/x, which was retracted by ada: half a file")
    assert need.what == "The champion's graph came from snap/x, which was retracted by ada: half a file."


def refreshed(**fields: Any) -> GraphRefreshed:
    given = {"graph": GRAPH, "version": 9, "previous": 1, "weights_of": 1, "run_key": "0" * 64} | fields
    told = {"snapshot_tag": "snap/demo/20260104T030000Z/abc", "lineage_sha256": "1" * 64}
    return GraphRefreshed(**given, **told, at=LATER, who="run x", why="the night was kept")


def test_a_graph_that_is_not_served_is_said_until_one_is() -> None:
    entries, _ = calm()
    refused = RefreshRefused(
        graph=GRAPH, version=1, weights_of=1, snapshot_tag="snap/demo/20260104T030000Z/abc",
        at=LATER, who="run x", why="not_collapsed: observed MRR 0.1",
    )  # fmt: skip
    [need] = told((*entries, refused))
    assert (need.kind, need.urgent) == ("refresh refused", True)
    assert need.what == (
        "The graph of 2026-01-04 03:00 is not served, and version 1 stays: not_collapsed: observed MRR 0.1."
    )
    assert need.command == "ncnc refresh --graph demo --reason ..."
    assert told((*entries, refused, refreshed()), state=agreeing(entries)) == told((*entries, refreshed()))
