"""Slices of a small graph: a triangle 0-1-2 with a tail 2-3, an edge 4-5 apart, node 6 alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import NEVER, EdgeHistory
from ncnc_core.graph.edge_times import EdgeTimes
from pipeline.evaluation.slices import Slice, slice_scores, slices_of
from pipeline.params.decide import SLICES
from pipeline.params.params import EvaluateParams

EDGES = torch.tensor([[0, 0, 1, 2, 4], [1, 2, 2, 3, 5]])
GRAPH = Adjacency.from_edges(EDGES, 7)

# Edge 4-5 is the first of both its nodes, and younger than the train cut at 50.
HISTORY = EdgeHistory.of(
    EDGES, torch.tensor([10, 10, 10, 20, 60]), torch.tensor([10, 10, 10, 20, 60]), torch.full((5,), NEVER), 7
)
POSITIVES = torch.tensor([[0, 3, 4, 5, 0], [3, 1, 1, 6, 1]])
FIRST_SEEN = torch.tensor([110, 90, 110, 110, 100])  # the last at the very time of the previous snapshot


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def members(found: tuple[Slice, ...]) -> dict[str, list[int]]:
    return {f"{part.kind}/{part.name}": part.member.nonzero().flatten().tolist() for part in found}


def sliced(*times: datetime | None) -> tuple[Slice, ...]:
    train, valid, previous = times or (at(50), at(70), at(100))
    return slices_of(POSITIVES, FIRST_SEEN, GRAPH, HISTORY, cut_train=train, cut_valid=valid, previous_as_of=previous)


def test_every_edge_is_where_it_belongs() -> None:
    assert members(sliced()) == {
        "degree/0": [3],
        "degree/1-2": [0, 1, 2, 4],
        "degree/3-9": [],
        "degree/10-99": [],
        "degree/100+": [],
        "node_age/cold": [3],
        "node_age/new": [2],
        "node_age/established": [0, 1, 4],
        "edge_age/newest": [0, 2, 3],
        "edge_age/earlier": [1, 4],
        "component/same": [0, 1, 4],
        "component/different": [2],
        "component/isolated": [3],
    }


def test_each_way_of_slicing_holds_every_edge_once() -> None:
    for found in (sliced(), sliced(None, None, None)):
        for kind in {part.kind for part in found}:
            held = torch.stack([part.member for part in found if part.kind == kind]).sum(0)
            assert held.tolist() == [1] * 5


def test_what_no_time_divides_is_left_out() -> None:
    found = members(sliced(None, None, None))
    assert "node_age/new" not in found
    assert not any(name.startswith("edge_age") for name in found)
    assert found["node_age/established"] == [0, 1, 2, 4]


def test_an_edge_that_came_after_the_cut_makes_no_node_old() -> None:
    late = EdgeHistory.of(
        EDGES, torch.tensor([10, 10, 10, 20, 80]), torch.full((5,), 10), torch.full((5,), NEVER), 7
    )  # 4-5 was first seen after the valid cut: of these nodes nothing was known
    found = slices_of(POSITIVES, FIRST_SEEN, GRAPH, late, cut_train=at(50), cut_valid=at(70), previous_as_of=None)
    assert members(found)["node_age/new"] == [2]


def test_each_slice_has_its_count_its_means_and_the_difference() -> None:
    challenger, champion = torch.tensor([1.0, 0.5, 0.5, 0.2, 0.1]), torch.tensor([0.5, 0.5, 1.0, 0.1, 0.1])
    found = {
        part.key: part
        for part in slice_scores(sliced(), challenger, champion, POSITIVES, EvaluateParams(bootstrap_samples=100))
    }
    newest = found["edge_age/newest"]
    assert newest.num_edges == 3
    assert newest.challenger is not None
    assert newest.difference is not None
    assert round(newest.challenger.value, 6) == round((1.0 + 0.5 + 0.2) / 3, 6)
    assert round(newest.difference.value, 6) == round((0.5 - 0.5 + 0.1) / 3, 6)
    assert newest.difference.low <= newest.difference.value <= newest.difference.high


def test_an_empty_slice_and_a_night_without_champion_have_no_figures() -> None:
    found = slice_scores(sliced(), torch.rand(5), None, POSITIVES, EvaluateParams(bootstrap_samples=100))
    by_key = {part.key: part for part in found}
    assert (by_key["degree/100+"].num_edges, by_key["degree/100+"].challenger) == (0, None)
    assert all(part.champion is None and part.difference is None for part in found)


def test_a_slice_whose_edges_all_meet_at_one_node_proves_nothing() -> None:
    star = torch.stack([torch.zeros(40, dtype=torch.int64), torch.arange(40) + 1])
    hub = Slice("degree", "100+", torch.ones(40, dtype=torch.bool))
    challenger, champion = torch.full((40,), 0.2), torch.full((40,), 0.5)
    (found,) = slice_scores((hub,), challenger, champion, star, EvaluateParams(bootstrap_samples=100))
    assert found.difference is not None
    assert round(found.difference.value, 6) == -0.3
    assert (found.difference.low, found.difference.high) == (-1, 1)


def test_the_gate_knows_every_slice_by_its_name() -> None:
    divided = [part.split("/") for part in (*members(sliced()), *by_activity([85] * 5))]
    assert sorted(divided) == sorted([kind, name] for kind, names in SLICES.items() for name in names)


# As of 100, 120 edges have come, ten a window, one at each second: the age of a time t is (100 - t) / 10 windows.
CLOCK = torch.arange(-19, 101)


def timed_graph(last: list[int]) -> Adjacency:
    """The graph of the other tests, its edges in the order of EDGES last active at these seconds."""
    by_pair = {frozenset(pair): time for pair, time in zip(map(tuple, EDGES.T.tolist()), last, strict=True)}
    entries = torch.tensor([by_pair[frozenset(pair)] for pair in torch.stack([GRAPH.row, GRAPH.column], 1).tolist()])
    return replace(GRAPH, times=EdgeTimes(entries, entries, torch.ones_like(entries), CLOCK))


def by_activity(last: list[int], window: float | None = 10.0) -> dict[str, list[int]]:
    found = slices_of(
        POSITIVES, FIRST_SEEN, timed_graph(last), HISTORY,
        cut_train=at(50), cut_valid=at(70), previous_as_of=at(100), window=window,
    )  # fmt: skip
    return {name: edges for name, edges in members(found).items() if name.startswith("activity")}


def test_the_end_that_was_active_later_counts() -> None:
    # Positives 0-3, 3-1, 4-1, 5-6 and 0-1. Node 3 was last active with 2-3, nodes 0 and 1 with 0-1, 4 and 5 with 4-5.
    assert by_activity([85, 85, 85, 98, 19]) == {
        "activity/0-0.1": [],
        "activity/0.1-0.5": [0, 1],  # by node 3, 0.2 windows ago
        "activity/0.5-2": [2, 4],  # by nodes 0 and 1, 1.5 windows ago; 4-1 not by node 4
        "activity/2-8": [],
        "activity/8+": [3],  # node 5, 8.1 windows ago; node 6 never was active
        "activity/never": [],
    }


def test_a_bound_belongs_to_the_older_bin_and_two_ends_without_edges_were_never_active() -> None:
    found = by_activity([99, 99, 99, 99, 20])
    assert found["activity/0.1-0.5"] == [0, 1, 2, 4]  # 0.1 windows ago
    assert found["activity/8+"] == [3]
    alone = slices_of(
        torch.tensor([[6, 7], [8, 0]]), FIRST_SEEN[:2], replace(
            Adjacency.from_edges(EDGES, 9), times=timed_graph([99] * 5).times
        ), EdgeHistory.of(EDGES, *[torch.full((5,), 10)] * 2, torch.full((5,), NEVER), 9),
        cut_train=None, cut_valid=None, previous_as_of=None, window=10.0,
    )  # fmt: skip
    assert members(alone)["activity/never"] == [0]


def test_without_times_or_a_window_nothing_is_said_of_activity() -> None:
    assert by_activity([85] * 5, None) == {}
    assert not any(name.startswith("activity") for name in members(sliced()))


def test_the_best_of_the_floor_stands_beside_the_models_where_it_is_given() -> None:
    ranks = torch.tensor([1.0, 0.5, 0.5, 0.2, 0.1])
    found = slice_scores(sliced(), ranks, None, POSITIVES, EvaluateParams(), ranks / 2)
    newest = next(part for part in found if part.key == "edge_age/newest")
    assert newest.best_of_floor is not None
    assert newest.best_of_floor.value == pytest.approx((0.5 + 0.25 + 0.1) / 3)
    assert {part.best_of_floor for part in slice_scores(sliced(), ranks, None, POSITIVES, EvaluateParams())} == {None}
