from __future__ import annotations

from typing import Any, NoReturn

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.networks.blank_weights import blank_weights
from ncnc_core.networks.link_network import LinkNetwork

# what draws its weights by which of torch's functions
NETWORKS = [
    {"jumping_knowledge": True, "num_layers": 2},  # normal
    {"node_embedding": "only"},  # orthogonal or normal
    {"encoder": "gcn", "predictor": "ncnc"},  # uniform
]


@pytest.mark.parametrize("fields", NETWORKS)
def test_a_blank_network_has_the_shapes_of_a_drawn_one_and_leaves_the_random_state(fields: dict[str, Any]) -> None:
    config = ModelConfig(hidden_channels=8, **fields)
    sizes = {"num_features": 0, "num_ids": 5} if config.node_embedding == "only" else {"num_features": 3}
    drawn, before = LinkNetwork(config, **sizes), torch.get_rng_state()
    with blank_weights():
        blank = LinkNetwork(config, **sizes)
    assert torch.equal(torch.get_rng_state(), before)
    assert {name: one.shape for name, one in blank.state_dict().items()} == {
        name: one.shape for name, one in drawn.state_dict().items()
    }
    assert {one.device.type for one in blank.parameters()} == {"meta"}


def test_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a weight was drawn")

    monkeypatch.setattr(torch.Tensor, "normal_", draw, raising=False)
    config = ModelConfig(hidden_channels=8, jumping_knowledge=True, num_layers=2)
    with blank_weights():
        LinkNetwork(config, num_features=3)
    with pytest.raises(AssertionError, match="a weight was drawn"):
        LinkNetwork(config, num_features=3)
