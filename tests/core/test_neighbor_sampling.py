from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.neighbor_sampling import limit_neighbors
from ncnc_core.overlap import NodeLists


def lists_of(*lengths: int) -> NodeLists:
    pointer = torch.tensor([0, *lengths]).cumsum(0)
    return NodeLists(pointer, torch.cat([torch.arange(length) for length in lengths]))


def test_short_lists_and_no_limit_change_nothing() -> None:
    lists = lists_of(3, 0, 2)
    assert limit_neighbors(lists, 3, random=False) is lists
    assert limit_neighbors(lists, None, random=True) is lists


def test_long_list_is_thinned_evenly_and_weighted_up() -> None:
    thinned = limit_neighbors(lists_of(8, 2), 4, random=False)
    assert thinned.row_pointer.tolist() == [0, 4, 6]
    assert thinned.node.tolist() == [1, 3, 5, 7, 0, 1]
    assert thinned.weight is not None
    assert thinned.weight.tolist() == [2.0, 2.0, 2.0, 2.0, 1.0, 1.0]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(1, 12), st.booleans())
def test_kept_nodes_are_distinct_members_and_weights_sum_to_the_length(
    lengths: list[int], limit: int, random: bool
) -> None:
    thinned = limit_neighbors(lists_of(*lengths), limit, random=random)
    weight = torch.ones(thinned.node.numel()) if thinned.weight is None else thinned.weight
    for row, length in enumerate(lengths):
        part = slice(int(thinned.row_pointer[row]), int(thinned.row_pointer[row + 1]))
        kept = thinned.node[part].tolist()
        assert len(set(kept)) == len(kept) == min(length, limit)
        assert all(0 <= node < length for node in kept)
        torch.testing.assert_close(weight[part].sum(), torch.tensor(float(length)))


def test_choice_depends_on_the_list_and_not_on_its_batch() -> None:
    alone = limit_neighbors(lists_of(9), 4, random=False)
    together = limit_neighbors(lists_of(30, 9), 4, random=False)
    assert together.node[-4:].tolist() == alone.node.tolist()


def test_random_thinning_is_unbiased() -> None:
    torch.manual_seed(0)
    values = torch.tensor([[5.0], [0.0], [1.0], [2.0], [9.0], [3.0], [7.0]])
    many = lists_of(*[7] * 20_000)
    mean = limit_neighbors(many, 3, random=True).sum_rows(values).mean()
    torch.testing.assert_close(mean, values.sum(), rtol=0.02, atol=0.0)
