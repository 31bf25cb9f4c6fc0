from __future__ import annotations

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.row_ranks import RowRanks

SIZE = 40


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two hubs and noise, values of the nodes, and another numbering of them."""
    generator = torch.Generator().manual_seed(seed)
    spokes = torch.arange(2, SIZE)
    hubs = [torch.stack([torch.full_like(spokes, hub), spokes]) for hub in (0, 1)]
    noise = torch.randint(SIZE, (2, 60), generator=generator)
    edges = torch.cat([hubs[0], hubs[1][:, ::2], noise], 1)
    return edges, torch.randn(SIZE, 5, generator=generator), torch.randperm(SIZE, generator=generator)


def test_ranks_and_places_are_each_other_turned_round_and_other_rows_stay() -> None:
    edges, values, _ = drawn(0)
    graph = Adjacency.from_edges(edges, SIZE)
    ranks = RowRanks.of(graph, torch.tensor([1, 0, 1]), values)
    for node in (0, 1):
        at = torch.arange(int(graph.degree[node]))
        nodes = torch.full_like(at, node)
        assert ranks.places(nodes, at).sort().values.tolist() == at.tolist()
        assert torch.equal(ranks.ranks(nodes, ranks.places(nodes, at)), at)
        assert not torch.equal(ranks.places(nodes, at), at)
    assert ranks.places(torch.tensor([7, 7]), torch.tensor([0, 1])).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("skip_other", [False, True])
def test_what_is_kept_of_a_long_list_does_not_depend_on_the_numbering(seed: int, skip_other: bool) -> None:
    edges, values, place = drawn(seed)
    pairs = torch.triu_indices(SIZE, SIZE, offset=1)
    moved = torch.empty_like(values)
    moved[place] = values

    def kept(edges: torch.Tensor, values: torch.Tensor | None, pairs: torch.Tensor) -> list[tuple[list[int], float]]:
        graph = Adjacency.from_edges(edges, SIZE)
        common = graph.common_neighbors(pairs)
        options = {"skip_other": skip_other, "limit": 6, "order_by": values}
        found = graph.exclusive_neighbors(*pairs, common, **options)  # type: ignore[arg-type]
        assert found.weight is not None
        lists = found.node.split(found.row_pointer.diff().tolist())
        weights = found.weight.split(found.row_pointer.diff().tolist())
        assert all(one.tolist() == sorted(one.tolist()) for one in lists)
        return [(one.tolist(), float(weight.sum())) for one, weight in zip(lists, weights, strict=True)]

    before = [(sorted(place[nodes].tolist()), weight) for nodes, weight in kept(edges, values, pairs)]
    assert before == kept(place[edges], moved, place[pairs])
    by_position = [(sorted(place[nodes].tolist()), weight) for nodes, weight in kept(edges, None, pairs)]
    assert by_position != kept(place[edges], None, place[pairs])
    assert [weight for _, weight in by_position] == pytest.approx([weight for _, weight in before])
    whole = Adjacency.from_edges(edges, SIZE)
    full = whole.exclusive_neighbors(*pairs, whole.common_neighbors(pairs), skip_other=skip_other)
    assert [weight for _, weight in before] == pytest.approx(full.row_pointer.diff().tolist())
