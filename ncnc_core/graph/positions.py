"""Positions of nodes that come from outside, checked before a kernel reads rows by them."""

from __future__ import annotations

from torch import Tensor, stack

from ncnc_core.errors import InvalidGraph

MOST_NODES = 3_037_000_499  # the square of more does not fit into 64 bits with a sign
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


def require_room_for_keys(num_nodes: int) -> None:
    """Refuse more nodes than a key of two positions, first * num_nodes + second, has room for in int64.

    Raises:
        InvalidGraph: there are more than MOST_NODES.
    """
    if num_nodes > MOST_NODES:
        raise InvalidGraph(
            f"A pair of nodes is held as one number of 64 bits, which has room for {MOST_NODES} nodes, but there are "
            f"{num_nodes}. Divide the graph, or number the nodes without gaps."
        )
