import math

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation import recency_heuristics
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.recency_heuristics import RECENCY_HEURISTICS
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import EventHistory

# A square 0-2-1-3 whose edges came one after the other, and the node 4 without any. With windows of two edges the ages
# at time 4 are 1.5 (0-2), 1 (1-2), 0.5 (0-3) and 0 (1-3).
SQUARE = torch.tensor([[0, 1, 0, 1], [2, 2, 3, 3]])
TIMES = torch.tensor([1, 2, 3, 4])


def square(*, again: int | None = None) -> Adjacency:
    """Return the square; with `again` the edge 0-2 has a second event then."""
    ends, times = SQUARE, TIMES
    if again is not None:
        ends, times = torch.cat([ends, SQUARE[:, :1]], 1), torch.cat([times, torch.tensor([again])])
    return EventHistory.of_events(ends, times, 5).graph_at(9)


def random_graph(seed: int) -> Adjacency:
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(30, (2, 300), generator=generator)
    return EventHistory.of_events(ends, torch.randint(1000, (300,), generator=generator), 31).graph_at(1000)


def all_pairs(nodes: int) -> torch.Tensor:
    return torch.combinations(torch.arange(nodes), 2).T


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (
            (0, 1),
            {
                "recent_preferential_attachment": (math.exp(-1.5) + math.exp(-0.5)) * (math.exp(-1) + 1),
                "recent_common_neighbors": math.exp(-1.5) * math.exp(-1) + math.exp(-0.5),
                "recent_popularity": 2,  # 0-3 and 1-3: the age of 1-2 is a whole window
                "last_activity": -0.5,
            },
        ),
        (
            (0, 4),  # the node without an edge is as old as the clock: four edges
            {
                "recent_preferential_attachment": 0,
                "recent_common_neighbors": 0,
                "recent_popularity": 1,
                "last_activity": -2.5,
            },
        ),
    ],
)
def test_worked_values_of_a_square(pair: tuple[int, int], expected: dict[str, float]) -> None:
    asked = torch.tensor(pair).unsqueeze(1)
    found = {name: rule(square(), 2.0, asked).item() for name, rule in RECENCY_HEURISTICS.items()}
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_repeated_event_makes_its_edge_recent_and_nothing_else_older() -> None:
    pair = torch.tensor([[0], [1]])
    found = {name: rule(square(again=5), 2.0, pair).item() for name, rule in RECENCY_HEURISTICS.items()}
    assert found == pytest.approx(
        {
            "recent_preferential_attachment": (1 + math.exp(-0.5)) * (math.exp(-1) + 1),
            "recent_common_neighbors": math.exp(-1) + math.exp(-0.5),
            "recent_popularity": 3,
            "last_activity": 0,
        },
        rel=1e-6,
    )


def test_recent_common_neighbors_are_those_that_loops_over_sets_find() -> None:
    graph = random_graph(1)
    assert graph.times is not None
    decay = torch.exp(-graph.times.age(graph.times.last, 40.0)).tolist()
    edges = dict(zip(zip(graph.row.tolist(), graph.column.tolist(), strict=True), decay, strict=True))
    pairs = all_pairs(31)
    expected = [
        sum(edges[i, u] * edges[j, u] for u in range(31) if (i, u) in edges and (j, u) in edges)
        for i, j in pairs.T.tolist()
    ]
    found = RECENCY_HEURISTICS["recent_common_neighbors"](graph, 40.0, pairs)
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_with_one_date_for_all_the_rules_are_those_without_times() -> None:
    ends = torch.randint(20, (2, 90), generator=torch.Generator().manual_seed(0))
    graph, pairs = EventHistory.of_events(ends, torch.full((90,), 7), 20).graph_at(7), all_pairs(20)
    for recent, plain in (
        ("recent_preferential_attachment", "preferential_attachment"),
        ("recent_common_neighbors", "common_neighbors"),
    ):
        assert torch.equal(RECENCY_HEURISTICS[recent](graph, 5.0, pairs), HEURISTICS[plain](graph, pairs).double())


@pytest.mark.parametrize("name", RECENCY_HEURISTICS)
def test_direction_and_blocks_change_no_score(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, pairs = random_graph(2), all_pairs(31)
    whole = RECENCY_HEURISTICS[name](graph, 40.0, pairs)
    monkeypatch.setattr(recency_heuristics, "ENTRIES_AT_ONCE", 7)
    assert torch.equal(RECENCY_HEURISTICS[name](graph, 40.0, pairs.flip(0)), whole)
    assert RECENCY_HEURISTICS[name](graph, 40.0, pairs[:, :0]).shape == (0,)


@pytest.mark.parametrize("name", RECENCY_HEURISTICS)
def test_a_graph_without_times_is_refused(name: str) -> None:
    with pytest.raises(InvalidGraph, match=r"this graph's edges have no times. Give time"):
        RECENCY_HEURISTICS[name](Adjacency.from_edges(SQUARE, 5), 2.0, SQUARE)
