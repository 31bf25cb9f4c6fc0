from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel, Positions
from pipeline.params.refresh import RefreshParams
from pipeline.records.findings import RuleVerdict
from pipeline.refreshes.judgement import FreshEdges, judged, refusal

PER_EDGE = 10
PARAMS = RefreshParams(minimum_test_edges=20)
IDS = list(range(100, 160))
TEST_GRAPH = Adjacency.from_edges(torch.tensor([[0], [1]]), 60)


@dataclass
class Scorer:
    """Stands for a model: it scores by a rule, and says on how many pairs it was asked, on which graph."""

    node_ids: list[int]
    rule: Callable[[Tensor], Tensor]
    adjacency: Adjacency

    def __post_init__(self) -> None:
        self.asked: list[tuple[Tensor, Adjacency | None]] = []

    @property
    def position_of(self) -> dict[int, int]:
        return {one: place for place, one in enumerate(self.node_ids)}

    def score_pairs(
        self, pairs: Positions, *, adjacency: Adjacency | None = None, features: Tensor | None = None
    ) -> Tensor:
        self.asked.append((pairs.values, adjacency))
        assert int(pairs.values.max()) < len(self.node_ids)
        return self.rule(pairs.values)


def right(pairs: Tensor) -> Tensor:
    """Rank every positive first: it is the pair of two nodes that lie 30 apart."""
    return ((pairs[1] - pairs[0]).abs() == 30).double()


def wrong(pairs: Tensor) -> Tensor:
    return -right(pairs)


def scorer(
    rule: Callable[[Tensor], Tensor], ids: list[int] = IDS, edges: list[tuple[int, int]] | None = None
) -> Scorer:
    return Scorer(ids, rule, Adjacency.from_edges(torch.tensor(edges or [(0, 1), (1, 2)]).T, len(ids)))


def fresh(count: int = 30) -> FreshEdges:
    positives = torch.stack([torch.arange(count), torch.arange(count) + 30])
    negatives = torch.stack([torch.arange(count).repeat_interleave(PER_EDGE), torch.arange(count * PER_EDGE) % 25])
    return FreshEdges(positives, negatives, IDS, TEST_GRAPH, None)


def rules(before: Scorer, after: Scorer, pairs: FreshEdges | str) -> dict[str, RuleVerdict]:
    found = judged(cast(LinkModel, before), cast(LinkModel, after), pairs, PARAMS)
    return {rule.name: rule for rule in found}


def test_champion_that_is_as_good_on_the_new_graph_is_served_on_it() -> None:
    after = scorer(right)
    found = rules(scorer(right), after, fresh())
    assert refusal(tuple(found.values())) == ""
    assert found["not_collapsed"].observed == (
        "MRR 1.0000 on the new graph and 1.0000 on the one served before, +0.0000 [-0.1157, +0.1157] on 30 fresh edges"
    )
    assert [graph for _, graph in after.asked[1:]] == [TEST_GRAPH] * 2  # and never the graph that holds the test edges


def test_champion_that_collapses_on_the_new_graph_is_not_served_on_it() -> None:
    found = rules(scorer(right), scorer(wrong), fresh())
    said = refusal(tuple(found.values()))
    assert said.startswith("not_collapsed: observed MRR 0.0")
    assert "needed MRR loses no more than 0.1 with its whole interval below 0" in said


def test_loss_that_is_small_or_may_be_chance_refuses_nothing() -> None:
    def sometimes(pairs: Tensor) -> Tensor:
        return right(pairs) * (pairs[0] % 15 != 0)  # two edges of thirty

    assert rules(scorer(right), scorer(sometimes), fresh())["not_collapsed"].passed


def test_gain_is_no_collapse() -> None:
    assert rules(scorer(wrong), scorer(right), fresh())["not_collapsed"].passed


def test_edges_that_the_graph_served_before_holds_or_cannot_be_asked_about_do_not_count() -> None:
    held = [(0, 30), (1, 31), (2, 32)]
    found = rules(scorer(right, edges=held), scorer(wrong), fresh())
    assert "on 27 fresh edges" in found["not_collapsed"].observed
    shorter = scorer(right, IDS[:55])  # it lacks the far ends of five edges
    found = rules(shorter, scorer(wrong), fresh())
    assert "on 25 fresh edges" in found["not_collapsed"].observed


def test_positions_that_mean_other_nodes_are_told_apart_by_their_ids() -> None:
    def mirrored(pairs: Tensor) -> Tensor:
        return right(59 - pairs)

    found = rules(scorer(mirrored, IDS[::-1]), scorer(right), fresh())
    assert "1.0000 on the one served before" in found["not_collapsed"].observed


def test_too_few_edges_refuse_nothing_and_are_said() -> None:
    found = rules(scorer(right), scorer(wrong), fresh(19))
    assert found["not_collapsed"].passed
    assert found["not_collapsed"].observed == "not measured: 19 fresh edges that both graphs know, 20 needed"
    found = rules(scorer(right), scorer(wrong), "there is no split")
    assert found["not_collapsed"].observed == "not measured: there is no split"


def test_scores_that_are_no_numbers_refuse_it() -> None:
    def broken(pairs: Tensor) -> Tensor:
        return torch.full((pairs.shape[1],), float("nan"))

    found = rules(scorer(right), scorer(broken), fresh())
    assert not found["finite_scores"].passed
    assert found["finite_scores"].observed == "2 of 2 edges of the new graph have none"
    assert "330 scores on the new graph are no numbers" in found["not_collapsed"].observed
    assert refusal(tuple(found.values())).startswith("finite_scores: observed 2 of 2")
