from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.networks.scoring import node_levels
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.serving.explanation import LinkExplanation
from ncnc_core.serving.timed_explanation import explain_timed_pair
from ncnc_core.temporal.pair_features import feature_groups

NAMES = ["a", "b", "c", "d", "e"]
# In windows of two edges, at the end: a-c and b-c are of now, a-d of two windows ago, b-d of one and a half.
ENDS = torch.tensor([[0, 1, 0, 3, 1, 0], [3, 3, 1, 2, 2, 2]])
TIME = torch.tensor([10, 20, 30, 40, 50, 60])


def explained(source: int, target: int) -> LinkExplanation:
    torch.manual_seed(0)
    network = TemporalNetwork(ModelConfig(predictor="temporal_ncn", hidden_channels=8), num_features=0).eval()
    network.window.fill_(2)
    graph = EventHistory.of_events(ENDS, TIME, 5).graph_at(60)
    return explain_timed_pair(network, node_levels(network, None, graph), graph, source, target, NAMES)


def test_the_facts_say_in_words_what_the_model_read() -> None:
    found = explained(0, 1)
    assert found.known
    assert found.facts == (
        "a: 3 neighbours, last active 0 windows ago",
        "b: 3 neighbours, last active 0.5 windows ago",
        "2 common neighbours, 1 of them by edges of the last window",  # c; d was met long ago
    )
    unseen = explained(4, 3)
    assert not unseen.known
    assert unseen.facts == (
        "e: no edge yet",
        "d: 3 neighbours, last active 1 windows ago",
        "no common neighbour",
    )


def test_a_model_that_reads_directions_says_them_and_has_a_part_for_them() -> None:
    torch.manual_seed(0)
    config = ModelConfig(predictor="temporal_ncn", hidden_channels=8, edge_directions=True)
    network = TemporalNetwork(config, num_features=0).eval()
    network.window.fill_(2)
    graph = EventHistory.of_events(ENDS, TIME, 5, directed=True).graph_at(60)
    found = explain_timed_pair(network, node_levels(network, None, graph), graph, 0, 1, NAMES)
    assert found.facts[:2] == (
        "a: 3 neighbours (links to 3 and from 0), last active 0 windows ago",
        "b: 3 neighbours (links to 2 and from 1), last active 0.5 windows ago",
    )
    assert [part.group for part in found.features] == list(feature_groups(directed=True))


def test_edges_of_the_last_window_count_even_where_both_are_half_a_window_old() -> None:
    """a-c is 0.5 windows old and b-c is 0.75: each of the last window, though together they are older than one."""
    ends, time = torch.tensor([[0, 1, 3, 3], [2, 2, 4, 0]]), torch.tensor([20, 10, 30, 40])
    network = TemporalNetwork(ModelConfig(predictor="temporal_ncn", hidden_channels=8), num_features=0).eval()
    network.window.fill_(4)
    graph = EventHistory.of_events(ends, time, 5).graph_at(40)
    found = explain_timed_pair(network, node_levels(network, None, graph), graph, 0, 1, NAMES)
    assert found.facts[2] == "1 common neighbour, 1 of them by edges of the last window"


def test_a_neighbour_weighs_what_is_left_of_both_its_edges() -> None:
    weights = {part.node: part.weight for part in explained(0, 1).neighbors}
    assert weights == pytest.approx(
        {"c": torch.exp(torch.tensor(-0.5)).item(), "d": torch.exp(torch.tensor(-4.5)).item()}
    )


@pytest.mark.parametrize("place", range(4))
def test_the_parts_of_a_trained_model_add_up_to_the_score(
    evolving_model: LinkModel, active: tuple[torch.Tensor, torch.Tensor], place: int
) -> None:
    source, target = (evolving_model.node_ids[one] for one in active[0][:, [-1, -20, 0, 700]][:, place].tolist())
    found = evolving_model.explain(source, target)
    total = found.base + found.pair + sum(one.contribution for one in (*found.neighbors, *found.features))
    assert total == pytest.approx(found.score, abs=1e-3)
    assert found.remainder == pytest.approx(found.score - total, abs=1e-9)
    assert found.score == float(evolving_model.score_pairs([(source, target)]))
    assert [part.group for part in found.features] == list(feature_groups())
    positions = evolving_model.positions([source, target]).unsqueeze(1)
    common = evolving_model.adjacency.common_neighbors(positions).node
    assert {part.node for part in found.neighbors} == {evolving_model.node_ids[one] for one in common.tolist()}


def test_text_and_table_show_every_part(evolving_model: LinkModel) -> None:
    first, second = (evolving_model.node_ids[one] for one in evolving_model.adjacency.edges()[:, 0].tolist())
    found = evolving_model.explain(first, second)
    text = str(found)
    assert "(an edge of the graph)" in text
    assert all(fact in text for fact in found.facts)
    assert all(group in text for group in feature_groups())
    frame = found.to_frame()
    assert frame["role"].tolist()[-6:] == ["pair", *feature_groups(), "base"]
    assert frame["share"].abs().sum() == pytest.approx(1)


def test_what_is_active_is_what_speaks_for_a_pair_where_recency_decides(
    evolving_model: LinkModel, active: tuple[torch.Tensor, torch.Tensor]
) -> None:
    recent = active[0][:, -62:-60]  # of the two latest edges that the model knows
    pair = Positions(torch.stack([recent[0, :1], recent[0, 1:]]))
    source, target = (evolving_model.node_ids[int(one)] for one in pair.values)
    largest = max(evolving_model.explain(source, target).features, key=lambda part: part.contribution)
    assert largest.group in ("activity of the ends", "recent overlap")
