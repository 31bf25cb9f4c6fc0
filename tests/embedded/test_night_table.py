from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from embedded.generated import Generated
from embedded.layout import Layout
from embedded.night_results import NightResult
from embedded.night_table import show


@pytest.mark.parametrize("width", [80, 150])
def test_the_table_shows_every_night_and_what_to_do_next(four_nights: list[NightResult], width: int) -> None:
    console = Console(record=True, width=width, file=io.StringIO())
    show(four_nights, Generated(4), Layout(Path("/c/.ncnc/demo")), console)
    text = console.export_text()
    assert "night 3 skipped: unchanged since [demo-2]" in text  # brackets are no markup here
    assert "night 4 refused: 5,049 edges are 35 %" in text
    assert "Night 1's model beats the best of CN, AA and RA" in text
    assert "/c/.ncnc/demo/home/runs" in text
    assert "make up, later make down" in text
    if width == 150:
        for cell in ("2026-03-05", "cdcdcdcdcdcd", "3,000", "14,280", "mrr 0.460 [0.440, 0.480]", "version 1"):
            assert cell in text


def test_the_pages_of_another_demo_are_started_by_its_name(four_nights: list[NightResult]) -> None:
    console = Console(record=True, width=150, file=io.StringIO())
    show(four_nights, Generated(4), Layout(Path("/c/.ncnc/as_caida")), console)
    assert "make up STACK=as_caida" in console.export_text()
