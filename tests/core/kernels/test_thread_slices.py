from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from ncnc_core.kernels.thread_slices import in_slices


@pytest.fixture(autouse=True)
def _restored_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("threads", "size", "least", "expected"),
    [
        (1, 10, 1, [(0, 10)]),  # the caller alone
        (3, 10, 1, [(0, 3), (3, 6), (6, 10)]),
        (3, 10, 5, [(0, 5), (5, 10)]),  # no part under the least
        (4, 3, 1, [(0, 1), (1, 2), (2, 3)]),
        (4, 0, 1, [(0, 0)]),
    ],
)
def test_parts_cover_the_range_once(threads: int, size: int, least: int, expected: list[tuple[int, int]]) -> None:
    torch.set_num_threads(threads)
    seen: list[tuple[int, int]] = []
    in_slices(lambda start, stop: seen.append((start, stop)), size, least=least)
    assert sorted(seen) == expected


def test_parts_run_side_by_side() -> None:
    torch.set_num_threads(2)
    both = threading.Barrier(2, timeout=30)  # breaks unless two threads stand at it
    in_slices(lambda start, stop: both.wait() and None, 2)


def test_error_in_any_part_reaches_the_caller() -> None:
    torch.set_num_threads(2)

    def fails_in_the_second(start: int, stop: int) -> None:
        if start:
            raise ValueError("part two")

    with pytest.raises(ValueError, match="part two"):
        in_slices(fails_in_the_second, 2)
