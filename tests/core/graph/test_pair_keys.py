from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.pair_keys import contains_keys, pair_keys


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
