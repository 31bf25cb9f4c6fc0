from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.temporal.pair_features import (
    FLOOR,
    TimedPairs,
    feature_groups,
    feature_names,
    pair_features,
)
from ncnc_core.temporal.spectral import spectral_rows
from ncnc_core.temporal.timed_graph import RECENT, TimedGraph
from tests.fixtures.evolving_graphs import pairs_of, random_events, random_history

WINDOW = 12.0
PAIRS = pairs_of(30, 80)


def timed(history: EventHistory, cut: int = 30) -> TimedGraph:
    return TimedGraph.of(history.graph_at(cut), WINDOW)


def same(first: TimedPairs, second: TimedPairs) -> bool:
    return (
        torch.equal(first.values, second.values)
        and torch.equal(first.decay, second.decay)
        and torch.equal(first.common.row_pointer, second.common.row_pointer)
        and torch.equal(first.common.node, second.common.node)
    )


def column(found: TimedPairs, name: str) -> torch.Tensor:
    return found.values[:, feature_names().index(name)].double()


def test_every_feature_has_one_name_and_one_group() -> None:
    assert len(set(feature_names())) == len(feature_names())
    assert pair_features(timed(random_history(0)), PAIRS).values.shape == (PAIRS.shape[1], len(feature_names()))
    assert [name for names in feature_groups().values() for name in names] == list(feature_names())
    both = feature_names(directed=True)
    assert len(set(both)) == len(both) == len(feature_names()) + len(feature_groups(directed=True)["directed paths"])


def test_what_directions_say_stands_behind_the_features_and_changes_none_of_them() -> None:
    ends, time = random_events(0)
    graph = timed(EventHistory.of_events(ends, time, 30, directed=True))
    both = pair_features(graph, PAIRS, directed=True)
    assert both.values.shape == (PAIRS.shape[1], len(feature_names(directed=True)))
    assert torch.equal(both.values[:, : len(feature_names())], pair_features(graph, PAIRS).values)
    assert same(pair_features(graph, PAIRS), pair_features(timed(EventHistory.of_events(ends, time, 30)), PAIRS))


def test_overlaps_are_those_of_the_heuristics() -> None:
    graph = timed(random_history(0))
    found = pair_features(graph, PAIRS)
    for name in ("common_neighbors", "adamic_adar", "resource_allocation"):
        expected = (HEURISTICS[name](graph.adjacency, PAIRS).double() + FLOOR).log()
        torch.testing.assert_close(column(found, name), expected, atol=1e-5, rtol=0)
    degree, common = (
        graph.adjacency.degree[PAIRS].double(),
        HEURISTICS["common_neighbors"](graph.adjacency, PAIRS).double(),
    )
    jaccard, salton = common / (degree.sum(0) - common).clamp(min=1), common / degree.prod(0).clamp(min=1).sqrt()
    torch.testing.assert_close(column(found, "jaccard"), (jaccard + FLOOR).log(), atol=1e-5, rtol=0)
    torch.testing.assert_close(column(found, "salton"), (salton + FLOOR).log(), atol=1e-5, rtol=0)


def test_recent_overlaps_weigh_a_neighbour_by_both_its_edges() -> None:
    """0 and 1 have the common neighbours 2, of now, and 3, of a window ago."""
    ends = torch.tensor([[0, 1, 0, 1], [3, 3, 2, 2]])
    history = EventHistory.of_events(ends, torch.tensor([10, 10, 20, 20]), 5)
    graph = TimedGraph.of(history.graph_at(20), 2.0)
    found = pair_features(graph, torch.tensor([[0, 0], [1, 4]]))
    old = math.exp(-2)  # at the scale of one window, of both edges
    assert found.decay[:, RECENT].tolist() == pytest.approx([1.0, old])
    expected = {"recent_common_1": 1 + old, "most_recent_common_1": 1.0}
    expected["recent_allocation_1"] = 1 / 2 + old / (2 * math.exp(-1))
    for name, value in expected.items():
        assert column(found, name).tolist() == pytest.approx([math.log(value + FLOOR), math.log(FLOOR)], abs=1e-5)


@given(seed=st.integers(0, 200), cut=st.integers(-1, 45))
def test_a_pair_has_the_same_features_in_either_direction(seed: int, cut: int) -> None:
    graph = timed(random_history(seed), cut)
    assert same(pair_features(graph, PAIRS), pair_features(graph, PAIRS.flip(0)))


@given(seed=st.integers(0, 200), chosen=st.lists(st.integers(0, 60), min_size=1, max_size=9))
def test_a_pair_s_features_do_not_depend_on_the_other_pairs(seed: int, chosen: list[int]) -> None:
    graph = timed(random_history(seed))
    whole, part = pair_features(graph, PAIRS), pair_features(graph, PAIRS[:, chosen])
    assert torch.equal(part.values, whole.values[chosen])
    start = whole.common.row_pointer
    entries = torch.cat([torch.arange(int(start[one]), int(start[one + 1])) for one in chosen])
    assert torch.equal(part.common.node, whole.common.node[entries])
    assert torch.equal(part.decay, whole.decay[entries])


@given(seed=st.integers(0, 200), cut=st.integers(-1, 45))
def test_nothing_that_came_later_changes_a_feature(seed: int, cut: int) -> None:
    history = random_history(seed)
    assert same(pair_features(timed(history, cut), PAIRS), pair_features(timed(history.until(cut), cut), PAIRS))


@given(seed=st.integers(0, 200))
def test_nodes_that_come_later_change_no_feature(seed: int) -> None:
    ends, time = random_events(seed)
    few, many = (EventHistory.of_events(ends, time, nodes) for nodes in (30, 300))
    assert same(pair_features(timed(few), PAIRS), pair_features(timed(many), PAIRS))


@given(seed=st.integers(0, 200), stretch=st.integers(2, 10**7))
def test_only_the_order_of_times_counts(seed: int, stretch: int) -> None:
    ends, time = random_events(seed)
    other = time.square() * stretch - 10**9  # strictly monotone: times are not negative
    first, second = EventHistory.of_events(ends, time, 30), EventHistory.of_events(ends, other, 30)
    cut = 30 * 30 * stretch - 10**9
    assert same(pair_features(timed(first, 30), PAIRS), pair_features(timed(second, cut), PAIRS))


@given(seed=st.integers(0, 200))
def test_the_numbers_of_the_nodes_change_nothing_but_the_order_of_sums(seed: int) -> None:
    ends, time = random_events(seed)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(seed))
    first = pair_features(timed(EventHistory.of_events(ends, time, 30)), PAIRS).values
    second = pair_features(timed(EventHistory.of_events(order[ends], time, 30)), order[PAIRS]).values
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)


def test_the_spectral_proximity_is_added_where_it_is_asked_for_and_changes_no_other_column() -> None:
    graph = random_history(0).graph_at(30)
    bare = pair_features(TimedGraph.of(graph, WINDOW), PAIRS).values
    found = pair_features(TimedGraph.of(graph, WINDOW, spectral=True), PAIRS).values
    names = feature_names(spectral=True)
    assert found.shape[1] == len(names) == len(feature_names()) + 4
    assert torch.equal(found[:, [names.index(name) for name in feature_names()]], bare)
    rows = spectral_rows(graph)
    first, second = rows[PAIRS[0]], rows[PAIRS[1]]
    cosine = torch.nn.functional.cosine_similarity(first, second)
    torch.testing.assert_close(found[:, names.index("spectral_cosine")], cosine, atol=1e-5, rtol=0)


def test_two_unseen_nodes_tie_and_no_pairs_have_no_features() -> None:
    graph = timed(random_history(0))
    found = pair_features(graph, torch.tensor([[27, 28, 3], [28, 29, 29]])).values
    assert torch.equal(found[0], found[1])
    assert torch.isfinite(found).all()
    assert pair_features(graph, torch.zeros(2, 0, dtype=torch.int64)).values.shape == (0, len(feature_names()))
