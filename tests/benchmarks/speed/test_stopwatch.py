from __future__ import annotations

from benchmarks.speed.stopwatch import matmul_rate, quickest


def test_quickest_runs_once_uncounted_and_returns_a_round() -> None:
    calls: list[int] = []
    seconds = quickest(lambda: calls.append(1), rounds=3)
    assert len(calls) == 4
    assert 0 <= seconds.wall < 1
    assert 0 <= seconds.cpu < 1


def test_rate_of_a_product_is_of_this_centurys_machines() -> None:
    assert 1e8 < matmul_rate(64, 64, rounds=3) < 1e14
