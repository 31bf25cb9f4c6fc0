from __future__ import annotations

import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.recipes.published_names import to_our_names


def test_unused_weights_and_constants_are_left_out_and_shapes_follow_ours() -> None:
    wanted = LinkNetwork(ModelConfig(predictor="ncn", hidden_channels=4), num_features=3).state_dict()
    published = {
        "predictor/beta": torch.tensor([0.5]),
        "predictor/ptlin.0.weight": torch.zeros(4, 4),
        "predictor/alpha": torch.ones(1),
        "predictor/lin.8.bias": torch.tensor([2.0]),
        "encoder/xemb.1.bias": torch.arange(4.0),
    }
    ours = to_our_names(published, wanted)
    assert set(ours) == {"predictor.head.beta", "predictor.head.readout.4.bias", "encoder.input.linear.bias"}
    assert ours["predictor.head.beta"].shape == ()


def test_tables_of_vectors_and_convolutions_find_their_place() -> None:
    config = ModelConfig(predictor="ncn", encoder="gcn", node_embedding="only", hidden_channels=4)
    wanted = LinkNetwork(config, num_features=0, num_ids=6).state_dict()
    published = {
        "encoder/xemb.0.weight": torch.rand(6, 4),
        "encoder/convs.0.lin.weight": torch.rand(4, 4),
        "encoder/convs.0.bias": torch.rand(4),
        "encoder/lins.0.0.weight": torch.rand(4),
    }
    assert set(to_our_names(published, wanted)) == {
        "encoder.input.embedding.weight",
        "encoder.convolutions.0.lin.weight",
        "encoder.convolutions.0.bias",
        "encoder.after.0.0.weight",
    }
