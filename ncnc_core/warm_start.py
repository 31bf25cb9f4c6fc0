"""The weights of a trained network carried over to another night's graph, each node's own vector by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_network import LinkNetwork
from ncnc_core.pair_input import NodeId

NODE_VECTORS = "embedding.weight"  # the one tensor of a network that has a row a node


@dataclass(frozen=True, eq=False)
class CarriedWeights:
    """A state_dict for the new network, and for how many of its nodes something was known."""

    weights: dict[str, Tensor]
    known_nodes: int
    new_nodes: int


def carried_weights(
    source: Mapping[str, Tensor], source_ids: Sequence[NodeId], fresh: LinkNetwork, ids: Sequence[NodeId]
) -> CarriedWeights:
    """Return the source's weights in the shape of `fresh`, a new network for the nodes `ids`.

    Where the network learns a vector a node, the vector goes to the position that the node's id has now, and a node
    that the source did not know keeps what `fresh` was initialised with; all other weights know no node. A pair of
    known nodes therefore has the score it had, on the same edges and features, however the nodes are ordered.
    Vectors that were learnt for integer features, and not for positions, are not moved.

    Raises:
        InvalidGraph: the two networks are not of one architecture.
    """
    own = fresh.state_dict()
    by_position = {name for name in own if name.endswith(NODE_VECTORS) and own[name].shape[0] == len(ids)}
    shapes = [{name: _row_shape(state, name, by_position) for name in state} for state in (own, source)]
    wrong = sorted(name for name in own.keys() | source.keys() if shapes[0].get(name) != shapes[1].get(name))
    if wrong:
        raise InvalidGraph(
            f"The weights are of another architecture: {len(wrong)} of {len(own)} tensors are missing, unknown or of "
            f"another shape (first: {wrong[0]}). Train from random weights, or with the parameters of that model."
        )
    place = {node: position for position, node in enumerate(source_ids)}
    known = [(position, place[node]) for position, node in enumerate(ids) if node in place]
    weights = {name: tensor.clone() for name, tensor in source.items()}
    if by_position and known:
        now, before = torch.tensor(known).T
        for name in by_position:
            moved = own[name].clone()
            moved[now] = source[name][before].to(moved.dtype)
            weights[name] = moved
    elif by_position:
        weights |= {name: own[name].clone() for name in by_position}
    return CarriedWeights(weights, len(known), len(ids) - len(known))


def _row_shape(state: Mapping[str, Tensor], name: str, by_position: set[str]) -> tuple[int, ...]:
    shape = tuple(state[name].shape)
    return shape[1:] if name in by_position else shape
