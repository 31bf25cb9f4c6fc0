"""The kernels behind neighbor_search.py against their twin in tensor operations, on random and adversarial graphs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.graph import neighbor_search_tensors as tensors
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.neighbor_search import shared_neighbors
from ncnc_core.graph.neighbor_search_tensors import Places, spaced_places
from ncnc_core.graph.node_lists import NodeLists

SIZE = 48
HUB = torch.stack([torch.zeros(SIZE - 2, dtype=torch.int64), torch.arange(1, SIZE - 1)])  # the last node is isolated
GRAPHS = {
    "empty": torch.zeros(2, 0, dtype=torch.int64),
    "hub": torch.cat([HUB, torch.tensor([[1, 2, 3], [2, 3, 40]])], 1),
    "two hubs": torch.cat([HUB, HUB + 1], 1),
    "full": torch.triu_indices(SIZE, SIZE, offset=1),
    "path": torch.stack([torch.arange(SIZE - 1), torch.arange(1, SIZE)]),
}
ALL_PAIRS = torch.cartesian_prod(torch.arange(SIZE), torch.arange(SIZE)).T.contiguous()


def same(ours: NodeLists, twin: NodeLists) -> None:
    assert torch.equal(ours.row_pointer, twin.row_pointer)
    assert torch.equal(ours.node, twin.node)
    torch.testing.assert_close(
        *(torch.ones(one.node.numel()) if one.weight is None else one.weight for one in (ours, twin))
    )


def agree(adjacency: Adjacency, pairs: torch.Tensor, *, skip_other: bool, limit: int | None, random: bool) -> None:
    common = adjacency.common_neighbors(pairs)
    same(common, tensors.shared_neighbors(adjacency, adjacency, *pairs))
    torch.manual_seed(7)
    ours = adjacency.exclusive_neighbors(*pairs, common, skip_other=skip_other, limit=limit, random=random)
    torch.manual_seed(7)
    shift = torch.rand(pairs.shape[1], dtype=torch.float64) if random else None
    same(
        ours,
        tensors.exclusive_neighbors(adjacency, *pairs, common, skip_other=skip_other, limit=limit, shift=shift),
    )


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("limit", [None, 1, 5, SIZE])
@pytest.mark.parametrize("skip_other", [False, True])
def test_kernels_agree_with_their_twin_on_every_pair_of_an_adversarial_graph(
    name: str, limit: int | None, skip_other: bool
) -> None:
    adjacency = Adjacency.from_edges(GRAPHS[name], SIZE)
    agree(adjacency, ALL_PAIRS, skip_other=skip_other, limit=limit, random=False)
    agree(adjacency, ALL_PAIRS[:, :1], skip_other=skip_other, limit=limit, random=True)
    agree(adjacency, ALL_PAIRS[:, :0], skip_other=skip_other, limit=limit, random=True)


@given(st.integers(0, 10**6), st.floats(0.02, 0.9), st.sampled_from([None, 1, 3, 9]), st.booleans(), st.booleans())
def test_kernels_agree_with_their_twin_on_random_graphs_with_single_directions_dropped(
    seed: int, density: float, limit: int | None, skip_other: bool, random: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    upper = torch.triu_indices(SIZE, SIZE, offset=1)
    adjacency = Adjacency.from_edges(upper[:, torch.rand(upper.shape[1], generator=generator) < density], SIZE)
    keep = torch.rand(adjacency.column.numel(), generator=generator) < 0.6
    pairs = torch.randint(SIZE, (2, 60), generator=generator)
    agree(adjacency.masked(keep), pairs, skip_other=skip_other, limit=limit, random=random)


def test_shared_neighbors_of_two_graphs_agree_with_their_twin() -> None:
    near, far = (Adjacency.from_edges(GRAPHS[name], SIZE) for name in ("path", "two hubs"))
    same(shared_neighbors(near, far, *ALL_PAIRS), tensors.shared_neighbors(near, far, *ALL_PAIRS))
    same(shared_neighbors(far, near, *ALL_PAIRS), tensors.shared_neighbors(far, near, *ALL_PAIRS))


def as_lists(places: Places) -> list[list[int]]:
    return [part.tolist() for part in places.place.split((places.row_pointer[1:] - places.row_pointer[:-1]).tolist())]


def test_short_lists_and_no_limit_keep_everything() -> None:
    lengths = torch.tensor([3, 0, 2])
    for places in (spaced_places(lengths, 3), spaced_places(lengths, None, torch.rand(3, dtype=torch.float64))):
        assert as_lists(places) == [[0, 1, 2], [], [0, 1]]
        assert places.weight is None


def test_long_list_is_thinned_evenly_and_weighted_up() -> None:
    places = spaced_places(torch.tensor([8, 2]), 4)
    assert as_lists(places) == [[1, 3, 5, 7], [0, 1]]
    assert places.weight is not None
    assert places.weight.tolist() == [2.0, 2.0, 2.0, 2.0, 1.0, 1.0]


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 12), st.booleans())
def test_kept_places_are_distinct_members_and_weights_sum_to_the_length(
    lengths: list[int], limit: int, random: bool
) -> None:
    shift = torch.rand(len(lengths), dtype=torch.float64) if random else None
    places = spaced_places(torch.tensor(lengths, dtype=torch.int64), limit, shift)
    weight = torch.ones(places.place.numel()) if places.weight is None else places.weight
    for row, (length, kept) in enumerate(zip(lengths, as_lists(places), strict=True)):
        assert len(set(kept)) == len(kept) == min(length, limit)
        assert all(0 <= place < length for place in kept)
        torch.testing.assert_close(weight[places.owner == row].sum(), torch.tensor(float(length)))


def test_choice_depends_on_the_list_and_not_on_its_batch() -> None:
    alone = spaced_places(torch.tensor([9]), 4)
    together = spaced_places(torch.tensor([30, 9]), 4)
    assert as_lists(together)[1] == as_lists(alone)[0]


def test_random_thinning_is_unbiased() -> None:
    torch.manual_seed(0)
    values = torch.tensor([5.0, 0.0, 1.0, 2.0, 9.0, 3.0, 7.0])
    places = spaced_places(torch.full((20_000,), 7), 3, torch.rand(20_000, dtype=torch.float64))
    assert places.weight is not None
    mean = (places.weight * values[places.place]).sum() / 20_000
    torch.testing.assert_close(mean, values.sum(), rtol=0.02, atol=0.0)
