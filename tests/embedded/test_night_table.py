from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from embedded.generated import Generated
from embedded.layout import Layout
from embedded.night_results import NightResult
from embedded.night_table import show
from pipeline.checks.data_checks import DataChecks
from pipeline.records.chain import EdgeSplit
from pipeline.records.findings import CheckResult, LeakInvariant


@pytest.mark.parametrize("width", [80, 150])
def test_the_table_shows_every_night_and_what_to_do_next(six_nights: list[NightResult], width: int) -> None:
    console = Console(record=True, width=width, file=io.StringIO())
    show(six_nights, Generated(6), Layout(Path("/c/.ncnc/demo")), console)
    text = console.export_text()
    assert "night 3 skipped: unchanged since [demo-2]" in text  # brackets are no markup here
    assert "night 4 refused: 5,049 edges are 35 %" in text
    assert "Night 1's model beats the best of CN, AA and RA" in text
    assert "/c/.ncnc/demo/home/runs" in text
    assert "make up, later make down" in text
    if width == 150:
        for cell in ("2026-03-05", "cdcdcdcdcdcd", "3,000", "14,280", "mrr 0.460 [0.440, 0.480]", "version 1"):
            assert cell in text


def test_the_pages_of_another_demo_are_started_by_its_name(six_nights: list[NightResult]) -> None:
    console = Console(record=True, width=150, file=io.StringIO())
    show(six_nights, Generated(6), Layout(Path("/c/.ncnc/as_caida")), console)
    assert "make up STACK=as_caida" in console.export_text()


def test_what_was_delivered_checked_and_split_stands_beside_it(six_nights: list[NightResult]) -> None:
    held = CheckResult(name="self_loops", level="refuse", threshold="0", observed="0", passed=True)
    dip = CheckResult(name="edge_dip", level="warn", threshold=">= 0.9", observed="0.85", passed=False)
    truncated = held.model_copy(update={"name": "minimum_edge_ratio", "passed": False})
    first, *others, refused, rejected, last = six_nights
    snapshot, evaluation = first.snapshot, first.evaluation
    assert snapshot is not None
    assert evaluation is not None
    certificate = (LeakInvariant(name="disjoint", checked=1200, violations=0),)
    nights = [
        replace(
            first,
            snapshot=snapshot.model_copy(update={"added_edges": 1760, "removed_edges": 1630, "returned_edges": 9632}),
            evaluation=evaluation.model_copy(update={"certificate": certificate}),
            split=SPLIT,
            checks=checks_of(held, dip),
        ),
        *others,
        replace(refused, checks=checks_of(held, truncated, reasons=("minimum_edge_ratio: 0.35",))),
        rejected,
        last,
    ]
    console = Console(record=True, width=200, file=io.StringIO())
    show(nights, Generated(6), Layout(Path("/c/.ncnc/demo")), console)
    text = console.export_text()
    for cell in (
        "1,760",
        "1,630",
        "9,632",
        "1 of 2 hold",
        "warned: edge_dip",
        "refused: minimum_edge_ratio",
        "temporal: 40,000 / 5,000 / 600",
        "1 invariants, 1,200 items, 0 violations",
    ):
        assert cell in text


def test_a_broken_invariant_is_named(six_nights: list[NightResult]) -> None:
    evaluation = six_nights[0].evaluation
    assert evaluation is not None
    broken = LeakInvariant(name="disjoint", checked=5, violations=1)
    night = replace(six_nights[0], evaluation=evaluation.model_copy(update={"certificate": (broken,)}))
    console = Console(record=True, width=200, file=io.StringIO())
    show([night], Generated(6), Layout(Path("/c/.ncnc/demo")), console)
    assert "BROKEN: disjoint" in console.export_text()


def checks_of(*checks: CheckResult, reasons: tuple[str, ...] = ()) -> DataChecks:
    return DataChecks(graph="demo", as_of=AS_OF, delivery="edges.parquet", checks=checks, reasons=reasons)


AS_OF = datetime(2026, 3, 2, 3, tzinfo=UTC)
SPLIT = EdgeSplit(
    snapshot_sha256="ab" * 32,
    method="temporal",
    reason="dates",
    cut_train=AS_OF,
    cut_valid=AS_OF,
    num_train=40000,
    num_valid=5000,
    num_test=600,
    num_message_train=1,
    num_message_test=1,
    seed=0,
    files=(),
    tag="split/demo/20260302T030000Z/abababababab",
    certificate=(),
)
