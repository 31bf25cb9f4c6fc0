from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.serving.pair_facts import counted, pair_reasons

# 0 and 1 meet at 2 and 3; 4 hangs on 3; nothing is known of 5.
ENDS = torch.tensor([[0, 1, 0, 1, 3], [2, 2, 3, 3, 4]])
DAY, NOW = 86_400, 1_770_000_000
DAYS_AGO = torch.tensor([0, 6, 1, 9, 30])
PAIRS = torch.tensor([[0, 0, 0], [1, 4, 5]])


def graph(time: Tensor | None) -> Adjacency:
    if time is None:
        return Adjacency.from_edges(ENDS, 6)
    order = time.argsort()
    return EventHistory.of_events(ENDS[:, order], time[order], 6).graph_at(int(time.max()))


def test_common_neighbours_are_recent_where_both_edges_are_and_days_count_from_the_newest_event() -> None:
    assert pair_reasons(graph(NOW - DAYS_AGO * DAY), PAIRS, None) == (
        "2 common neighbours, 1 within 7 days; 2 neighbours, last active 6 days ago",  # 3 met 1 nine days ago
        "1 common neighbour, 0 within 7 days; 1 neighbour, last active 30 days ago",
        "no common neighbour; no edge yet",
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (2 * DAY - 1, "1 day ago")],
)
def test_ages_are_told_in_their_largest_unit(seconds: int, words: str) -> None:
    time = torch.full((5,), NOW)
    time[[1, 3]] = NOW - seconds  # the edges of 1
    assert pair_reasons(graph(time), PAIRS[:, :1], None)[0].endswith(f"last active {words}")


def test_times_that_are_no_seconds_are_told_in_windows_as_an_explanation_does() -> None:
    years = 2026 - DAYS_AGO
    assert pair_reasons(graph(years), PAIRS, 2.0) == (
        "2 common neighbours, 0 by edges of the last window; 2 neighbours, last active 1 windows ago",
        "1 common neighbour, 0 by edges of the last window; 1 neighbour, last active 2 windows ago",
        "no common neighbour; no edge yet",
    )
    counts = (
        "2 common neighbours; 2 neighbours",
        "1 common neighbour; 1 neighbour",
        "no common neighbour; no edge yet",
    )
    assert pair_reasons(graph(years), PAIRS, None) == counts  # nobody said what a window is
    assert pair_reasons(graph(None), PAIRS, None) == counts


def test_a_pair_and_its_mirror_have_one_overlap_and_each_its_own_second_node() -> None:
    mirrored = pair_reasons(graph(NOW - DAYS_AGO * DAY), PAIRS.flip(0), None)
    assert mirrored[0] == "2 common neighbours, 1 within 7 days; 2 neighbours, last active just now"


def test_no_pair_has_no_reason() -> None:
    assert pair_reasons(graph(None), PAIRS[:, :0], None) == ()
    empty = Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 6)
    assert pair_reasons(empty, PAIRS[:, :1], None) == ("no common neighbour; no edge yet",)


def test_a_model_gives_reasons_by_ids_and_refuses_those_that_it_does_not_know() -> None:
    network = TemporalNetwork(ModelConfig(predictor="temporal_ncn", hidden_channels=8), num_features=0).eval()
    network.window.fill_(2)
    model = LinkModel(network.config, network, graph(2026 - DAYS_AGO), None, list("abcdef"))
    assert model.reasons([("a", "b"), ("a", "f")]) == (
        "2 common neighbours, 0 by edges of the last window; 2 neighbours, last active 1 windows ago",
        "no common neighbour; no edge yet",
    )
    with pytest.raises(InvalidGraph, match=r"the graph does not have \(first: 'z'\).*Correct the ids"):
        model.reasons([("a", "z")])


def test_counts_take_their_nouns_with_them() -> None:
    assert [counted(count, "edge") for count in (0, 1, 2, 1200)] == ["no edge", "1 edge", "2 edges", "1,200 edges"]
