from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.completion_trials import CompletionConstants, logits_with_each, shares_inner_logits
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs

NODES = 200
TRIED = [
    CompletionConstants(2.5, 3.0, 0.0),
    CompletionConstants(2.5, 3.0, 0.5),
    CompletionConstants(1.0, -1.0, 1.0),
]
GRAPH = Adjacency.from_edges(torch.randint(NODES, (2, 900), generator=torch.Generator().manual_seed(0)), NODES)
DENSE = Adjacency.from_edges(torch.triu_indices(100, 100, offset=1)[:, ::2], 100)
PAIRS = torch.randint(30, (2, 60), generator=torch.Generator().manual_seed(1))


def network(constants: CompletionConstants, **changes: object) -> LinkNetwork:
    torch.manual_seed(2)
    own = {f"completion_{name}": getattr(constants, name) for name in ("scale", "offset", "alpha")}
    config = ModelConfig.model_validate({"hidden_channels": 8, **own, **changes})
    return LinkNetwork(config, num_features=0).eval()


@pytest.mark.parametrize(
    ("graph", "changes"),
    [
        (GRAPH, {"completion_max_neighbors": 4}),
        (GRAPH, {"completion_max_neighbors": None, "pair_structure": True}),
        (GRAPH, {"completion_reads_raw_embeddings": True}),
        (DENSE, {"completion_max_neighbors": 4}),  # rows of bits, which the lists of a capped completion leave aside
    ],
    ids=["capped", "with counts", "raw", "dense"],
)
def test_each_has_the_logits_of_a_network_with_these_constants(graph: Adjacency, changes: dict[str, object]) -> None:
    asking = network(TRIED[1], **changes)
    assert shares_inner_logits(asking, graph)
    parts: list[int] = []
    found = logits_with_each(asking, node_levels(asking, None, graph), graph, PAIRS, TRIED, did=parts.append)
    assert sum(parts) == PAIRS.shape[1]
    for constants, logits in zip(TRIED, found, strict=True):
        alone = network(constants, **changes)
        assert torch.equal(logits, score_pairs(alone, node_levels(alone, None, graph), graph, PAIRS))
    assert not torch.equal(found[1], found[2])


@pytest.mark.parametrize(
    ("graph", "changes"),
    [(GRAPH, {"predictor": "ncn"}), (GRAPH, {"completion_depth": 2}), (DENSE, {"completion_max_neighbors": None})],
    ids=["ncn", "two levels", "a belief matrix"],
)
def test_what_constants_enter_deeper_is_not_shared(graph: Adjacency, changes: dict[str, object]) -> None:
    assert not shares_inner_logits(network(TRIED[1], **changes), graph)


def test_no_pairs_have_no_logits() -> None:
    asking = network(TRIED[1])
    none = torch.empty(2, 0, dtype=torch.int64)
    assert logits_with_each(asking, node_levels(asking, None, GRAPH), GRAPH, none, TRIED).shape == (3, 0)
