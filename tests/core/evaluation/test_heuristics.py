import math

import networkx
import pytest
import torch

from ncnc_core.evaluation import heuristics
from ncnc_core.evaluation.heuristics import HEURISTICS, adamic_adar
from ncnc_core.graph.adjacency import Adjacency

ORACLES = {
    "common_neighbors": networkx.common_neighbor_centrality,
    "adamic_adar": networkx.adamic_adar_index,
    "resource_allocation": networkx.resource_allocation_index,
    "preferential_attachment": networkx.preferential_attachment,
}


def random_graph(nodes: int, edges: int, seed: int) -> tuple[networkx.Graph, Adjacency]:
    graph = networkx.gnm_random_graph(nodes, edges, seed=seed)
    return graph, Adjacency.from_edges(torch.tensor(list(graph.edges)).T.reshape(2, -1), nodes)


def all_pairs(nodes: int) -> torch.Tensor:
    return torch.combinations(torch.arange(nodes), 2).T


@pytest.mark.parametrize("name", HEURISTICS)
@pytest.mark.parametrize("edges", [0, 5, 80, 400])  # from isolated nodes to nearly complete
def test_heuristic_agrees_with_networkx_on_every_pair(name: str, edges: int) -> None:
    if edges == 0:
        graph, adjacency = networkx.empty_graph(30), Adjacency.from_edges(torch.empty(2, 0, dtype=torch.int64), 30)
    else:
        graph, adjacency = random_graph(30, edges, seed=edges)
    pairs = all_pairs(30)
    options = {"alpha": 1} if name == "common_neighbors" else {}  # alpha 1: the count alone
    expected = [score for _, _, score in ORACLES[name](graph, pairs.T.tolist(), **options)]

    assert HEURISTICS[name](adjacency, pairs).tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", HEURISTICS)
def test_direction_and_blocks_change_no_score(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, adjacency = random_graph(40, 200, seed=1)
    pairs = all_pairs(40)
    whole = HEURISTICS[name](adjacency, pairs)

    monkeypatch.setattr(heuristics, "ENTRIES_AT_ONCE", 7)  # less than some single pairs need

    assert torch.equal(HEURISTICS[name](adjacency, pairs.flip(0)), whole)


@pytest.mark.parametrize("name", HEURISTICS)
def test_no_pairs_have_no_scores(name: str) -> None:
    _, adjacency = random_graph(5, 4, seed=0)
    assert HEURISTICS[name](adjacency, torch.empty(2, 0, dtype=torch.int64)).numel() == 0


def test_worked_values_of_a_path_with_a_triangle() -> None:
    # 0-1, 1-2, 0-2, 2-3: the pair (1, 3) shares node 2 of degree 3.
    adjacency = Adjacency.from_edges(torch.tensor([[0, 1, 0, 2], [1, 2, 2, 3]]), 4)
    pair = torch.tensor([[1], [3]])
    worked = {name: score(adjacency, pair).item() for name, score in HEURISTICS.items()}
    assert worked == pytest.approx(
        {
            "common_neighbors": 1,
            "adamic_adar": 1 / math.log(3),
            "resource_allocation": 1 / 3,
            "preferential_attachment": 2,
        }
    )


def test_adamic_adar_of_a_node_with_itself_over_a_leaf_is_zero_and_not_infinite() -> None:
    adjacency = Adjacency.from_edges(torch.tensor([[0], [1]]), 2)
    assert adamic_adar(adjacency, torch.tensor([[0], [0]])).tolist() == [0]


def test_preferential_attachment_tells_neighbouring_products_apart() -> None:
    # 4097 * 4097 = 4096 * 4098 + 1, which is above 2^24: in float32 the two are one number.
    degrees = {0: 4097, 1: 4097, 2: 4096, 3: 4098}
    edges = [torch.stack([torch.full((many,), node), torch.arange(4, 4 + many)]) for node, many in degrees.items()]
    adjacency = Adjacency.from_edges(torch.cat(edges, 1), 4200)
    score, lower = HEURISTICS["preferential_attachment"](adjacency, torch.tensor([[0, 2], [1, 3]])).tolist()
    assert (score, lower) == (16785409, 16785408)
