from __future__ import annotations

import re

import pytest

from pipeline.report.figures import NARROW
from pipeline.report.night_rows import night_rows
from pipeline.report.nights_figure import nights_figure
from tests.fixtures.year_of_nights import a_year


@pytest.mark.parametrize(("count", "interval"), [(8, "champion"), (365, "its interval")])
def test_champion_floor_age_and_graph_are_drawn_in_the_pages_colours(count: int, interval: str) -> None:
    svg = str(nights_figure("nights", night_rows(*a_year(count)), "mrr", width=NARROW))
    for text in (interval, "best of the floor", "promoted", "failed or refused", "MRR", "age, days", "edges"):
        assert f">{text}<" in svg, text
    assert ">degree shift<" in svg
    assert not re.search(r"#[0-9a-fA-F]{6}\b", svg)
    assert svg.count(">promoted<") == 1


def test_a_year_is_no_larger_than_a_page_can_hold_and_the_same_nights_draw_the_same() -> None:
    rows = night_rows(*a_year(365))
    svg = nights_figure("nights", rows, "mrr")
    assert len(svg) < 120_000
    assert ">rolled back<" in svg
    assert svg == nights_figure("nights", rows, "mrr")


def test_of_more_than_a_year_the_last_year_is_drawn() -> None:
    svg = str(nights_figure("nights", night_rows(*a_year(800)), "mrr"))
    assert len(svg) < 1.1 * len(nights_figure("nights", night_rows(*a_year(366)), "mrr"))


def test_nights_of_which_none_was_scored_are_drawn_all_the_same() -> None:
    entries, figures = a_year(3)
    bare = {name: night.model_copy(update={"champion": None, "floor": None}) for name, night in figures.items()}
    assert ">promoted<" in nights_figure("nights", night_rows(entries, bare), "mrr")
