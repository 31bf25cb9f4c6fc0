from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs

RING = Adjacency.from_edges(torch.stack([torch.arange(20), (torch.arange(20) + 1) % 20]), 20)
ALL_PAIRS = torch.triu_indices(20, 20, offset=1)


def network() -> LinkNetwork:
    torch.manual_seed(0)
    return LinkNetwork(ModelConfig(hidden_channels=8, predictor_dropout=0.5), num_features=0)


@pytest.mark.parametrize("entries", [1, 7, 100])
def test_score_does_not_depend_on_how_the_work_is_cut(entries: int) -> None:
    model = network()
    levels = node_levels(model, None, RING)
    whole = score_pairs(model, levels, RING, ALL_PAIRS)
    torch.testing.assert_close(score_pairs(model, levels, RING, ALL_PAIRS, entries_at_once=entries), whole)


def test_scoring_in_training_mode_has_no_dropout_and_gives_the_mode_back() -> None:
    model = network().train()
    levels = node_levels(model, None, RING)
    first, second = (score_pairs(model, levels, RING, ALL_PAIRS) for _ in range(2))
    assert torch.equal(first, second)
    assert not first.requires_grad
    assert model.training


@pytest.mark.parametrize(("pairs", "named"), [([[0], [20]], "20"), ([[-1], [3]], "-1")])
def test_position_out_of_range_is_named_with_the_remedy(pairs: list[list[int]], named: str) -> None:
    model = network()
    with pytest.raises(InvalidGraph, match=rf"position {named}, but the graph has positions 0 to 19\. Give positions"):
        score_pairs(model, node_levels(model, None, RING), RING, torch.tensor(pairs))


def test_hub_pairs_are_scored_within_the_cut() -> None:
    leaves = torch.arange(1, 300)
    star = Adjacency.from_edges(torch.stack([torch.zeros_like(leaves), leaves]), 300)
    model = network()
    pairs = torch.stack([torch.zeros_like(leaves), leaves])
    scores = score_pairs(model, node_levels(model, None, star), star, pairs, entries_at_once=500)
    torch.testing.assert_close(scores, scores[:1].expand(299))  # all leaves are alike


def parts_of(model: LinkNetwork, graph: Adjacency, pairs: torch.Tensor, entries: int) -> list[int]:
    parts: list[int] = []
    score_pairs(model, node_levels(model, None, graph), graph, pairs, entries_at_once=entries, did=parts.append)
    return parts


@pytest.mark.parametrize("predictor", ["gae", "ncn", "ncnc"])
def test_partners_of_a_hub_are_scored_together_for_its_list_is_not_held_for_each(predictor: str) -> None:
    leaves = torch.arange(1, 1000)
    star = Adjacency.from_edges(torch.stack([torch.zeros_like(leaves), leaves]), 1000)
    torch.manual_seed(0)
    config = ModelConfig.model_validate({"hidden_channels": 8, "predictor": predictor, "completion_max_neighbors": 16})
    model = LinkNetwork(config, num_features=0)
    pairs = torch.stack([torch.zeros_like(leaves), leaves])
    assert parts_of(model, star, pairs, entries=50_000) == [999]  # by both degrees they would be twenty parts


def test_pairs_of_two_hubs_and_whole_completions_are_cut_by_what_they_hold() -> None:
    others = torch.arange(2, 1002)
    hubs = Adjacency.from_edges(
        torch.cat([torch.stack([torch.full_like(others, hub), others]) for hub in (0, 1)], 1), 1002
    )
    model = network()
    two = torch.tensor([[0], [1]]).expand(2, 10)
    assert parts_of(model, hubs, two, entries=3500) == [3, 3, 3, 1]  # 1,000 common ones, and 16 of each side
    torch.manual_seed(0)
    whole = LinkNetwork(ModelConfig(hidden_channels=8, completion_max_neighbors=None), num_features=0)
    assert parts_of(whole, hubs, two, entries=3500) == [1] * 10
