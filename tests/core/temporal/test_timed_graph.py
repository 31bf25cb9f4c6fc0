from __future__ import annotations

import math

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.temporal.timed_graph import NODE_FEATURES, SCALES, SMALLEST, UNSEEN_AGE, TimedGraph, required_times

# 0-1 at 10 and again at 40, 1-2 at 20, 0-2 at 30; 3 has no edge. Ages at 40, in windows of two edges:
# 0-1 last at 40: 0; 1-2 at 20: one edge since, 0.5; 0-2: 0. First: 0-1 at 10: 1.
GRAPH = EventHistory.of_events(
    torch.tensor([[0, 1, 2, 1], [1, 2, 0, 0]]), torch.tensor([10, 20, 30, 40]), 4
).graph_at(40)  # fmt: skip


def test_an_edge_decays_with_the_age_of_its_last_event() -> None:
    timed = TimedGraph.of(GRAPH, 2.0)
    by_entry = dict(zip(zip(GRAPH.row.tolist(), GRAPH.column.tolist(), strict=True), timed.decay.tolist(), strict=True))
    assert by_entry[0, 1] == by_entry[1, 0] == [1.0] * 4
    assert by_entry[1, 2] == pytest.approx([math.exp(-0.5 / scale) for scale in SCALES])
    assert timed.strength[1].tolist() == pytest.approx([1 + math.exp(-0.5 / scale) for scale in SCALES])
    assert timed.strength[3].tolist() == [0.0] * 4


def test_node_features_are_what_their_names_say() -> None:
    timed = TimedGraph.of(GRAPH, 2.0)
    of = dict(zip(NODE_FEATURES, timed.node[1].tolist(), strict=True))
    assert of["degree"] == pytest.approx(math.log(3))
    assert of["neighbor_degree"] == pytest.approx(math.log(3))
    assert of["activity_1"] == pytest.approx(math.log(SMALLEST + 1 + math.exp(-0.5)))
    assert of["last_age"] == pytest.approx(math.log(SMALLEST))
    assert of["first_age"] == pytest.approx(math.log(SMALLEST + 1))
    assert of["seen"] == 1
    assert of["events"] == pytest.approx(math.log(4))  # two with 0, one with 2


def test_a_node_without_an_edge_is_not_seen_and_has_not_been_active_for_long() -> None:
    of = dict(zip(NODE_FEATURES, TimedGraph.of(GRAPH, 2.0).node[3].tolist(), strict=True))
    assert of["last_age"] == pytest.approx(math.log(SMALLEST + UNSEEN_AGE))
    assert of["first_age"] == pytest.approx(math.log(SMALLEST))
    assert [of[name] for name in ("degree", "neighbor_degree", "seen", "events")] == [0, 0, 0, 0]


def test_edges_older_than_all_scales_leave_numbers() -> None:
    timed = TimedGraph.of(GRAPH, 1e-6)
    assert (timed.decay == 0).any()
    assert all(torch.isfinite(one).all() for one in timed.tensors())


def test_a_graph_without_edges_has_node_features() -> None:
    history = EventHistory.of_events(torch.tensor([[0], [1]]), torch.tensor([5]), 3)
    timed = TimedGraph.of(history.graph_at(4), 1.0)
    assert timed.node.shape == (3, len(NODE_FEATURES))
    assert all(torch.isfinite(one).all() for one in timed.tensors())


def test_a_graph_without_times_is_refused() -> None:
    bare = Adjacency.from_edges(torch.tensor([[0], [1]]), 2)
    with pytest.raises(InvalidGraph, match=r"this graph's edges have no times\. Give time, one a row"):
        required_times(bare)
    with pytest.raises(InvalidGraph, match=r"have no times"):
        TimedGraph.of(bare, 1.0)
