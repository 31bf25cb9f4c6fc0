"""Forty edges with ten negatives each; what stands for a model scores by a rule and says on which graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.edge_mean import paired_difference
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.networks.temporal_network import TemporalNetwork
from pipeline.errors import InvalidInput
from pipeline.evaluation.aged_scores import Tonight, aged_graph, aged_model, nodes_by, tonights_graph, tonights_model
from pipeline.evaluation.comparison import FreshPairs, scored_pairs
from pipeline.graphs.tables import GraphTables
from pipeline.records.evaluation import AgedScores

EDGES, EACH, NODES = 40, 10, 80
AS_OF, CUT, THEN = (datetime(2026, 3, day, 3, tzinfo=UTC) for day in (9, 8, 2))
MESSAGE = Adjacency.from_edges(torch.tensor([[0], [1]]), NODES)
POSITIVES = torch.stack([torch.arange(EDGES), torch.arange(EDGES) + 40])
NEGATIVES = torch.stack([torch.arange(EDGES).repeat_interleave(EACH), torch.arange(EDGES * EACH) % 20 + 20])
Rule = Callable[[Tensor], Tensor]


def right(pairs: Tensor) -> Tensor:
    """Rank every positive first: it is the pair of two nodes that lie 40 apart."""
    return ((pairs[1] - pairs[0]) == 40).double()


def wrong(pairs: Tensor) -> Tensor:
    return -right(pairs)


@dataclass
class Scorer:
    rule: Rule
    num_nodes: int = NODES
    adjacency: Adjacency = field(default_factory=lambda: Adjacency.from_edges(torch.tensor([[1], [2]]), NODES))
    features: Tensor | None = None
    asked_on: list[Adjacency] = field(default_factory=list)

    @property
    def node_ids(self) -> list[int]:
        return list(range(self.num_nodes))

    def on_graph(self, adjacency: Adjacency, features: Tensor | None, node_ids: list[int]) -> Scorer:
        return replace(self, adjacency=adjacency, features=features, num_nodes=len(node_ids))

    def score_pairs(
        self, pairs: Positions, *, adjacency: Adjacency | None = None, features: Tensor | None = None, **_: object
    ) -> Tensor:
        graph = self.adjacency if adjacency is None else adjacency
        self.asked_on.append(graph)
        assert int(pairs.values.max()) < graph.num_nodes  # else it is asked about nodes that it does not know
        return self.rule(pairs.values)

    @property
    def model(self) -> LinkModel:
        return cast(LinkModel, self)


def earlier(num_nodes: int, edges: tuple[tuple[int, int], ...] = ((1, 2),), rule: Rule = right) -> Scorer:
    return Scorer(rule, num_nodes, Adjacency.from_edges(torch.tensor(edges).T, num_nodes))


def tonight(*, known_nodes: int = NODES, rule: Rule = right) -> Tonight:
    pairs = FreshPairs(POSITIVES, NEGATIVES, torch.zeros(EDGES, dtype=torch.int64), EDGES, 0, "")
    scored, nothing = scored_pairs(pairs, rule), np.zeros(0, dtype=np.int64)
    return Tonight(
        graph="demo",
        run_name="demo-20260309T030000Z",
        as_of=AS_OF,
        cut=CUT,
        known_nodes=known_nodes,
        tables=GraphTables(np.arange(NODES), None, np.zeros((2, 0), dtype=np.int64), nothing, nothing, nothing),
        columns=None,
        message=MESSAGE,
        features=None,
        pairs=pairs,
        challenger=scored,
        champion=(Scorer(rule).model, scored),
    )


def of_model(now: Tonight, scorer: Scorer) -> AgedScores:
    return aged_model(now, scorer.model, 7, "demo-then", THEN, 0.95)


def of_graph(now: Tonight, scorer: Scorer) -> AgedScores:
    return aged_graph(now, scorer.model, 7, "demo-then", THEN, 0.95)


def test_an_older_model_is_scored_on_tonights_message_graph_and_loses_what_it_ranks_lower() -> None:
    older = earlier(NODES, rule=lambda pairs: right(pairs) * (pairs[0] >= 10))  # a quarter ties with its ten negatives
    found = of_model(tonight(), older)
    assert older.asked_on == [MESSAGE] * 2
    ranks = torch.cat([torch.full((10,), 1 / 6), torch.ones(30)]).double()
    assert found.value.value == pytest.approx(float(ranks.mean()))
    expected = paired_difference(torch.ones(EDGES), ranks, POSITIVES, confidence=0.95).interval
    assert found.loss is not None
    assert (found.loss.value, found.loss.low, found.loss.high) == pytest.approx(tuple(expected))
    assert (found.nights, found.run_name, found.as_of, found.unknown_edges) == (7, "demo-then", THEN, 0)


def test_tonights_own_are_age_0_and_lose_nothing() -> None:
    model, graph = tonights_model(tonight(), 0.95), tonights_graph(tonight(), 0.95)
    assert (model.nights, model.as_of, model.value.value, model.loss) == (0, AS_OF, 1, None)
    assert (graph.nights, graph.as_of, graph.value.value, graph.loss) == (0, CUT, 1, None)  # the graph is of its cut


def test_pairs_that_an_older_graph_cannot_be_asked_about_rank_below_all_others() -> None:
    found = of_graph(tonight(), earlier(72))  # the far ends of eight edges came later
    assert found.unknown_edges == 8
    assert found.value.value == pytest.approx((32 + 8 / 11) / EDGES)  # the last of eleven
    assert found.loss is not None
    assert found.loss.value == pytest.approx(8 * (1 - 1 / 11) / EDGES)


def test_unknown_edges_and_unknown_negatives_tie() -> None:
    now = tonight()
    negatives = NEGATIVES.clone()
    negatives[1, ::2] = 79  # every other negative has an unknown end as well
    found = of_graph(replace(now, pairs=replace(now.pairs, negatives=negatives)), earlier(72))
    assert found.value.value == pytest.approx((32 + 8 / 8.5) / EDGES)  # below five, level with five


def test_nodes_that_came_after_the_cut_count_against_tonights_graph_as_well() -> None:
    now = tonight(known_nodes=76)
    assert tonights_graph(now, 0.95).unknown_edges == 4
    found = of_graph(now, earlier(72))
    assert found.loss is not None
    assert found.loss.value == pytest.approx(4 * (1 - 1 / 11) / EDGES)  # of eight, four are no fault of its age


def test_the_champion_is_asked_on_the_graph_and_the_features_of_then() -> None:
    champion, then = Scorer(right), earlier(NODES)
    then.features = torch.ones(NODES, 2)
    served: list[Scorer] = []

    def on_graph(adjacency: Adjacency, features: Tensor | None, node_ids: list[int]) -> Scorer:
        served.append(replace(champion, adjacency=adjacency, features=features, num_nodes=len(node_ids)))
        return served[-1]

    champion.on_graph = on_graph  # type: ignore[method-assign]
    now = tonight()
    of_graph(replace(now, champion=(champion.model, now.challenger)), then)
    assert served[0].features is then.features
    assert served[0].asked_on == [then.adjacency] * 2


def test_some_of_the_edges_keep_their_negatives_and_their_scores() -> None:
    now = tonight(rule=lambda pairs: right(pairs) * (pairs[0] >= 10))
    some = now.on(torch.arange(5, 15))
    assert some.pairs.positives.tolist() == POSITIVES[:, 5:15].tolist()
    assert some.pairs.negatives.tolist() == NEGATIVES[:, 50:150].tolist()
    assert tonights_model(some, 0.95).value.value == pytest.approx((5 / 6 + 5) / 10)
    assert tonights_graph(some, 0.95).value.value == pytest.approx((5 / 6 + 5) / 10)


@pytest.mark.parametrize("of", [of_model, of_graph])
def test_a_night_whose_graph_holds_a_test_edge_is_refused_whatever_its_date(
    of: Callable[[Tonight, Scorer], AgedScores],
) -> None:
    with pytest.raises(InvalidInput, match=r"graph holds 2 of the test edges, .* Audit that night"):
        of(tonight(), earlier(NODES, ((0, 40), (41, 1), (1, 2))))


@pytest.mark.parametrize("of", [of_model, of_graph])
def test_scores_that_are_no_numbers_are_refused(of: Callable[[Tonight, Scorer], AgedScores]) -> None:
    def broken(pairs: Tensor) -> Tensor:
        return torch.where(pairs[1] == 41, float("nan"), 0.0)

    now, then = tonight(), earlier(NODES, rule=broken)
    now = replace(now, champion=(Scorer(broken).model, now.challenger))
    with pytest.raises(InvalidGraph, match=r"of 440 scores are NaN\. The training diverged"):
        of(now, then)


def test_without_a_champion_no_graph_is_compared() -> None:
    now = replace(tonight(), champion=None, no_champion="it reads other features")
    with pytest.raises(InvalidInput, match="No champion can score tonight's pairs: it reads other features"):
        of_graph(now, earlier(NODES))


def test_a_champion_that_reads_times_reads_those_of_the_older_graph_and_refuses_one_without() -> None:
    network = TemporalNetwork(ModelConfig(predictor="temporal_ncn", hidden_channels=4), num_features=0).eval()
    network.window.fill_(4)
    ends = torch.stack([torch.arange(NODES - 1), torch.arange(1, NODES)])
    history = EventHistory.of_events(ends, torch.arange(NODES - 1) + 100, NODES)
    now = history.graph_at(178)
    champion = LinkModel(network.config, network, now, None, list(range(NODES)))
    tonights = tonight()
    negatives = torch.stack([NEGATIVES[0], NEGATIVES[0] + 2 + torch.arange(EDGES * EACH) % EACH])
    tonights = replace(tonights, pairs=replace(tonights.pairs, negatives=negatives))
    scored = scored_pairs(tonights.pairs, lambda pairs: champion.score_pairs(Positions(pairs)))
    tonights = replace(tonights, champion=(champion, scored))
    found = aged_graph(tonights, replace(champion, adjacency=now), 7, "demo-then", THEN, 0.95)
    assert found.loss is not None
    assert found.loss.value == 0  # the same graph
    older = aged_graph(tonights, replace(champion, adjacency=history.graph_at(140)), 7, "demo-then", THEN, 0.95)
    assert older.value != found.value
    plain = Scorer(right, NODES, Adjacency.from_edges(ends, NODES))
    with pytest.raises(InvalidGraph, match="times"):
        of_graph(tonights, plain)


def test_the_nodes_by_a_time_are_those_up_to_the_last_with_an_edge() -> None:
    seconds = [int(time.timestamp()) for time in (THEN, AS_OF)]
    first = torch.tensor(seconds)
    history = EdgeHistory.of(torch.tensor([[0, 5], [3, 1]]), first, first, torch.full((2,), 2**62), 8)
    assert [nodes_by(history, time) for time in (THEN, CUT, AS_OF)] == [4, 4, 6]
    assert nodes_by(history, datetime(2026, 1, 1, tzinfo=UTC)) == 0
