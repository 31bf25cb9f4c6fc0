"""One weight an edge, however often and in whichever direction it was given."""

from __future__ import annotations

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph


def one_weight_a_key(keys: Tensor, weight: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Return the distinct keys, sorted, and the weight of each; two different weights of one key are refused."""
    if not bool(torch.isfinite(weight).all()):
        bad = int((~torch.isfinite(weight)).nonzero()[0])
        raise InvalidGraph(
            f"The edge {_ends(keys[bad], num_nodes)} has the weight {float(weight[bad])}. Give finite weights."
        )
    keys, order = keys.sort(stable=True)
    weight = weight[order]
    is_repeat = keys[1:] == keys[:-1]
    clash = (is_repeat & (weight[1:] != weight[:-1])).nonzero()
    if clash.numel():
        first = int(clash[0])
        raise InvalidGraph(
            f"The edge {_ends(keys[first], num_nodes)} comes twice, with the weights {float(weight[first])} and "
            f"{float(weight[first + 1])}. Give each edge one weight: add them up, or keep one."
        )
    keep = torch.cat([is_repeat.new_ones(min(1, keys.numel())), ~is_repeat])
    return keys[keep], weight[keep]


def _ends(key: Tensor, num_nodes: int) -> str:
    return f"{int(key) // num_nodes}-{int(key) % num_nodes}"
