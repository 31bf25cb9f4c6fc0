from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ncnc_core.evaluation.heuristics import adamic_adar
from ncnc_core.graph.adjacency import Adjacency
from pipeline.evaluation.comparison import FreshPairs, compare
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.scored_input import GraphScorer
from pipeline.evaluation.sensitivity import sensitivity
from pipeline.params.params import EvaluateParams

GENERATOR = torch.Generator().manual_seed(0)
GRAPH = Adjacency.from_edges(torch.randint(80, (2, 600), generator=GENERATOR), 80)
PARAMS = EvaluateParams(bootstrap_samples=100, sensitivity_shares=(0.01, 0.3), sensitivity_edges=25)
EDGES, PER_EDGE = 40, 6
PAIRS = FreshPairs(
    positives=torch.randint(80, (2, EDGES), generator=GENERATOR),
    negatives=torch.randint(80, (2, EDGES * PER_EDGE), generator=GENERATOR),
    first_seen=torch.ones(EDGES, dtype=torch.int64),
    num_fresh=EDGES,
    num_seen=0,
    note="",
)


def by_neighbors(pairs: Tensor, graph: Adjacency, _: Tensor | None) -> Tensor:
    return adamic_adar(graph, pairs)


def by_number(pairs: Tensor, graph: Adjacency, _: Tensor | None) -> Tensor:
    return (pairs[0] * 31 + pairs[1] * 17).float() % 101


SCORERS = {"challenger": GraphScorer(by_neighbors, GRAPH), "steady": GraphScorer(by_number, GRAPH)}


def test_a_scorer_that_reads_the_graph_moves_with_it_and_one_that_does_not_stays() -> None:
    outcome, meter = compare(PAIRS, SCORERS, PARAMS), CostMeter()
    found = sensitivity(PAIRS, SCORERS, outcome.scored, PARAMS, meter=meter)
    assert [cost.pairs for cost in meter.costs] == [2 * 2 * 2 * 25 * (1 + PER_EDGE)]
    assert [(one.scorer, one.change, one.share) for one in found] == [
        (name, change, share)
        for change in ("remove", "add")
        for share in (0.01, 0.3)
        for name in ("challenger", "steady")
    ]
    of = {(one.scorer, one.change, one.share): one for one in found}
    for one in found:
        if one.scorer == "steady":
            assert (one.value.value, one.rank_correlation) == (pytest.approx(one.unchanged), pytest.approx(1.0))
    little, much = of["challenger", "remove", 0.01], of["challenger", "remove", 0.3]
    assert 1 > little.rank_correlation > much.rank_correlation > 0
    assert little.unchanged == much.unchanged


def test_the_same_seed_shakes_the_graph_the_same_way() -> None:
    scored = compare(PAIRS, SCORERS, PARAMS).scored
    assert sensitivity(PAIRS, SCORERS, scored, PARAMS) == sensitivity(PAIRS, SCORERS, scored, PARAMS)


def test_no_shares_and_a_graph_without_edges_are_not_shaken() -> None:
    scored = compare(PAIRS, SCORERS, PARAMS).scored
    assert sensitivity(PAIRS, SCORERS, scored, EvaluateParams(sensitivity_shares=())) == ()
    empty = {"challenger": GraphScorer(by_number, Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 80))}
    assert sensitivity(PAIRS, empty, scored, PARAMS) == ()


def test_scores_that_say_nothing_have_a_correlation_all_the_same() -> None:
    flat = {"challenger": GraphScorer(lambda pairs, graph, _: torch.zeros(pairs.shape[1]), GRAPH)}
    found = sensitivity(PAIRS, flat, compare(PAIRS, flat, PARAMS).scored, PARAMS)
    assert {one.rank_correlation for one in found} == {1.0}


def test_edges_and_their_negatives_are_both_scored_on_the_changed_graph() -> None:
    scored = compare(PAIRS, SCORERS, PARAMS).scored
    asked: list[tuple[int, bool]] = []

    def score(pairs: Tensor, graph: Adjacency, _: Tensor | None) -> Tensor:
        asked.append((pairs.shape[1], graph.num_edges == GRAPH.num_edges))
        return adamic_adar(graph, pairs)

    sensitivity(PAIRS, {"challenger": GraphScorer(score, GRAPH)}, scored, PARAMS)
    assert asked == [(25, False), (25 * PER_EDGE, False)] * 4
