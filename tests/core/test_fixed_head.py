from __future__ import annotations

from typing import Any

import pytest
import torch

from ncnc_core.fixed_head import FixedHead
from ncnc_core.pair_head import PairHead

CHANNELS, NODES = 12, 20


def head(**changes: Any) -> PairHead:
    options = {"neighbor_output_linear": False, "two_layer_head": False, "layer_norm": True, "beta": 1.0}
    torch.manual_seed(3)
    made = PairHead(channels=CHANNELS, dropout=0.5, neighbor_transform=True, **{**options, **changes})
    for parameter in made.parameters():  # norms start at one and zero, which would hide a misplaced one
        torch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"neighbor_output_linear": True},
        {"two_layer_head": True},
        {"layer_norm": False},
        {"neighbor_output_linear": True, "two_layer_head": True, "layer_norm": False},
        {"neighbor_output_linear": True, "beta": 0.3},
    ],
)
@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_logits_are_those_of_the_head(changes: dict[str, Any], precision: torch.dtype, tolerance: float) -> None:
    whole = head(**changes)
    fixed = FixedHead(whole, precision=precision)
    generator = torch.Generator().manual_seed(1)
    h, g = torch.randn(2, NODES, CHANNELS, generator=generator)
    pairs = torch.randint(NODES, (2, 50), generator=generator)
    near = (torch.rand(50, NODES, generator=generator) < 0.3).float()
    near[0] = 0  # an empty neighbourhood
    with torch.no_grad():
        expected = whole(h, pairs, near @ g)
        found = fixed(h, pairs, near @ fixed.node_values(g))
    assert found.dtype == torch.float32
    # The sum of the magnitudes in the last product is what rounding is relative to.
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance * 10)


def test_fixed_head_keeps_the_weights_it_was_made_from() -> None:
    whole = head()
    fixed = FixedHead(whole)
    h, pairs = torch.ones(2, CHANNELS), torch.tensor([[0], [1]])
    before = fixed(h, pairs, fixed.node_values(h)[:1])
    assert not before.requires_grad
    with torch.no_grad():
        whole.readout[-1].weight.mul_(2)
    assert not torch.allclose(FixedHead(whole)(h, pairs, FixedHead(whole).node_values(h)[:1]), before)
