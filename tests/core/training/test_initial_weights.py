from __future__ import annotations

import pytest
import torch
from torch import nn

from ncnc_core.errors import InvalidGraph
from ncnc_core.training.initial_weights import begin_with


def test_a_network_begins_with_the_weights_it_is_given() -> None:
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    begin_with(second, first.state_dict())
    assert torch.equal(second.weight, first.weight)
    assert torch.equal(second.bias, first.bias)


@pytest.mark.parametrize(
    ("weights", "which"),
    [
        ({"weight": torch.zeros(2, 3)}, "bias"),  # missing
        ({"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "more": torch.zeros(1)}, "more"),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(2)}, "weight"),  # another shape
    ],
)
def test_weights_of_another_architecture_are_refused_and_change_nothing(
    weights: dict[str, torch.Tensor], which: str
) -> None:
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    with pytest.raises(InvalidGraph, match=rf"1 of 2 tensors are missing.*first: {which}\)\. Give the state_dict of"):
        begin_with(network, weights)
    assert torch.equal(network.weight, before)
