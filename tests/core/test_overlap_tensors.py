"""The kernels behind overlap.py against their twin in tensor operations, on random and on adversarial graphs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core import overlap_tensors
from ncnc_core.adjacency import Adjacency
from ncnc_core.overlap import NodeLists, common_neighbors, exclusive_neighbors, shared_neighbors

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
    common = common_neighbors(adjacency, pairs)
    same(common, overlap_tensors.shared_neighbors(adjacency, adjacency, *pairs))
    torch.manual_seed(7)
    ours = exclusive_neighbors(adjacency, *pairs, common, skip_other=skip_other, limit=limit, random=random)
    torch.manual_seed(7)
    shift = torch.rand(pairs.shape[1], dtype=torch.float64) if random else None
    same(
        ours,
        overlap_tensors.exclusive_neighbors(adjacency, *pairs, common, skip_other=skip_other, limit=limit, shift=shift),
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
    same(shared_neighbors(near, far, *ALL_PAIRS), overlap_tensors.shared_neighbors(near, far, *ALL_PAIRS))
    same(shared_neighbors(far, near, *ALL_PAIRS), overlap_tensors.shared_neighbors(far, near, *ALL_PAIRS))
