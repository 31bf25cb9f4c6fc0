from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from pipeline.evaluation.scored_input import GraphScorer, same_input, scored_input

EDGES = torch.tensor([[0, 1, 2], [1, 2, 3]])
POSITIVES, NEGATIVES = EDGES[:, :1], torch.tensor([[0, 0], [2, 3]])
GRAPH = Adjacency.from_edges(EDGES, 5)


def degree_sum(pairs: Tensor, graph: Adjacency, features: Tensor | None) -> Tensor:
    return graph.degree[pairs].sum(0).double()


SCORER = GraphScorer(degree_sum, GRAPH, torch.ones(5, 2))


def test_scorer_scores_on_the_graph_it_is_bound_to() -> None:
    assert SCORER(NEGATIVES).tolist() == [3.0, 2.0]


def test_equal_inputs_have_equal_digests_whatever_holds_them() -> None:
    again = GraphScorer(degree_sum, Adjacency.from_edges(EDGES.flip(1), 5), torch.ones(2, 5).t())
    assert scored_input(SCORER, POSITIVES, NEGATIVES) == scored_input(again, POSITIVES.clone(), NEGATIVES.clone())


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("graph", replace(SCORER, graph=Adjacency.from_edges(EDGES[:, :2], 5))),
        ("graph", replace(SCORER, graph=Adjacency.from_edges(EDGES, 5, torch.tensor([1.0, 2.0, 1.0])))),
        ("features", replace(SCORER, features=None)),
        ("features", replace(SCORER, features=torch.ones(5, 2, dtype=torch.float64))),
        ("features", replace(SCORER, features=torch.ones(5, 2).index_fill(0, torch.tensor([4]), 0.5))),
    ],
)
def test_one_part_that_differs_is_one_violation(part: str, other: GraphScorer) -> None:
    given = {
        name: scored_input(scorer, POSITIVES, NEGATIVES)
        for name, scorer in {"challenger": SCORER, "champion": other, "floor": SCORER}.items()
    }
    assert getattr(given["challenger"], part) != getattr(given["champion"], part)
    found = same_input(given, "challenger")
    assert (found.checked, found.violations) == (8, 1)


def test_other_negatives_are_seen() -> None:
    given = {
        "challenger": scored_input(SCORER, POSITIVES, NEGATIVES),
        "champion": scored_input(SCORER, POSITIVES, EDGES),
    }
    assert same_input(given, "challenger").violations == 1
