from __future__ import annotations

import time

import pytest

from pipeline.evaluation.cost import LINE_SECONDS, MANY, CostMeter


def test_parts_are_kept_in_order_and_add_up() -> None:
    meter = CostMeter()
    for part, pairs in (("scoring", 10), ("intervals", 3), ("scoring", 5)):
        with meter.part(part, pairs):
            pass
    assert [(cost.part, cost.pairs) for cost in meter.costs] == [("scoring", 15), ("intervals", 3)]
    assert all(cost.seconds >= 0 for cost in meter.costs)


def test_a_part_that_waits_takes_seconds_and_no_cpu_seconds() -> None:
    meter = CostMeter()
    with meter.part("waiting", 0):
        time.sleep(0.05)
    (cost,) = meter.costs
    assert cost.cpu_seconds is not None
    assert cost.cpu_seconds < 0.05 <= cost.seconds


def test_the_log_says_when_a_long_part_begins(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for pairs in (MANY - 1, MANY):
        with CostMeter().part("scoring challenger", pairs):
            assert ("scoring challenger: 200,000 pairs" in caplog.text) == (pairs == MANY)


def test_a_part_that_fails_is_counted_too() -> None:
    meter = CostMeter()
    with pytest.raises(ValueError, match="broken"), meter.part("scoring", 1):
        raise ValueError("broken")
    assert [cost.part for cost in meter.costs] == ["scoring"]


def test_a_long_part_says_a_line_a_minute_how_far_it_is_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    now = [100.0]
    meter = CostMeter(lambda: now[0])
    meter.did(5)  # of no part: what is scored before the first one has no pace
    with meter.part("scoring challenger", 4_000_000):
        for _ in range(7):
            now[0] += LINE_SECONDS / 2
            meter.did(500_000)
    now[0] += 1
    with meter.part("scoring champion", 10):
        meter.did(10)
    assert caplog.messages == [
        "scoring challenger: 4,000,000 pairs",
        "scoring challenger: 1,000,000 of 4,000,000 pairs, 3 min left",
        "scoring challenger: 2,000,000 of 4,000,000 pairs, 2 min left",
        "scoring challenger: 3,000,000 of 4,000,000 pairs, 60 s left",
    ]
