import time
from datetime import timedelta

from pipeline.clock import elapsed_seconds, wall_clock


def test_the_wall_clock_is_in_utc() -> None:
    assert wall_clock().utcoffset() == timedelta(0)


def test_elapsed_time_counts_what_the_machine_slept() -> None:
    first = elapsed_seconds()
    assert first <= elapsed_seconds()
    # Linux keeps two counts; only this one goes on in a suspend. No test may suspend the machine it runs on.
    assert abs(time.clock_gettime(time.CLOCK_BOOTTIME) - first) < 5
