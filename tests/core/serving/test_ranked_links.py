from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.serving import ranked_links as module
from ncnc_core.serving.ranked_links import candidate_lists, ranked_links, ranking_parts

# 0 - 1 - 2 - 3 - 4 in a row, 5 hangs on 0 and 2, 6 is alone.
GRAPH = Adjacency.from_edges(torch.tensor([[0, 1, 2, 3, 0, 2], [1, 2, 3, 4, 5, 5]]), 7)


def larger() -> Adjacency:
    generator = torch.Generator().manual_seed(0)
    return Adjacency.from_edges((torch.rand(2, 800, generator=generator).pow(2) * 200).long(), 200)


def by_hash(pairs: Tensor) -> Tensor:
    """Score a pair by its numbers, the two ends not alike."""
    return ((pairs[0] * 7919 + pairs[1] * 104729) % 1009).float()


def rows(adjacency: Adjacency, nodes: Tensor, k: int, *, candidates: int | None, workers: int = 1) -> list[list[float]]:
    parts = ranking_parts(adjacency, nodes, candidates=candidates, exclude_known=True)
    found = list(ranked_links(by_hash, adjacency, parts, k, candidates=candidates, exclude_known=True, workers=workers))
    assert [part.tolist() for part in parts] == [part.source.unique_consecutive().tolist() for part in found]
    return [
        list(row)
        for part in found
        for row in zip(*(one.tolist() for one in (part.source, part.target, part.rank, part.score)), strict=True)
    ]


@pytest.mark.parametrize("candidates", [None, 20])
def test_best_of_the_candidates_come_first_and_no_edge_is_among_them(candidates: int | None) -> None:
    graph, k = larger(), 5
    nodes = torch.arange(0, 200, 3)
    found = iter(rows(graph, nodes, k, candidates=candidates))
    for node in nodes.tolist():
        lists = candidate_lists(graph, torch.tensor([node]), candidates=candidates, exclude_known=True)
        assert not graph.has(torch.stack([torch.full_like(lists.node, node), lists.node])).any()
        low, high = lists.node.clamp(max=node), lists.node.clamp(min=node)
        scores = by_hash(torch.stack([low, high]))
        order = scores.sort(descending=True, stable=True).indices[:k]
        for rank, place in enumerate(order.tolist(), start=1):
            assert next(found) == [node, int(lists.node[place]), rank, float(scores[place])]
    assert next(found, None) is None


@pytest.mark.parametrize("candidates", [None, 20])
def test_the_cut_into_parts_and_the_workers_change_nothing(
    monkeypatch: pytest.MonkeyPatch, candidates: int | None
) -> None:
    graph, nodes = larger(), torch.arange(200)
    whole = rows(graph, nodes, 4, candidates=candidates)
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 700)
    monkeypatch.setattr(module, "NODES_AT_ONCE", 8)
    assert len(ranking_parts(graph, nodes, candidates=candidates, exclude_known=True)) > 20
    assert rows(graph, nodes, 4, candidates=candidates) == whole
    assert rows(graph, nodes, 4, candidates=candidates, workers=2) == whole


def test_a_part_asks_for_each_unordered_pair_once_with_the_lower_position_first() -> None:
    asked: list[Tensor] = []

    def score(pairs: Tensor) -> Tensor:
        asked.append(pairs)
        return by_hash(pairs)

    nodes = torch.tensor([4, 0])  # each a candidate of the other
    (found,) = ranked_links(score, GRAPH, [nodes], 9, candidates=None, exclude_known=True)
    (pairs,) = asked
    assert (pairs[0] < pairs[1]).all()
    assert pairs.shape[1] == len(found.rank) - 1
    both = found.score[(found.source + found.target == 4) & (found.source * found.target == 0)]
    assert len(both) == 2
    assert both[0] == both[1]


def test_known_links_are_candidates_where_they_are_not_excluded() -> None:
    lists = candidate_lists(GRAPH, torch.tensor([0, 6]), candidates=None, exclude_known=False)
    assert lists.node.tolist() == [1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5]
    near = candidate_lists(GRAPH, torch.tensor([0]), candidates=1, exclude_known=False)
    assert {1, 5} <= set(near.node.tolist())


def test_parts_are_bounded_and_an_empty_list_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 14)
    parts = ranking_parts(GRAPH, torch.arange(7), candidates=None, exclude_known=True)
    assert [len(part) for part in parts] == [2, 2, 2, 1]
    assert ranking_parts(GRAPH, torch.zeros(0, dtype=torch.int64), candidates=None, exclude_known=True) == []


def test_a_node_that_lacks_no_link_has_no_row() -> None:
    complete = Adjacency.from_edges(torch.combinations(torch.arange(4)).T, 4)
    for candidates in (None, 3):
        (found,) = ranked_links(by_hash, complete, [torch.arange(4)], 2, candidates=candidates, exclude_known=True)
        assert found.rank.numel() == 0
