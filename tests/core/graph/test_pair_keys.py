from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.pair_keys import contains_keys, directed_keys, distinct_keys, pair_keys


def test_a_pair_has_one_key_in_either_direction() -> None:
    pairs = torch.tensor([[0, 3, 2], [1, 2, 2]])
    assert pair_keys(pairs, 5).tolist() == [1, 13, 12]
    assert torch.equal(pair_keys(pairs.flip(0), 5), pair_keys(pairs, 5))


def test_more_nodes_than_an_int64_can_pair_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"nodes"):
        pair_keys(torch.tensor([[0], [1]]), 2**33)


def test_keys_are_looked_up_also_past_the_last_and_among_none() -> None:
    held = torch.tensor([2, 5, 9])
    assert contains_keys(held, torch.tensor([0, 2, 4, 9, 10])).tolist() == [False, True, False, True, False]
    assert contains_keys(held[:0], torch.tensor([0, 2])).tolist() == [False, False]


@pytest.mark.parametrize("kind", [torch.int64, torch.int32])
def test_an_edge_has_a_key_in_each_direction_that_does_not_overflow(kind: torch.dtype) -> None:
    edges = torch.tensor([[0, 99_999], [1, 70_000]], dtype=kind)
    assert directed_keys(edges, 10**5).tolist() == [1, 9_999_970_000, 10**5, 7_000_099_999]
    assert edges.tolist() == [[0, 99_999], [1, 70_000]]


@pytest.mark.parametrize("keys", [[], [7], [5, 2, 9], [5, 2, 5, 2, 2]])
def test_keys_come_once_each_in_their_order(keys: list[int]) -> None:
    assert distinct_keys(torch.tensor(keys, dtype=torch.int64)).tolist() == sorted(set(keys))
