"""Positions of nodes that come from outside, checked before a kernel reads rows by them."""

from __future__ import annotations

from torch import Tensor, stack

from ncnc_core.errors import InvalidGraph

GIVE_OTHERS = "Give positions of its nodes, or the graph that holds the others too."


def require_positions(positions: Tensor, num_nodes: int, what: str = "pairs", *, remedy: str = GIVE_OTHERS) -> None:
    """Refuse what is no node: the kernels read rows unchecked, and a key of another number is some other edge's.

    Raises:
        InvalidGraph: a position, of any shape, is negative or not below `num_nodes`.
    """
    if positions.numel() == 0:
        return
    low, high = stack(positions.aminmax()).tolist()  # stacked: one transfer from an accelerator, not two
    if low < 0 or high >= num_nodes:
        raise InvalidGraph(
            f"{what} name position {low if low < 0 else high}, but the graph has positions 0 to {num_nodes - 1}. "
            f"{remedy}"
        )
