from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.graph.perturbed_graph import perturbed
from ncnc_core.temporal.timed_graph import TimedGraph
from ncnc_core.training.data import TemporalData
from pipeline.evaluation import boosted_trees
from pipeline.evaluation.boosted_trees import BoostedTrees
from tests.fixtures.drawn_history import NODES, history_of_waves, until_test
from tests.fixtures.evolving_graphs import random_events

PAIRS = torch.combinations(torch.arange(NODES), 2).T[:, ::11]


@pytest.fixture(scope="module")
def history() -> EventHistory:
    return history_of_waves()


@pytest.fixture(scope="module")
def trees(history: EventHistory) -> BoostedTrees:
    return BoostedTrees.fitted(until_test(history))


def test_what_is_linked_next_is_scored_above_what_is_not(history: EventHistory, trees: BoostedTrees) -> None:
    data = until_test(history)
    linked = history.fresh(data.cut_valid, int(history.arrivals[-1]))
    graph = data.history.graph_at(data.cut_valid)
    others = PAIRS[:, ~torch.isin(PAIRS[0] * NODES + PAIRS[1], history.keys_until(int(history.arrivals[-1])))]
    assert trees.score(linked, graph).median() > trees.score(others, graph).quantile(0.8)


def test_the_same_history_gives_the_same_scores(history: EventHistory, trees: BoostedTrees) -> None:
    data = until_test(history)
    graph, again = data.history.graph_at(data.cut_valid), BoostedTrees.fitted(data)
    assert again.num_pairs == trees.num_pairs > 0
    assert torch.equal(again.score(PAIRS, graph), trees.score(PAIRS, graph))
    assert torch.equal(trees.score(PAIRS.flip(0), graph), trees.score(PAIRS, graph))


def test_nothing_that_came_after_the_second_cut_changes_a_score(history: EventHistory, trees: BoostedTrees) -> None:
    """Delete what came later, or put something else in its place: not one bit of a score moves."""
    data = until_test(history)
    late, repeats = history.first_seen > data.cut_valid, history.repeat_time > data.cut_valid
    number = torch.cumsum((~late).long(), 0) - 1
    deleted = EventHistory(
        history.edges[:, ~late],
        history.first_seen[~late],
        history.alive_since[~late],
        history.removed_at[~late],
        number[history.repeat_edge[~repeats]],
        history.repeat_time[~repeats],
        NODES,
    )
    removed = history.removed_at.clone()
    removed[::7] = data.cut_valid + 1  # gone right after the cut, which nobody can know at it
    for other in (deleted, replace(history, removed_at=removed)):
        there = TemporalData(other.until(data.cut_valid), data.cut_train, data.cut_valid)
        scores = BoostedTrees.fitted(there).score(PAIRS, other.graph_at(data.cut_valid))
        assert torch.equal(scores, trees.score(PAIRS, history.graph_at(data.cut_valid)))


def test_one_edge_before_the_cut_changes_scores(history: EventHistory, trees: BoostedTrees) -> None:
    data = until_test(history)
    known = data.history
    fewer = replace(known, removed_at=known.removed_at.clone())
    fewer.removed_at[:200] = 1  # the guard above could not fail if scores did not depend on what came before
    there = TemporalData(fewer, data.cut_train, data.cut_valid)
    graph = known.graph_at(data.cut_valid)
    assert not torch.equal(BoostedTrees.fitted(there).score(PAIRS, graph), trees.score(PAIRS, graph))


def test_a_changed_graph_is_read_anew_and_an_unchanged_one_once(
    history: EventHistory, trees: BoostedTrees, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = history.graph_at(until_test(history).cut_valid)
    before, changed = trees.score(PAIRS, graph), perturbed(graph, "remove", 0.2, torch.Generator().manual_seed(0))
    assert not torch.equal(trees.score(PAIRS, changed), before)
    worked_out: list[int] = []
    of = TimedGraph.of
    monkeypatch.setattr(TimedGraph, "of", lambda graph, window: worked_out.append(1) or of(graph, window))
    monkeypatch.setattr(boosted_trees, "PAIRS_AT_ONCE", 100)
    assert torch.equal(trees.score(PAIRS, graph), before)
    assert torch.equal(trees.score(PAIRS[:, :5], graph), before[:5])
    assert trees.score(PAIRS[:, :0], graph).numel() == 0
    assert len(worked_out) == 1


def test_a_history_of_which_nothing_is_left_is_refused(history: EventHistory) -> None:
    data = until_test(history)
    gone = replace(data.history, removed_at=data.history.alive_since)
    with pytest.raises(InvalidGraph, match=r"No edge that came before the test is still there. Wait for more nights"):
        BoostedTrees.fitted(TemporalData(gone, data.cut_train, data.cut_valid))


def test_trees_read_which_way_events_went_where_the_history_says_it() -> None:
    ends, time = random_events(0, nodes=40, count=900, dates=900)
    scores = []
    for given in (ends, torch.where(torch.arange(900) % 3 == 0, ends.flip(0), ends)):
        history = EventHistory.of_events(given, time, 40, directed=True)
        trees = BoostedTrees.fitted(TemporalData(history.until(800), 600, 800))
        assert trees.directed
        scores.append(trees.score(PAIRS[:, (PAIRS < 40).all(0)], history.graph_at(800)))
    assert not torch.equal(*scores)
