from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig, PredictorName
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels
from ncnc_core.serving.neighborhood import pooled_sums

# 0 and 1 share 2; 3 is 0's alone, 4 is 1's alone; 5 is joined to 3 and 4.
EDGES = torch.tensor([[0, 1, 0, 1, 3, 4], [2, 2, 3, 4, 5, 5]])
PAIR = torch.tensor([[0], [1]])
GRAPH = Adjacency.from_edges(EDGES, 6)


def network(predictor: PredictorName, **options: object) -> LinkNetwork:
    torch.manual_seed(0)
    return LinkNetwork(ModelConfig(predictor=predictor, hidden_channels=8, **options), num_features=0).eval()  # type: ignore[arg-type]


def roles(predictor: PredictorName, **options: object) -> list[dict[str, list[int]]]:
    model = network(predictor, **options)
    levels = node_levels(model, None, GRAPH)
    with torch.no_grad():
        sums = pooled_sums(model.predictor, levels, GRAPH, PAIR)
    return [{one.role: one.node.tolist() for one in pooled} for pooled in sums]


@pytest.mark.parametrize(
    ("predictor", "expected"),
    [
        ("gae", []),
        ("gae_cn", [{"common": [2]}]),
        ("ncn", [{"common": [2]}]),
        ("ncnc", [{"common": [2], "source_only": [3], "target_only": [4]}]),
        ("ncn_diff", [{"common": [2]}, {"source_only": [3], "target_only": [4]}]),
        # Every neighbour of one reaches the other in two steps where it is the node two steps away from it.
        ("ncn2", [{"common": [2]}, {"near_source": [], "near_target": []}]),
    ],
)
def test_each_predictor_pools_its_own_neighbours(
    predictor: PredictorName, expected: list[dict[str, list[int]]]
) -> None:
    assert roles(predictor) == expected


def test_two_step_neighbours_are_told_apart_by_side() -> None:
    path = Adjacency.from_edges(torch.tensor([[0, 1, 2], [1, 2, 3]]), 4)
    model = network("ncn2")
    levels = node_levels(model, None, path)
    with torch.no_grad():
        _, extra = pooled_sums(model.predictor, levels, path, torch.tensor([[0], [3]]))
    assert [(one.role, one.node.tolist()) for one in extra] == [("near_source", [1]), ("near_target", [2])]


def test_without_completion_only_common_neighbours_are_pooled() -> None:
    assert roles("ncnc", completion_alpha=0.0) == [{"common": [2]}]
    assert roles("ncnc", completion_depth=0) == [{"common": [2]}]


def test_counted_neighbours_are_worth_one_each() -> None:
    model = network("gae_cn")
    with torch.no_grad():
        ((common,),) = pooled_sums(model.predictor, node_levels(model, None, GRAPH), GRAPH, PAIR)
    assert common.total().tolist() == [1.0]


@pytest.mark.parametrize("predictor", ["gae", "gae_cn", "ncn", "ncn2", "ncn_diff", "ncnc"])
def test_the_head_on_the_pooled_sums_gives_the_score(predictor: PredictorName) -> None:
    model = network(predictor)
    with torch.no_grad():
        levels = node_levels(model, None, GRAPH)
        sums = pooled_sums(model.predictor, levels, GRAPH, PAIR)
        totals = [torch.stack([one.total() for one in pooled]).sum(0).float()[None] for pooled in sums]
        score = model.predictor.product_logits(levels[0][PAIR[0]] * levels[0][PAIR[1]], *totals)
        torch.testing.assert_close(score, model.predictor(levels, GRAPH, PAIR))
