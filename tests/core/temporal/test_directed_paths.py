from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.temporal.directed_paths import DIRECTED_PATHS
from ncnc_core.temporal.pair_features import FLOOR, pair_features
from ncnc_core.temporal.timed_graph import RECENT, TimedGraph
from tests.fixtures.evolving_graphs import pairs_of, random_events

PAIRS = pairs_of(30, 80)


def history_of(seed: int, *, reverse: bool = False) -> EventHistory:
    ends, time = random_events(seed)
    return EventHistory.of_events(ends.flip(0) if reverse else ends, time, 30, directed=True)


def found(history: EventHistory, cut: int = 25, pairs: Tensor = PAIRS) -> Tensor:
    graph = TimedGraph.of(history.graph_at(cut), 12.0)
    return pair_features(graph, pairs, directed=True).values[:, -len(DIRECTED_PATHS) :]


def column(values: Tensor, name: str) -> Tensor:
    return values[:, DIRECTED_PATHS.index(name)].double().exp() - FLOOR


def by_matrices(arrow: Tensor) -> dict[str, Tensor]:
    """The sums for all ordered pairs, given what each arrow [row, column] weighs."""
    out, into = arrow.sum(1).clamp(min=1e-9).rsqrt(), arrow.sum(0).clamp(min=1e-9).rsqrt()
    both = (arrow.sum(1) + arrow.sum(0)).clamp(min=1e-9).rsqrt()
    return {
        "chains_of_two": arrow @ arrow,
        "linked_by_both": arrow @ arrow.T,
        "linking_both": arrow.T @ arrow,
        "alternating": arrow @ (into[:, None] * arrow.T) @ (out[:, None] * arrow),
        "chains_of_three": arrow @ (both[:, None] * arrow) @ (both[:, None] * arrow),
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("suffix", ["", "_recent"])
def test_paths_are_those_of_the_products_of_matrices(seed: int, suffix: str) -> None:
    ends, time = random_events(seed)
    values, graph = found(history_of(seed)), TimedGraph.of(history_of(seed).graph_at(25), 12.0)
    arrow = torch.zeros(30, 30, dtype=torch.float64)
    came = ends[:, (time <= 25) & (ends[0] != ends[1])]
    arrow[came[0], came[1]] = 1
    if suffix:
        decay = torch.zeros(30, 30, dtype=torch.float64)
        decay[graph.adjacency.row, graph.adjacency.column] = graph.decay[:, RECENT].double()
        arrow *= decay
    for name, every in by_matrices(arrow).items():
        there, back = every[PAIRS[0], PAIRS[1]], every[PAIRS[1], PAIRS[0]]
        expected = {name: there} if name.startswith("link") else {
            f"larger_{name}": torch.maximum(there, back), f"smaller_{name}": torch.minimum(there, back)
        }  # fmt: skip
        for full, value in expected.items():
            torch.testing.assert_close(column(values, full + suffix), value, atol=1e-5, rtol=1e-4)


@given(seed=st.integers(0, 200), cut=st.integers(-1, 45))
def test_a_pair_has_the_same_paths_in_either_direction(seed: int, cut: int) -> None:
    assert torch.equal(found(history_of(seed), cut), found(history_of(seed), cut, PAIRS.flip(0)))


@given(seed=st.integers(0, 200), cut=st.integers(-1, 45))
def test_nothing_that_came_later_changes_a_path(seed: int, cut: int) -> None:
    history = history_of(seed)
    assert torch.equal(found(history, cut), found(history.until(cut), cut))


def test_one_event_turned_round_before_the_cut_changes_paths_and_one_after_it_none() -> None:
    """The guard above could not fail if directions were not read."""
    ends, time = random_events(1)
    for late, changes in ((False, True), (True, False)):
        turned = ends.clone()
        chosen = (time > 25) if late else (time <= 25)
        turned[:, chosen] = turned.flip(0)[:, chosen]
        other = EventHistory.of_events(turned, time, 30, directed=True)
        assert (not torch.equal(found(other), found(history_of(1)))) == changes


def test_turned_round_what_both_link_is_what_links_both_and_chains_stay() -> None:
    values, turned = found(history_of(2)), found(history_of(2, reverse=True))
    assert torch.equal(column(values, "linked_by_both"), column(turned, "linking_both"))
    assert torch.equal(column(values, "larger_chains_of_two"), column(turned, "larger_chains_of_two"))
    alternating = (column(one, "larger_alternating") for one in (values, turned))
    torch.testing.assert_close(*alternating, atol=1e-5, rtol=1e-4)  # walked from the other end
    assert not torch.equal(column(values, "linked_by_both"), column(values, "linking_both"))


def test_edges_without_directions_are_refused() -> None:
    ends, time = random_events(0)
    with pytest.raises(InvalidGraph, match=r"which way edges go, and this graph.s edges have no directions\. Give dir"):
        found(EventHistory.of_events(ends, time, 30))
