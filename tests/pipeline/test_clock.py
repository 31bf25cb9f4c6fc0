import time
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.clock import earliest_present, elapsed_seconds, wall_clock

DAY = datetime(2026, 6, 1, tzinfo=UTC)


def test_the_wall_clock_is_in_utc() -> None:
    assert wall_clock().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("at", "dated", "present"),
    [
        (9, ([1, 7], [8, 2]), 7),  # the earliest of the newest
        (5, ([1, 7], [8, 2]), 5),  # this machine's clock is the earliest
        (9, ([], [8, 2]), 8),  # what nothing was dated by says nothing
        (9, (), 9),
    ],
)
def test_ages_are_counted_back_from_the_earliest_clock(at: int, dated: tuple[list[int], ...], present: int) -> None:
    lists = [[DAY.replace(day=day) for day in days] for days in dated]
    assert earliest_present(DAY.replace(day=at), *lists) == DAY.replace(day=present)


def test_elapsed_time_counts_what_the_machine_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    first = elapsed_seconds()
    assert first <= elapsed_seconds()
    # Linux keeps two counts, which agree until the machine is suspended; no test may suspend the one it runs on.
    counts = {time.CLOCK_MONOTONIC: 100.0, time.CLOCK_BOOTTIME: 3700.0}
    monkeypatch.setattr(time, "clock_gettime", counts.__getitem__)
    assert elapsed_seconds() == 3700
