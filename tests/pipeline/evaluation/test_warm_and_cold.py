"""Warm and cold edges of a small graph: a ring of the nodes 0 to 5; nodes 6 to 9 have no message edge."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import torch
from torch import Tensor

from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import NEVER, EdgeHistory
from pipeline.evaluation.comparison import Comparison, FreshPairs, Scorer, compare
from pipeline.evaluation.slices import Slice
from pipeline.evaluation.warm_and_cold import unknown_nodes, warm_and_cold
from pipeline.params.params import EvaluateParams

RING = torch.stack([torch.arange(6), torch.arange(6).roll(-1)])
GRAPH = Adjacency.from_edges(RING, 10)
PARAMS = EvaluateParams(bootstrap_samples=100)
POSITIVES = torch.tensor([[0, 1, 0, 2], [3, 4, 6, 7]])  # two warm, two cold
NEGATIVES = torch.tensor(
    [[0, 0, 2, 5, 1, 1, 0, 2, 0, 0, 1, 3, 2, 2, 4, 3], [2, 4, 3, 3, 3, 8, 4, 4, 7, 8, 6, 6, 8, 5, 7, 7]]
)  # four an edge, consecutive
COLD = torch.tensor([False, False, True, True])
CALIBRATION = {"challenger": ScoreCalibration(1.0, 0.0)}
FLOOR = list(HEURISTICS)


def slices(cold: Tensor = COLD) -> tuple[Slice, ...]:
    return (Slice("degree", "0", ~cold), Slice("node_age", "cold", cold), Slice("node_age", "established", ~cold))


def compared(pairs: FreshPairs) -> Comparison:
    def challenger(asked: Tensor) -> Tensor:
        return (asked[1] - asked[0] == 3).double()

    scorers: dict[str, Scorer] = {"challenger": challenger, "champion": lambda asked: asked[0].double() * 0}
    scorers |= {name: lambda asked: -asked[1].double() for name in HEURISTICS}
    return compare(pairs, scorers, PARAMS, calibrations=CALIBRATION)


PAIRS = FreshPairs(POSITIVES, NEGATIVES, torch.ones(4), 4, 0, "")
UNKNOWN = torch.arange(10) >= 6


def test_warm_and_cold_edges_are_measured_apart_with_their_own_negatives() -> None:
    outcome = compared(PAIRS)
    found = warm_and_cold(PAIRS, slices(), outcome, PARAMS, CALIBRATION, floor=FLOOR, graph=GRAPH, unknown=UNKNOWN)
    assert found.warm is not None
    assert found.cold is not None
    assert (found.warm.num_edges, found.cold.num_edges) == (2, 2)
    # Both warm edges come first; 0-6 is below one and level with three, 2-7 below two and level with two.
    assert found.warm.challenger.metrics["mrr"].value == 1
    assert found.cold.challenger.metrics["mrr"].value == pytest.approx((1 / 3.5 + 1 / 4) / 2)
    together = (found.warm.challenger.metrics["mrr"].value + found.cold.challenger.metrics["mrr"].value) / 2
    assert together == pytest.approx(outcome.scores["challenger"].metrics["mrr"].value)
    assert found.warm.paired is not None
    assert found.warm.paired.difference.value == pytest.approx(1 - 1 / 3)
    assert found.warm.over_floor.keys() == set(HEURISTICS)
    assert {"brier", "ece"} <= found.warm.challenger.metrics.keys()


def test_the_negatives_at_a_node_without_edges_are_counted() -> None:
    found = warm_and_cold(
        PAIRS, slices(), compared(PAIRS), PARAMS, CALIBRATION, floor=FLOOR, graph=GRAPH, unknown=UNKNOWN
    )
    assert found.negatives_without_edge == 8 / 16


def test_cold_edges_reach_what_their_ties_leave() -> None:
    found = warm_and_cold(
        PAIRS, slices(), compared(PAIRS), PARAMS, CALIBRATION, floor=FLOOR, graph=GRAPH, unknown=UNKNOWN
    )
    # 0-6 ties with 0-7 and 0-8; 2-7 with 2-8.
    assert found.cold_attainable_mrr == pytest.approx((1 / 2 + 1 / 1.5) / 2)


def test_where_features_tell_nodes_apart_nothing_is_said_of_what_can_be_reached() -> None:
    found = warm_and_cold(PAIRS, slices(), compared(PAIRS), PARAMS, CALIBRATION, floor=FLOOR, graph=GRAPH, unknown=None)
    assert found.cold is not None
    assert found.cold_attainable_mrr is None


def test_a_night_without_cold_edges_has_warm_ones_alone() -> None:
    nobody = torch.zeros(4, dtype=torch.bool)
    found = warm_and_cold(PAIRS, slices(nobody), compared(PAIRS), PARAMS, {}, floor=FLOOR, graph=GRAPH, unknown=UNKNOWN)
    assert (found.cold, found.cold_attainable_mrr) == (None, None)
    assert found.warm is not None
    assert found.warm.num_edges == 4


def test_a_single_cold_edge_proves_nothing_and_breaks_nothing() -> None:
    one = torch.tensor([False, False, False, True])
    found = warm_and_cold(
        PAIRS, slices(one), compared(PAIRS), PARAMS, CALIBRATION, floor=FLOOR, graph=GRAPH, unknown=UNKNOWN
    )
    assert found.cold is not None
    assert found.cold.paired is not None
    assert (found.cold.paired.difference.low, found.cold.paired.difference.high) == (-1, 1)


def test_a_node_whose_edges_were_removed_is_not_unknown() -> None:
    edges = torch.cat([RING, torch.tensor([[0, 1], [6, 7]])], 1)
    first_seen = torch.tensor([10] * 6 + [10, 80])  # 0-6 is gone by the cut, 1-7 comes after it
    removed_at = torch.tensor([NEVER] * 6 + [50, NEVER])
    history = EdgeHistory.of(edges, first_seen, first_seen, removed_at, 10)
    at_cut = unknown_nodes(GRAPH, history, datetime.fromtimestamp(70, UTC))
    assert at_cut.nonzero().flatten().tolist() == [7, 8, 9]
    assert unknown_nodes(GRAPH, history, None).nonzero().flatten().tolist() == [6, 7, 8, 9]
