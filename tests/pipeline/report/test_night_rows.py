from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.ledger.entries import GraphRefreshed, NightEntry
from pipeline.ledger.story import story
from pipeline.report import night_rows as module
from pipeline.report.night_rows import night_rows, trained_on
from tests.fixtures.year_of_nights import FIRST, GRAPH, a_year, moves, run_name


def test_each_night_is_one_row_and_what_happened_between_nights_is_another() -> None:
    entries, figures = a_year()
    rows = night_rows(entries, figures)
    nights = [row for row in rows if row.night is not None]
    assert [row.night.run_name for row in nights if row.night] == [run_name(night) for night in range(365)]
    assert [row.kind for row in rows if row.night is None] == ["rollback", "pinned", "resumed"]
    rollback = next(row for row in rows if row.kind == "rollback")
    assert rollback.why == "Back to version 4, from version 5 (ada@desk): recommends spam"


def test_a_row_says_who_serves_after_it_and_how_old_its_weights_are() -> None:
    entries, figures = a_year(30)
    rows = night_rows(entries, figures)
    assert [(row.champion, row.age_days) for row in (rows[0], rows[20], rows[21], rows[23])] == [
        (1, 0), (1, 20), (2, 0), (2, 2),
    ]  # fmt: skip


def test_after_a_rollback_the_weights_are_as_old_as_those_of_the_version_that_serves_again() -> None:
    entries, figures = a_year(110)
    rows = {row.night.run_name: row for row in night_rows(entries, figures) if row.night}
    assert (rows[run_name(100)].champion, rows[run_name(100)].age_days) == (5, 16)
    assert (rows[run_name(101)].champion, rows[run_name(101)].age_days) == (4, 38)


def test_a_night_that_was_mended_has_one_row_with_its_last_outcome() -> None:
    entries, _ = a_year(3)
    first = entries[2]
    assert isinstance(first, NightEntry)
    mended = first.model_copy(update={"outcome": "failed", "reason": "cleared by mistake"})
    rows = night_rows((*entries, mended), {})
    assert [row.night.run_name for row in rows if row.night] == [run_name(0), run_name(2), run_name(1)]
    assert (rows[-1].kind, rows[-1].why) == ("failed", "cleared by mistake")


def test_a_kind_of_event_that_nothing_here_knows_is_a_row_too(monkeypatch: pytest.MonkeyPatch) -> None:
    entries, _ = a_year(2)
    events = story(entries)
    new = module.Event(FIRST, "refreshed", "version 2: weights of version 1", "run x", "tonight's graph", 2)
    monkeypatch.setattr(module, "story", lambda _: (*events, new))
    row = night_rows(entries, {})[-1]
    assert (row.kind, row.champion, row.age_days) == ("refreshed", 2, None)


def test_the_first_champion_of_an_adopted_registry_has_no_known_age() -> None:
    entries = (*moves(FIRST, 7, None, "adopted", "ada"), *a_year(2)[0][2:])
    assert night_rows(entries, {})[-1].age_days is None
    assert trained_on(entries) == {}


def test_what_changes_nothing_that_is_served_is_no_row() -> None:
    from pipeline.ledger.entries import RegistryCollected

    collected = RegistryCollected(graph=GRAPH, versions=(1,), checkpoints=(), run_folders=(), policy="keep 5",
                                  at=FIRST + timedelta(days=9), who="ada", reason="space")  # fmt: skip
    entries, _ = a_year(2)
    assert len(night_rows((*entries, collected), {})) == 2


def test_a_refresh_is_as_old_as_the_weights_it_carries() -> None:
    entries, _ = a_year(30)
    trained = trained_on(entries)
    made = GraphRefreshed(
        graph=GRAPH, version=90, previous=2, weights_of=2, run_key="0" * 64, lineage_sha256="1" * 64,
        snapshot_tag="snap/demo/20260104T030000Z/abc", at=FIRST, who="run x", why="the night was kept",
    )  # fmt: skip
    assert trained_on((*entries, made)) == trained | {90: trained[2]}
