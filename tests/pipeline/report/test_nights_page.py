"""The index as text; what a browser makes of it is in test_pages_in_a_browser.py."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from pipeline.ledger.entries import Entry, GraphRefreshed, NightEntry
from pipeline.report.kept_figures import NightFigures
from pipeline.report.needs import Need
from pipeline.report.night_rows import NightRow, night_rows
from pipeline.report.nights_page import nights_page, nights_picture
from tests.fixtures.year_of_nights import FIRST, GRAPH, a_year, run_name
from tests.pipeline.report.test_page import Page

NEED = Need("refused", "It was <b>refused</b>.", "Look:", "ncnc registry doctor", night=run_name(7))


def link(row: NightRow) -> str:
    return f"{row.night.run_name}.html" if row.night else ""


def page_of(
    nights: tuple[tuple[Entry, ...], dict[str, NightFigures]],
    *needed: Need,
    link: Callable[[NightRow], str] = link,
    drawn: bool = False,
) -> str:
    rows = night_rows(*nights)
    return nights_page(GRAPH, rows, needed, nights_picture(rows) if drawn else None, link)


@pytest.fixture(scope="module")
def text() -> str:
    return page_of(a_year(8), NEED, drawn=True)


def cells(text: str) -> list[list[str]]:
    """Return the table's rows as the text of their cells."""
    body = text[text.index('<tbody role="rowgroup">') :]
    rows = re.findall(r"<tr .*?</tr>", body, flags=re.DOTALL)
    found = [re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in found]


def test_the_page_is_whole_and_needs_nothing_from_outside(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert not re.search(
        r"https?://|//\w|@import|javascript:", re.sub(r"<script>.*</script>", "", text, flags=re.DOTALL)
    )
    assert {"link", "iframe", "img", "object"} & set(page.tags) == set()
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert "&lt;b&gt;the delivery looks truncated" in text
    assert "<b>" not in text


def test_nothing_but_the_pages_own_script_may_run(text: str) -> None:
    [policy] = [value for value in Page(text).values("content") if "default-src" in value]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-[\w+/]+='", policy
    )
    assert text.count("<script") == 1


def test_what_needs_a_person_stands_first_with_the_command_and_the_nights_page(text: str) -> None:
    top = text[: text.index('<dl class="facts">')]
    assert "Version 1 serves, its weights 7 days old. 1 thing needs you." in top
    assert "It was &lt;b&gt;refused&lt;/b&gt;." in top
    assert "<code>ncnc registry doctor</code>" in top
    assert f'<a href="{run_name(7)}.html">' in top
    assert "Nothing needs you." in page_of(a_year(2))


def test_the_first_line_names_what_serves_after_whatever_came_last() -> None:
    entries, figures = a_year(30)
    assert "Version 2 serves, its weights 8 days old. Nothing needs you." in page_of((entries, figures))
    made = GraphRefreshed(
        graph=GRAPH, version=9, previous=2, weights_of=2, run_key="0" * 64, lineage_sha256="1" * 64,
        snapshot_tag="snap/demo/20260104T030000Z/abc", at=FIRST, who="run x", why="the night was kept",
    )  # fmt: skip
    refreshed = page_of(((*entries, made), figures))
    assert "Version 9 serves, its weights 8 days old. Nothing needs you." in refreshed


def test_each_night_says_in_plain_words_what_came_of_it_and_links_to_its_page() -> None:
    text = page_of(a_year(110))
    shown = {row[0]: row for row in cells(text)}
    assert shown["2025-04-20 03:00"][1:5] == [
        "✗ refused",
        "Refused before a decision. Version 6 stays. minimum edge ratio: 5049 edges are 0.350 of the 14426, below 0.7: "
        "&lt;b&gt;the delivery looks truncated&lt;/b&gt;. Ask the source for the whole file, or lower "
        "snapshot.minimum_edge_ratio in params.yaml if the graph shrank.",
        "v6",
        "4",
    ]
    kept = shown["2025-04-19 03:00"]
    assert kept[2].startswith("Version 6 stays. superiority over champion: observed mrr +0.0040")
    assert re.fullmatch(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", kept[5])
    assert kept[8] == "18,360 +90 -50"
    assert shown["2025-03-26 03:00"][2].startswith("Version 5 became champion.")
    assert [row[1] for row in cells(text) if row[0].startswith("2025-04-1") and "03:00" not in row[0]] == [
        "▶ resumed", "⚑ pinned", "↩ rollback",
    ]  # fmt: skip
    assert text.count("<a href=") == 110


def test_a_night_without_a_page_has_no_link() -> None:
    assert "<a href=" not in page_of(a_year(3), link=lambda row: "")


def test_an_outcome_that_this_page_does_not_know_is_shown_as_it_is() -> None:
    rows = night_rows(*a_year(2))
    night = rows[-1].night
    assert isinstance(night, NightEntry)
    new = NightRow("refreshed", night.as_of, "Weights of version 1, tonight's graph", 2, None)
    shown = cells(nights_page(GRAPH, (*rows, new), (), None, link))
    assert shown[0][1:4] == ["↻ refreshed", "Weights of version 1, tonight&#39;s graph", "v2"]


def test_a_graph_without_nights_has_a_page_that_says_so() -> None:
    assert "No night has ended yet." in page_of(((), {}))
    assert nights_picture(()) is None


def test_a_year_is_a_page_of_less_than_a_megabyte() -> None:
    assert len(page_of(a_year(365), drawn=True).encode()) < 1_000_000


def test_the_same_nights_give_the_same_page(text: str) -> None:
    assert text == page_of(a_year(8), NEED, drawn=True)


def test_what_age_costs_stands_at_the_top_from_the_last_night_that_measured_it(text: str) -> None:
    top = text[: text.index("</header>")]  # the last night was refused
    assert "<dt>an older model (MRR, 2025-01-07)</dt><dd>1 night: loses 0.002 [-0.010, 0.014], which may be" in top
    assert "7 nights: loses 0.090 [0.060, 0.120]</dd>" in top
    entries, figures = a_year(8)
    bare = {name: night.model_copy(update={"model_losses": {}, "graph_losses": {}}) for name, night in figures.items()}
    assert "an older" not in page_of((entries, bare))
