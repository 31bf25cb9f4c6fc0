"""The weights of a trained network carried over to another night's graph, each node's own vector by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.node_ids import NodeId
from ncnc_core.networks.any_network import AnyNetwork

NODE_VECTORS = "embedding.weight"  # the one tensor of a network that has a row a node, or a row an integer feature


@dataclass(frozen=True, eq=False)
class CarriedWeights:
    """A state_dict for the new network, and for how many of its nodes something was known."""

    weights: dict[str, Tensor]
    known_nodes: int
    new_nodes: int


def carried_weights(
    source: Mapping[str, Tensor],
    source_ids: Sequence[NodeId],
    fresh: AnyNetwork,
    ids: Sequence[NodeId],
    *,
    vectors_by: Literal["position", "feature"] = "position",
) -> CarriedWeights:
    """Return the source's weights in the shape of `fresh`, a new network for the nodes `ids`.

    Where the network learns a vector a node, the vector goes to the position that the node's id has now, and a node
    that the source did not know keeps what `fresh` was initialised with; all other weights know no node. A pair of
    known nodes therefore has the score it had, on the same edges and features, however the nodes are ordered.

    A model of integer features has a vector a feature value (`vectors_by="feature"`): its rows stay where they are,
    and values that the source's table did not reach are fresh.

    Raises:
        InvalidGraph: the two networks are not of one architecture, or a table has not a vector for each id.
    """
    own = fresh.state_dict()
    tables = {name for name in own if name.endswith(NODE_VECTORS)}
    _require_one_architecture(own, source, tables)
    place = {node: position for position, node in enumerate(source_ids)}
    known = [(position, place[node]) for position, node in enumerate(ids) if node in place]
    now, before = torch.tensor(known, dtype=torch.int64).reshape(-1, 2).T
    weights = {name: tensor.clone() for name, tensor in source.items()}
    for name in tables:
        weights[name] = own[name].clone()
        if vectors_by == "feature":
            reached = min(len(own[name]), len(source[name]))
            weights[name][:reached] = source[name][:reached]
            continue
        for state, given in ((source, source_ids), (own, ids)):
            _require_a_vector_each(state[name], given)
        weights[name][now] = source[name][before].to(own[name].dtype)
    return CarriedWeights(weights, len(known), len(ids) - len(known))


def _require_one_architecture(own: Mapping[str, Tensor], source: Mapping[str, Tensor], tables: set[str]) -> None:
    shapes = [{name: _row_shape(state, name, tables) for name in state} for state in (own, source)]
    wrong = sorted(name for name in own.keys() | source.keys() if shapes[0].get(name) != shapes[1].get(name))
    if wrong:
        raise InvalidGraph(
            f"The weights are of another architecture: {len(wrong)} of {len(own)} tensors are missing, unknown or of "
            f"another shape (first: {wrong[0]}). Train from random weights, or with the parameters of that model."
        )


def _require_a_vector_each(table: Tensor, ids: Sequence[NodeId]) -> None:
    if len(table) != len(ids):
        raise InvalidGraph(
            f"The table has {len(table)} vectors for {len(ids)} node ids, so which is whose is not known. Give the ids "
            f'that the model was trained with, or vectors_by="feature" where it reads integer features.'
        )


def _row_shape(state: Mapping[str, Tensor], name: str, tables: set[str]) -> tuple[int, ...]:
    shape = tuple(state[name].shape)
    return shape[1:] if name in tables else shape
