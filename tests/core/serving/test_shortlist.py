from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels.shortlist_reference import shortlist_reference
from ncnc_core.serving import shortlist
from ncnc_core.serving.shortlist import shortlist_room, shortlists


def heavy_tailed(num_nodes: int = 300, count: int = 1200) -> Adjacency:
    generator = torch.Generator().manual_seed(3)
    return Adjacency.from_edges((torch.rand(2, count, generator=generator).pow(3) * num_nodes).long(), num_nodes + 10)


@pytest.mark.parametrize("exclude_known", [True, False])
@pytest.mark.parametrize("size", [1, 20, 1000])
def test_every_list_is_as_long_as_its_room_and_that_of_the_plain_twin(size: int, exclude_known: bool) -> None:
    graph = heavy_tailed()
    nodes = torch.cat([torch.arange(0, graph.num_nodes, 3), graph.degree.topk(2).indices])
    found = shortlists(graph, nodes, candidates_per_node=size, exclude_known=exclude_known)
    room = shortlist_room(graph, nodes, candidates_per_node=size, exclude_known=exclude_known)
    rows = [row.tolist() for row in graph.column.split(graph.degree.tolist())]
    assert found.row_pointer.diff().tolist() == room.tolist()
    for row, (node, candidates) in enumerate(zip(nodes.tolist(), found.node.split(room.tolist()), strict=True)):
        near = size // 3 + min(shortlist.NEAR_PER_LINK * len(rows[node]), shortlist.MOST_NEAR)
        twin = shortlist_reference(
            rows, node, near=near, room=int(room[row]), exclude_known=exclude_known, least=shortlist.WALK_UNTIL
        )
        assert candidates.tolist() == twin
        assert node not in twin
        assert exclude_known == (not set(twin) & set(rows[node])) or not rows[node]


def test_a_node_of_many_links_gets_more_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "NEAR_PER_LINK", 2)
    graph = heavy_tailed()
    hub, leaf = int(graph.degree.argmax()), int((graph.degree == 1).nonzero()[0])
    room = shortlist_room(graph, torch.tensor([hub, leaf]), candidates_per_node=5, exclude_known=True).tolist()
    assert room == [min(5 + 4 * int(graph.degree[hub]), graph.num_nodes - 1 - int(graph.degree[hub])), 9]


def test_a_hub_gets_no_more_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "MOST_NEAR", 3)
    graph = heavy_tailed()
    hub = graph.degree.argmax().unsqueeze(0)
    assert int(graph.degree[hub]) * shortlist.NEAR_PER_LINK > 3
    assert shortlist_room(graph, hub, candidates_per_node=5, exclude_known=True).tolist() == [5 + 2 * 3]
    assert shortlists(graph, hub, candidates_per_node=5).node.numel() == 5 + 2 * 3


def test_an_isolated_node_is_offered_the_busiest() -> None:
    graph = heavy_tailed()
    found = shortlists(graph, torch.tensor([graph.num_nodes - 1]), candidates_per_node=3)
    busiest = graph.degree.sort(descending=True, stable=True).indices[:3]
    assert found.node.tolist() == sorted(busiest.tolist())


def test_two_threads_find_what_one_finds() -> None:
    graph, before = heavy_tailed(), torch.get_num_threads()
    nodes = torch.arange(graph.num_nodes)
    try:
        torch.set_num_threads(1)
        one = shortlists(graph, nodes)
        torch.set_num_threads(2)
        two = shortlists(graph, nodes)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(one.node, two.node)
    assert torch.equal(one.row_pointer, two.row_pointer)


def test_no_node_asks_for_nothing() -> None:
    assert shortlists(heavy_tailed(), torch.zeros(0, dtype=torch.int64)).node.numel() == 0


def test_a_shortlist_of_none_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"candidates_per_node is 0\. Ask for 1 or more"):
        shortlists(heavy_tailed(), torch.tensor([0]), candidates_per_node=0)
