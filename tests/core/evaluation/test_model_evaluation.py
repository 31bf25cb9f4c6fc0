from __future__ import annotations

import pytest
import sklearn.metrics
import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.model_evaluation import ModelEvaluation, evaluate_links, shared_intervals
from ncnc_core.evaluation.ranking import average_precision, metric_values, reciprocal_ranks, roc_auc
from ncnc_core.graph.adjacency import Adjacency

RING = torch.stack([torch.arange(20), (torch.arange(20) + 1) % 20])
GRAPH = Adjacency.from_edges(torch.cat([RING, torch.stack([torch.arange(20), (torch.arange(20) + 2) % 20])], 1), 20)


def evaluated(
    edges: Tensor, negatives: Tensor | None = None, graph: Adjacency = GRAPH, **options: object
) -> tuple[ModelEvaluation, Adjacency]:
    seen: list[Adjacency] = []

    def score(message: Adjacency, pairs: Tensor) -> Tensor:
        seen.append(message)
        return -(pairs[0] - pairs[1]).abs().float()

    settings: dict[str, object] = {
        "negatives_per_edge": 5,
        "shared_negatives": False,
        "confidence": 0.9,
    }
    found = evaluate_links(score, graph, edges, negatives, **{**settings, "seed": 0, **options})  # type: ignore[arg-type]
    return found, seen[0]


def test_edges_under_test_are_taken_out_of_the_graph_and_counted() -> None:
    edges = torch.tensor([[0, 1, 4], [1, 2, 7]])  # two edges of the ring, and one that is new
    found, message = evaluated(edges)
    assert found.removed_edges == 2
    assert not message.has(edges).any()
    assert message.num_edges == GRAPH.num_edges - 2
    assert "2 of the edges were in the served graph and were removed from it" in str(found)


def test_every_heuristic_stands_beside_the_model_with_every_metric() -> None:
    found, _ = evaluated(RING[:, :6])
    assert list(found.metrics) == ["model", *HEURISTICS]
    names = {"mrr", "hits@1", "hits@3", "shared_hits@20", "auc", "average_precision"}
    assert all(set(of) == names for of in found.metrics.values())
    for of in found.metrics.values():
        assert all(one.low <= one.value <= one.high for one in of.values())
    frame = found.to_frame()
    assert list(frame.columns) == ["scorer", "metric", "value", "low", "high"]
    assert len(frame) == 5 * 6


def test_drawn_negatives_are_no_edges_and_fixed_by_the_seed() -> None:
    edges = torch.tensor([[0, 3], [5, 9]])
    first, second, other = (evaluated(edges, seed=seed)[0] for seed in (0, 0, 1))
    assert first == second
    assert first != other
    assert first.num_negatives == 5
    assert str(first).splitlines()[0] == "2 edges, 5 negatives"


def test_given_negatives_are_each_edges_own() -> None:
    edges, negatives = torch.tensor([[0, 3], [4, 9]]), torch.tensor([[0, 0, 3, 3], [3, 9, 12, 8]])
    found, _ = evaluated(edges, negatives)  # distances 4 against 3 and 9; 6 against 9 and 5: both rank second
    assert found.num_negatives == 2
    assert found.metrics["model"]["mrr"].value == 0.5


def test_shared_negatives_need_no_multiple() -> None:
    edges, negatives = torch.tensor([[0, 3], [4, 9]]), torch.tensor([[0, 0, 3], [3, 9, 12]])
    found, _ = evaluated(edges, negatives, shared_negatives=True)
    assert found.num_negatives == 3
    assert found.metrics["model"]["hits@1"].value == 0.0
    assert found.metrics["model"]["hits@3"].value == 1.0
    with pytest.raises(InvalidGraph, match=r"3 negatives for 2 edges\. Give the same number.*shared_negatives=True"):
        evaluated(edges, negatives)


def test_shared_metrics_agree_with_their_definitions() -> None:
    generator = torch.Generator().manual_seed(0)
    positive = (torch.randn(40, generator=generator) + 0.7).mul(4).round()  # rounded: ties
    negative = torch.randn(60, generator=generator).mul(4).round()
    found = shared_intervals(positive, negative, torch.arange(80).view(2, 40), confidence=0.9)
    expanded = negative.expand(40, 60)
    assert found["mrr"].value == pytest.approx(float(reciprocal_ranks(positive, expanded).mean()))
    assert found["auc"].value == pytest.approx(roc_auc(positive, negative))
    assert found["average_precision"].value == pytest.approx(average_precision(positive, negative))
    truth = torch.cat([torch.ones(40), torch.zeros(60)])
    oracle = sklearn.metrics.average_precision_score(truth, torch.cat([positive, negative]))
    assert found["average_precision"].value == pytest.approx(oracle)
    for k in (1, 3, 10, 20, 50):
        assert found[f"hits@{k}"].value == pytest.approx(float(metric_values(positive, expanded)[f"hits@{k}"].mean()))


def test_shared_average_precision_has_the_bounds_of_resampled_positives() -> None:
    generator = torch.Generator().manual_seed(0)
    positive, negative = torch.randn(200, generator=generator) + 1, torch.randn(300, generator=generator)
    edges = torch.arange(400).view(2, 200)
    found = shared_intervals(positive, negative, edges, confidence=0.9)["average_precision"]
    drawn = torch.randint(200, (500, 200), generator=generator)
    direct = torch.tensor([average_precision(positive[row], negative) for row in drawn]).quantile(
        torch.tensor([0.05, 0.95])
    )
    assert (found.low, found.high) == pytest.approx(direct.tolist(), abs=0.01)


def test_an_edge_given_twice_or_in_both_directions_counts_once() -> None:
    edges = torch.tensor([[0, 3, 5], [4, 9, 12]])
    once, _ = evaluated(edges)
    again, _ = evaluated(torch.cat([edges, edges.flip(0), edges[:, :1]], 1))
    assert again.metrics == once.metrics
    assert (again.num_edges, again.repeated_edges) == (3, 4)
    assert "4 of the edges given were repeats, in either direction, and count once" in str(again)
    own = torch.tensor([[0, 0, 3, 3, 3, 3], [3, 9, 12, 8, 7, 8]])
    twice, _ = evaluated(torch.tensor([[0, 3, 9], [4, 9, 3]]), own)  # the negatives that it had first
    assert twice.metrics == evaluated(torch.tensor([[0, 3], [4, 9]]), own[:, :4])[0].metrics


def test_edges_without_a_negative_are_left_out_and_counted() -> None:
    every = torch.triu_indices(12, 12, offset=1)
    graph = Adjacency.from_edges(every[:, every[0] < 8], 12)  # nodes 0 to 7 are joined to all
    edges = torch.tensor([[0, 1, 2, 3], [9, 2, 10, 4]])
    found, _ = evaluated(edges, graph=graph)
    assert (found.num_edges, found.without_negatives) == (2, 2)
    assert "2 more edges have no negative and were left out" in str(found)
    with pytest.raises(InvalidGraph, match=r"None of the 1 edges has a negative.*Give edges of nodes that have pairs"):
        evaluated(edges[:, 1:2], graph=graph)


def test_intervals_are_wide_where_all_edges_meet_at_one_hub() -> None:
    star = torch.stack([torch.zeros(12, dtype=torch.int64), torch.arange(5, 17)])
    found, _ = evaluated(star)
    assert found.metrics["model"]["mrr"][1:] == (0, 1)  # one node says nothing of others


def test_no_edges_and_negatives_that_are_edges_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"0 edges to evaluate on\. Give edges"):
        evaluated(torch.zeros(2, 0, dtype=torch.int64))
    with pytest.raises(
        InvalidGraph, match=r"1 of 2 negatives are edges under test \(first: place 1\)\. Leave them out"
    ):
        evaluated(torch.tensor([[0], [5]]), torch.tensor([[0, 5], [9, 0]]))


def test_negatives_that_are_edges_of_the_graph_and_negatives_of_nobody_are_refused() -> None:
    edges = torch.tensor([[0, 3], [5, 9]])
    with pytest.raises(InvalidGraph, match=r"1 of 2 negatives are edges of the served graph \(first: place 1\).*leave"):
        evaluated(edges, torch.tensor([[0, 4], [9, 3]]))
    with pytest.raises(InvalidGraph, match=r"shared_negatives=True is about negatives, and none are given\. Give them"):
        evaluated(edges, shared_negatives=True)
