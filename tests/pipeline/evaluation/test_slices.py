"""Slices of a small graph: a triangle 0-1-2 with a tail 2-3, an edge 4-5 apart, node 6 alone."""

from __future__ import annotations

from datetime import UTC, datetime

import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import NEVER, EdgeHistory
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
    divided = [(part.kind, part.name) for part in sliced()]
    assert sorted(divided) == sorted((kind, name) for kind, names in SLICES.items() for name in names)
