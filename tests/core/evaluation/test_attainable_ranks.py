import pytest
import torch

from ncnc_core.evaluation.attainable_ranks import attainable_reciprocal_ranks
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency

ALIKE = torch.arange(10) >= 6  # nodes 6 to 9 are unknown


@pytest.mark.parametrize(
    ("positive", "negatives", "ties"),
    [
        ((0, 6), [(0, 7), (0, 8), (0, 1), (2, 6)], 2),  # another unknown node beside 0; 0-1 and 2-6 can be told apart
        ((6, 0), [(7, 0), (0, 8), (1, 9), (0, 5)], 2),  # in either direction
        ((6, 7), [(6, 8), (9, 7), (6, 0), (1, 7)], 2),  # two unknown nodes: like every other two
        ((0, 1), [(0, 2), (0, 6), (3, 1), (7, 1)], 0),  # both known: no negative is the same pair
    ],
)
def test_a_negative_ties_where_unknown_nodes_are_all_that_differs(
    positive: tuple[int, int], negatives: list[tuple[int, int]], ties: int
) -> None:
    pairs = (torch.tensor([positive]).T, torch.tensor(negatives).T)
    assert attainable_reciprocal_ranks(*pairs, ALIKE).tolist() == [1 / (1 + ties / 2)]


def test_twelve_ties_leave_a_seventh() -> None:
    positive, negatives = torch.tensor([[0], [1]]), torch.tensor([[0] * 50, list(range(2, 52))])
    alike = torch.arange(60) < 14
    alike[0] = False
    assert attainable_reciprocal_ranks(positive, negatives, alike).tolist() == [pytest.approx(1 / 7)]


@pytest.mark.parametrize("name", list(HEURISTICS))
def test_no_function_of_the_graph_reaches_more(name: str) -> None:
    g = torch.Generator().manual_seed(0)
    graph = Adjacency.from_edges(torch.randint(0, 40, (2, 120), generator=g), 60)
    positives, negatives = (torch.randint(0, 60, (2, count), generator=g) for count in (200, 2000))
    scores = [HEURISTICS[name](graph, pairs).double() for pairs in (positives, negatives)]
    reached = reciprocal_ranks(scores[0], scores[1].view(200, -1))
    attainable = attainable_reciprocal_ranks(positives, negatives, graph.degree == 0)
    assert (reached <= attainable).all()
    assert (attainable < 1).any()
