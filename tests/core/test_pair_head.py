from __future__ import annotations

import torch

from ncnc_core.pair_head import PairHead


def head(**changes: bool) -> PairHead:
    torch.manual_seed(0)
    options = {
        "layer_norm": True,
        "neighbor_transform": True,
        "neighbor_output_linear": False,
        "two_layer_head": False,
    }
    return PairHead(channels=4, dropout=0.0, beta=0.7, **{**options, **changes})


def test_logit_is_its_formula() -> None:
    blocks, h, pooled = head(), torch.rand(5, 4), torch.rand(2, 4)
    pairs = torch.tensor([[0, 1], [2, 3]])
    z = 0.7 * blocks.neighbor_mlp(pooled) + blocks.pair_mlp(h[[0, 1]] * h[[2, 3]])
    torch.testing.assert_close(blocks(h, pairs, pooled), blocks.readout(z).squeeze(-1))


def test_order_of_the_blocks_is_the_published_one() -> None:
    blocks = head(neighbor_output_linear=True, two_layer_head=True)
    names = {name: [type(layer).__name__ for layer in module] for name, module in blocks.named_children()}
    assert names == {
        "neighbor_transform": ["Linear", "Dropout", "ReLU", "Linear", "LayerNorm", "Dropout", "ReLU"],
        "neighbor_mlp": ["Linear", "Dropout", "ReLU", "Linear", "LayerNorm", "Dropout", "ReLU", "Linear"],
        "pair_mlp": ["Linear", "LayerNorm", "Dropout", "ReLU", "Linear"],
        "readout": ["Linear", "LayerNorm", "Dropout", "ReLU"] * 2 + ["Linear"],
    }


def test_without_transform_a_node_contributes_its_embedding() -> None:
    h = torch.rand(3, 4)
    assert head(neighbor_transform=False).node_values(h) is h


def test_empty_neighbourhoods_told_apart_give_the_same_logits() -> None:
    blocks, h = head().eval(), torch.rand(5, 4)
    pairs, pooled = torch.tensor([[0, 1, 2], [2, 3, 4]]), torch.rand(3, 4)
    pooled[1] = 0
    with torch.no_grad():
        spared = blocks(h, pairs, pooled[[0, 2]], occupied=torch.tensor([0, 2]))
        torch.testing.assert_close(spared, blocks(h, pairs, pooled))
