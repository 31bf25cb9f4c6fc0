from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from embedded.layout import Layout
from embedded.night_results import NightResult
from embedded.summary import show_summary
from pipeline.ledger.story import Event
from pipeline.records.graph_refresh import GraphRefresh
from pipeline.terminal import Terminal

AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
ROLLBACK = "support reports strange suggestions since this morning"
EVENTS = (
    Event(AT, "promotion", "version 1 becomes the first champion", "admin", "the page shows nothing against it", 1),
    Event(AT, "kept", "night of 2026-03-03 03:00: kept", "run demo-2", "no better", 1),
    Event(AT, "promotion", "version 2 becomes champion in place of version 1", "admin", "better", 2),
    Event(AT, "rollback", "back to version 1, from version 2", "admin", ROLLBACK, 1),
    Event(AT, "collected", "0 versions deleted", "admin", "routine", 1),
)


def shown(
    results: Sequence[NightResult],
    events: Sequence[Event] = EVENTS,
    *,
    graph: str = "demo",
    layout: Layout | None = None,
    width: int = 100,
    served: tuple[int, str] | None = None,
) -> list[str]:
    console = Terminal(record=True, width=width, file=io.StringIO())
    show_summary(graph, results, events, layout or Layout.named("demo"), console, served=served)
    return console.export_text().splitlines()


def test_every_night_has_its_outcome_and_its_reason(six_nights: list[NightResult]) -> None:
    lines = shown(six_nights)
    row = next(line for line in lines if "2026-03-03" in line)
    assert " ".join(row.split()) == "2 2026-03-03 kept - 14,280 0.460 [0.440, 0.480] 0.470 [0.450, 0.490]"
    skipped = lines.index(next(line for line in lines if "2026-03-04" in line))
    assert lines[skipped].split() == ["3", "2026-03-04", "skipped", "-", "-", "-", "-"]
    assert lines[skipped + 1].strip() == "unchanged since [demo-2]"  # brackets are no markup here


def test_the_champion_is_told_with_the_move_that_made_it(six_nights: list[NightResult]) -> None:
    lines = shown(six_nights)
    champion = lines.index("Version 1 is the champion.")
    assert lines[champion + 1] == f"back to version 1, from version 2 (admin: {ROLLBACK})"
    assert " ".join(lines[champion + 2 : champion + 4]).replace("  ", " ") == (
        "On night 1 it beats the best of the floor, resource_allocation: mrr 0.450 [0.430, 0.470] against 0.300 "
        "[0.280, 0.320], +0.150 [+0.130, +0.170] edge by edge."
    )


def test_a_graph_without_a_champion_is_told_so(six_nights: list[NightResult]) -> None:
    assert "There is no champion." in shown(six_nights[2:4], ())


def test_three_commands_come_next(six_nights: list[NightResult]) -> None:
    text = "\n".join(shown(six_nights))
    for command in ("make up  ", ".venv/bin/ncnc status", ".venv/bin/ncnc registry history"):
        assert f"\n{command}" in text
    assert "set -a; . .ncnc/demo/env; set +a" in text
    assert ".ncnc/demo/home/reports" in text
    assert "make up STACK=as_caida" in "\n".join(shown(six_nights, layout=Layout.named("as_caida")))


@pytest.mark.parametrize("width", [100, 220])
@pytest.mark.parametrize("nights", [6, 8, 11])
def test_all_of_it_is_one_screen_whatever_the_nights_say(
    six_nights: list[NightResult], width: int, nights: int
) -> None:
    long = "edges.parquet is refused:\n" + "mend it. " * 40
    wordy = [replace(result, reason=long) for result in (six_nights * 2)[:nights]]
    events = [replace(event, why=long, who="w" * 60) for event in EVENTS]
    layout = Layout.named("a_name_of_its_own_" * 3)
    lines = shown(wordy, events, graph="g" * 120, layout=layout, width=width)
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 100
    assert sum("2026-03-02" in line for line in lines) == (1 if nights == 6 else 2)


def test_a_narrow_terminal_cuts_lines_rather_than_fold_them_between_the_columns(six_nights: list[NightResult]) -> None:
    lines = shown(six_nights, width=80)
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("    ") for line in lines) == 12  # a night has two lines, as on a wide one


def test_more_nights_than_a_screen_holds_are_shown_without_their_reasons(six_nights: list[NightResult]) -> None:
    many = [
        replace(six_nights[1], night=replace(six_nights[1].night, as_of=AT + timedelta(days=day))) for day in range(9)
    ]
    assert "no better" in "\n".join(shown(many[:8]))
    assert "no better" not in "\n".join(shown(many))


def test_kept_night_tells_which_version_serves_its_graph(six_nights: list[NightResult]) -> None:
    record = GraphRefresh(
        graph="demo", version=2, model_id="m", run_key="4" * 64, weights_of=1, weights_lineage_sha256=None, as_of=AT,
        snapshot_tag="snap/x", content_id="c" * 64, manifest_sha256="e" * 64, snapshot_sha256=None, replaced=1,
        rules=(), model=(), files=(), code_version="2" * 64,
    )  # fmt: skip
    nights = [replace(result, refresh=record) if result.outcome == "kept" else result for result in six_nights]
    told = [line.strip() for line in shown(nights) if "serves this graph" in line]
    assert told == ["serves this graph as version 2, weights of 1; no better"]


def test_champion_is_told_with_its_graph_and_the_move_that_made_its_weights_so(six_nights: list[NightResult]) -> None:
    words = "version 4: weights of version 1 (night of 2026-03-02 03:00), graph of 2026-03-07 03:00"
    refreshed = Event(AT, "refreshed", "version 4 serves the graph of 2026-03-07 03:00", "admin", "rolled back", 4)
    lines = shown(six_nights, (*EVENTS, refreshed), served=(1, words))
    champion = lines.index(f"Champion: {words}")
    assert lines[champion + 1] == f"back to version 1, from version 2 (admin: {ROLLBACK})"
    assert "On night 1 it beats" in lines[champion + 2]
