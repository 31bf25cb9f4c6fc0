"""The graph a trained model serves, replaced or grown: new nodes and edges are scored without training again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.grown_adjacency import grown_adjacency, grown_times
from ncnc_core.graph.positions import require_positions
from ncnc_core.inputs.edge_times import TimeInput, times_beside
from ncnc_core.inputs.features import FeatureInput, feature_ids, feature_rows, read_features, stacked_features
from ncnc_core.inputs.graph_parts import EdgeInput, WeightInput, graph_parts, names_its_nodes
from ncnc_core.inputs.graphs import GraphInput, edge_weights, read_graph
from ncnc_core.inputs.node_ids import IdsInput, NodeId, NodePlaces, clean_ids, kind_of
from ncnc_core.inputs.pairs import PairInput, pair_ends
from ncnc_core.serving.saved_model import ModelParts

BY_ID = "New nodes come after the model's own. Correct the positions, or give the edges by id."


def replaced_graph(
    known: ModelParts,
    edges: EdgeInput,
    features: FeatureInput,
    node_ids: IdsInput,
    edge_weight: WeightInput,
    time: TimeInput = None,
    *,
    source: str = "source",
    target: str = "target",
) -> GraphInput:
    """Read another graph for a trained model, as `read_graph` does.

    Without `node_ids` its nodes are the model's own, in their order, and after them what new ids the edges name; a
    feature table, `Data` or NetworkX graph brings its nodes itself. Without `features` the nodes keep those they had.
    Its events have directions where the model reads them.

    Raises:
        InvalidGraph: a new node has no features and the model reads them, or the model has learnt a vector for each
            node and its nodes are not the first.
    """
    if node_ids is None and not names_its_nodes(edges) and feature_ids(features) is None:
        parts = graph_parts(edges, None, None, None, None, source=source, target=target)
        node_ids = known.node_ids + (
            _new_in(known, parts.ends.values, parts.numbers_nodes) if parts.ends.are_ids else []
        )
    how: dict[str, Any] = {"source": source, "target": target, "directed": known.config.edge_directions}
    graph = read_graph(edges, features, node_ids, edge_weight=edge_weight, time=time, **how)
    if graph.features is None and known.features is not None:
        graph = replace(graph, features=_kept_features(known, graph.node_ids))
    require_fit(known, graph.node_ids, has_times=graph.time is not None)
    return graph


def grown_graph(
    known: ModelParts,
    new_edges: PairInput,
    new_nodes: IdsInput,
    features: FeatureInput,
    edge_weight: WeightInput,
    removed_edges: PairInput,
    time: TimeInput = None,
) -> tuple[ModelParts, Int64[Tensor, " touched"]]:
    """Add nodes behind the model's own, then edges among them all, and take edges away.

    Return also the new nodes, and the ends of the edges that come and go, as positions.

    `features` are those of the new nodes; a table of them, indexed by id, may stand for `new_nodes` too. Pairs are read
    as in `pair_ends`. In a graph with weights, an edge without one weighs one.

    Raises:
        InvalidGraph: a new node is known already, has an id of another kind than the model's, or has no features and
            the model reads them, an edge names a node that is neither known nor new, an edge to remove is not there,
            or weights or features are given for nothing.
    """
    new = _new_ids(known, new_nodes, features)
    ids = known.node_ids + new
    places, adjacency = NodePlaces(ids), known.adjacency
    gone = added = torch.zeros(2, 0, dtype=torch.int64)
    if removed_edges is not None:
        gone = _positions(removed_edges, places, "removed_edges")
        _require_edges(adjacency, gone, ids)
        adjacency = adjacency.without(gone)
    if new_edges is not None:
        added = _positions(new_edges, places, "new_edges")
    _require_what_belongs(known, new_edges, edge_weight, time)
    grown = replace(
        known,
        adjacency=_grown_adjacency(adjacency, known.adjacency, len(ids), added, edge_weight, time),
        features=_grown_features(known.features, features, new),
        node_ids=ids,
    )
    return grown, torch.cat([torch.arange(len(known.node_ids), len(ids)), gone.flatten(), added.flatten()])


def _require_what_belongs(known: ModelParts, new_edges: PairInput, edge_weight: WeightInput, time: TimeInput) -> None:
    """Refuse edges without times where the model reads them, and weights and times without edges."""
    if new_edges is not None:
        if time is None:
            _require_no_times(known, "the new edges")
    elif edge_weight is not None or time is not None:
        what = "edge_weight" if time is None else "time"
        raise InvalidGraph(f"{what} was given without new_edges. Give the edges that it belongs to.")


def _grown_adjacency(
    adjacency: Adjacency, before: Adjacency, num_nodes: int, added: Tensor, given: WeightInput, time: TimeInput
) -> Adjacency:
    came = times_beside(before.times, time, added.shape[1])
    grown = grown_adjacency(adjacency, num_nodes, added, edge_weights(given, added.shape[1]))
    if adjacency.times is None:
        return grown
    times = grown_times(adjacency, adjacency.times, added, came, before)
    ends = torch.cat([adjacency.edges(), added], 1)
    is_edge = ends[0] != ends[1]
    ends = torch.cat([ends[:, is_edge], ends[:, is_edge].flip(0)], 1)
    return replace(grown, times=times.kept(is_edge).of_entries(grown.keys, ends[0] * num_nodes + ends[1]))


def _require_no_times(known: ModelParts, whose: str) -> None:
    """Refuse edges without times where the model reads them."""
    if known.config.predictor == "temporal_ncn":
        raise InvalidGraph(f"The model reads when edges came, but {whose} have no times. Give time, one an edge.")


def _new_ids(known: ModelParts, new_nodes: IdsInput, features: FeatureInput) -> list[NodeId]:
    """Return the ids of the new nodes, each of them new and of the model's kind."""
    new = (feature_ids(features) if new_nodes is None else clean_ids(new_nodes, "new_nodes")) or []
    if features is not None and not new:
        raise InvalidGraph(
            "features were given without new nodes. Name the nodes in new_nodes, or index a table of features by id; "
            "features of known nodes are changed by with_graph."
        )
    before = set(known.node_ids) if new else set()
    repeated = [one for one in new if one in before]
    if repeated:
        raise InvalidGraph(
            f"{len(repeated)} of {len(new)} new nodes are nodes of the model already (first: {repeated[0]!r}). Leave "
            "them out; their features are changed by with_graph."
        )
    _require_one_kind(known.node_ids, new)
    return new


def _positions(pairs: PairInput, places: NodePlaces, what: str) -> Tensor:
    """Return the positions of pairs, those given as positions checked against the nodes there are."""
    found = pair_ends(pairs).positions(places, what)
    require_positions(found, len(places.node_ids), what, remedy=BY_ID)
    return found


def _require_edges(adjacency: Adjacency, gone: Tensor, ids: Sequence[NodeId]) -> None:
    """Refuse to remove what is no edge: it would be left out in silence, and the edge that was meant would stay."""
    old = (gone < adjacency.num_nodes).all(0)
    there = old.clone()
    there[old] = adjacency.has(gone[:, old])
    missing = gone[:, ~there]
    if missing.numel():
        first = tuple(ids[one] for one in missing[:, 0].tolist())
        raise InvalidGraph(
            f"removed_edges names {missing.shape[1]} of {gone.shape[1]} pairs that are no edges of the graph (first: "
            f"{first}). Leave them out, or correct the ids."
        )


def _new_in(known: ModelParts, ends: Any, from_array: bool) -> list[NodeId]:
    """Return the ids among the ends that the model does not know, sorted."""
    new = sorted(set(ends.reshape(-1).tolist()) - set(known.node_ids))
    if new and from_array and not isinstance(new[0], str) and new[0] >= 0 and new[-1] < len(known.node_ids):
        raise InvalidGraph(
            f"The edges name {len(new)} nodes that the model does not know (first: {new[0]}). "
            f"{NodePlaces(known.node_ids).remedy(np.array(new))} If they are new nodes, give node_ids too."
        )
    _require_one_kind(known.node_ids, new)
    return new


def _require_one_kind(known: Sequence[NodeId], new: Sequence[NodeId]) -> None:
    if known and new and kind_of(known) != kind_of(new):
        raise InvalidGraph(
            f"The model's node ids are {kind_of(known)}, and those of {len(new)} new nodes are {kind_of(new)} (first: "
            f"{new[0]!r}). Convert the new ones."
        )


def _kept_features(known: ModelParts, node_ids: Sequence[NodeId]) -> Tensor | None:
    """Return the features the nodes had in the model's graph."""
    if known.features is None or list(node_ids) == known.node_ids:
        return known.features
    places = {one: place for place, one in enumerate(known.node_ids)}
    _require_features([one for one in node_ids if one not in places], len(node_ids))
    return feature_rows(known.features, torch.tensor([places[one] for one in node_ids], dtype=torch.int64))


def _grown_features(features: Tensor | None, given: FeatureInput, new: Sequence[NodeId]) -> Tensor | None:
    if features is None:
        if given is not None:
            raise InvalidGraph(f"features were given for {len(new)} new nodes, but the model has none. Leave them out.")
        return None
    if not new:
        return features
    added = read_features(given, new)
    if added is None:
        _require_features(new, len(new))
        return None
    if added.shape[1:] != features.shape[1:] or added.dtype != features.dtype:
        raise InvalidGraph(
            f"The new nodes have features of shape {list(added.shape)}, and those of the model's nodes are "
            f"{list(features.shape)}. Give the same columns."
        )
    return stacked_features(features, added)


def _require_features(missing: Sequence[NodeId], count: int) -> None:
    if missing:
        raise InvalidGraph(
            f"{len(missing)} of {count} nodes are new to the model and have no features (first: {missing[0]!r}). "
            "Give features."
        )


def require_fit(known: ModelParts, node_ids: Sequence[NodeId], *, has_times: bool) -> None:
    """Refuse another graph for a trained model: one without times where it reads them, or with other nodes first."""
    if not has_times:
        _require_no_times(known, "this graph's edges")
    learnt = 0 if known.features is not None and known.features.dim() == 1 else known.network.num_ids
    if learnt and list(node_ids[:learnt]) != known.node_ids[:learnt]:
        raise InvalidGraph(
            f"The model has learnt a vector for each of {learnt} nodes by its place, and these are not the first nodes "
            "of the new graph, in their order. Give node_ids that begin with the model's own."
        )
