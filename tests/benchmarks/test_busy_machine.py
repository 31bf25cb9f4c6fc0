from __future__ import annotations

from benchmarks.busy_machine import measured_apart


def test_an_epoch_is_measured_in_a_process_of_its_own_beside_a_busy_program() -> None:
    found = measured_apart(1, 256, 2_000, wait="1,000 times", busy=1)
    assert found.cpu_seconds > 0
    assert found.wall_seconds > 0
