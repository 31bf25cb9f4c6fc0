from __future__ import annotations

import pytest

from ncnc_core.training import work as module
from ncnc_core.training.work import Work, WorkDone


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


def test_time_that_is_left_goes_by_the_pace_of_each_kind_of_pair(clock: list[float]) -> None:
    heard: list[WorkDone] = []
    work = Work(trained=100, scored=40, at_the_end=10, tell=heard.append)
    clock[0] += 50
    work.begin()
    clock[0] += 30
    work.did("training", 10)  # it loads the kernels
    first = heard[-1]
    assert (first.part, first.done, first.total, first.seconds) == ("training", 10, 150, 30.0)
    assert first.seconds_left is None
    clock[0] += 2
    work.did("training", 10)  # 0.2 s a pair
    assert heard[-1].seconds_left == pytest.approx(130 * 0.2)  # nothing was scored yet
    clock[0] += 9
    work.did("validating", 10)  # it loads more kernels
    assert heard[-1].seconds_left == pytest.approx(120 * 0.2)
    clock[0] += 0.5
    work.did("validating", 10)  # 0.05 s a pair
    assert (heard[-1].part, heard[-1].done, heard[-1].seconds) == ("validating", 40, 41.5)
    assert heard[-1].seconds_left == pytest.approx(80 * 0.2 + 30 * 0.05)


def test_what_an_earlier_try_did_is_done_and_not_timed(clock: list[float]) -> None:
    heard: list[WorkDone] = []
    work = Work(trained=100, scored=40, at_the_end=10, tell=heard.append)
    work.skip(share=0.5)
    for _ in range(2):
        clock[0] += 1
        work.did("training", 10)
    assert (heard[-1].done, heard[-1].total, heard[-1].seconds) == (50 + 20 + 20, 150, 2.0)
    assert heard[-1].seconds_left == pytest.approx((30 + 30) * 0.1)


def test_more_than_was_planned_is_not_more_than_all(clock: list[float]) -> None:
    heard: list[WorkDone] = []
    work = Work(trained=0, scored=5, tell=heard.append)
    for pairs in (2, 6):
        clock[0] += 1
        work.did("confirming", pairs)
    assert (heard[-1].done, heard[-1].total, heard[-1].seconds_left) == (8, 8, 0.0)


def test_what_is_read_is_told_in_parts_and_has_no_pace(clock: list[float]) -> None:
    heard: list[WorkDone] = []
    work = Work(tell=heard.append)
    for _ in work.reading(["a", "b"], 2, 4):
        clock[0] += 3
    assert [(one.part, one.done, one.total, one.unit, one.seconds_left) for one in heard] == [
        ("reading", 2, 4, "parts", None),
        ("reading", 3, 4, "parts", None),
    ]
    assert [one.seconds for one in heard] == [0.0, 3.0]


def test_nobody_has_to_listen() -> None:
    Work(trained=1, scored=1).did("training", 1)
    assert list(Work().reading([7], 0, 1)) == [7]
