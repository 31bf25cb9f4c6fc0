"""From a whole graph to the few nodes and edges that a batch of pairs needs."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.adjacency import Adjacency
from ncnc_core.errors import InvalidGraph
from ncnc_core.feature_rows import feature_rows
from ncnc_core.input_features import structural_features, with_own_degree
from ncnc_core.kernels import neighbor_sampler as kernels
from ncnc_core.kernels.neighbor_sampler import Ints
from ncnc_core.link_network import LinkNetwork
from ncnc_core.overlap_drawing import GraphView, KeyedLists, draw_overlap
from ncnc_core.overlap_plan import OverlapPlan
from ncnc_core.sampled_adjacency import SampledAdjacency
from ncnc_core.sampled_overlap import ListTable, SampledOverlap

NO_ENTRIES = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class SampledBatch:
    """A batch in positions of its own: `nodes` [batch nodes] are their positions in the whole graph.

    The first `overlap.num_nodes` of them are those whose embeddings are scored or pooled; `message` is what these are
    computed from, `pairs` [2, pairs] what is scored.
    """

    nodes: Tensor
    message: SampledAdjacency
    overlap: SampledOverlap
    pairs: Tensor

    def encode(self, network: LinkNetwork, features: Tensor | None) -> Float[Tensor, "nodes channels"]:
        """Return the embeddings of the nodes that are scored or pooled; `features` are those of the whole graph."""
        rows = None if features is None else feature_rows(features, self.nodes).to(self.pairs.device)
        ids = None if network.num_ids == 0 else self.nodes.to(self.pairs.device)
        if rows is not None and rows.dim() == 1:
            ids = None  # features that are ids themselves
        return network.encode(rows, self.message, ids=ids)[: self.overlap.num_nodes]


class BatchSampler:
    """Draws batches from one graph, each in work and memory that depend on its pairs, not on the graph.

    `fan_out` has one number an encoder layer, the layer nearest to the pair first (as in PyTorch Geometric): at most so
    many neighbours a node are read there. `overlap_limit` bounds the entries walked of a row to find common or
    one-sided neighbours. With a generator every batch is another draw; without, entries are evenly spaced and the
    choice depends on the node alone, so that a score does not depend on its batch. Not to be shared by threads.

    Structural features are computed once, on the whole graph; removing target links corrects a node's own degree in
    them, not the mean and the largest degree of its neighbours.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        fan_out: Sequence[int],
        overlap_limit: int | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        if any(limit < 1 for limit in fan_out) or (overlap_limit is not None and overlap_limit < 1):
            raise InvalidGraph(
                f"Samples hold at least one neighbour, got neighbor_fan_out {list(fan_out)} and overlap_limit "
                f"{overlap_limit}. Give numbers of 1 and more."
            )
        self.adjacency, self.fan_out, self.overlap_limit = adjacency, tuple(fan_out), overlap_limit
        self.generator, self.device = generator, adjacency.column.device
        pointer, column = adjacency.row_pointer.cpu().numpy(), adjacency.column.cpu().numpy()
        self._view = GraphView(pointer, column, NO_ENTRIES)
        self._place = np.full(adjacency.num_nodes, -1, dtype=np.int32)
        self._weight = None if adjacency.weight is None else adjacency.weight.cpu()
        self._row_weight = None if self._weight is None else _row_sums(self._weight, adjacency.row_pointer.cpu())
        self._whole: dict[str, Tensor] = {}  # what is computed once for the whole graph, when first needed

    def with_generator(self, generator: torch.Generator | None) -> BatchSampler:
        """Return a sampler of the same graph that draws from another generator, or, with None, evenly spaced."""
        other = copy(self)
        other.generator = generator
        return other

    def draw(
        self, network: LinkNetwork, pairs: Int64[Tensor, "2 pairs"], removed: Int64[Tensor, "2 edges"] | None = None
    ) -> SampledBatch:
        """Return a batch for these pairs, on the graph without the `removed` edges, for a network in its present mode.

        Raises:
            InvalidGraph: fan_out has not one number an encoder layer, the predictor has no sampled mode, a node
                embedding is to be trained, or a position is none of the graph's.
        """
        layers = len(network.encoder.convolutions)
        if len(self.fan_out) != layers:
            raise InvalidGraph(
                f"neighbor_fan_out {list(self.fan_out)} has {len(self.fan_out)} numbers for {layers} encoder layers. "
                "Give one number a layer."
            )
        if network.training and network.num_ids:
            raise InvalidGraph(
                f"node_embedding {network.config.node_embedding} updates the vectors of all {network.num_ids} nodes in "
                "every step, which grows with the graph. Set node_embedding: off, or neighbor_fan_out: null."
            )
        self.require_known(pairs, "pairs")
        seed = 0 if self.generator is None else int(torch.randint(1, 2**62, (1,), generator=self.generator))
        view = self._view if removed is None else self._without(removed)
        try:
            return self._drawn(network, view, pairs.cpu().numpy(), seed)
        except BaseException:  # an interruption too: the next batch must find no node numbered
            self._place.fill(-1)
            raise

    def _drawn(self, network: LinkNetwork, view: GraphView, pairs: Ints, seed: int) -> SampledBatch:
        drawn = draw_overlap(view, pairs, OverlapPlan.of(network), self.overlap_limit, seed)
        parts = [pairs.ravel(), *(lists.node for lists in drawn if lists is not None)]
        scored = kernels.note_new_nodes(self._place, np.concatenate(parts))
        kernels.give_places(self._place, scored, 0)
        nodes, message = self._message(network, view, scored, seed)
        degree = message.full_degree[: scored.size]
        overlap = SampledOverlap.of_tables(degree, *(self._local(lists, scored.size) for lists in drawn))
        local = torch.from_numpy(kernels.places_of(self._place, pairs.ravel())).view(2, -1)
        kernels.wipe_places(self._place, nodes)
        return SampledBatch(
            torch.from_numpy(nodes), message.to(self.device), overlap.to(self.device), local.to(self.device)
        )

    def require_known(self, pairs: Int64[Tensor, "2 pairs"], what: str) -> None:
        """Refuse positions that are none of the graph's: the kernels would read past its end."""
        n = self.adjacency.num_nodes
        if pairs.numel() and (int(pairs.min()) < 0 or int(pairs.max()) >= n):
            wrong = int(pairs.min()) if int(pairs.min()) < 0 else int(pairs.max())
            raise InvalidGraph(
                f"{what} name position {wrong}, but the graph has positions 0 to {n - 1}. Give pairs of known nodes."
            )

    def _without(self, removed: Tensor) -> GraphView:
        self.require_known(removed, "removed edges")
        node, other = torch.cat([removed, removed.flip(0)], 1).cpu().numpy()
        entries = np.unique(kernels.entries_of(self._view.row_pointer, self._view.column, node, other))
        return self._view._replace(removed=entries[entries >= 0])

    def _message(self, network: LinkNetwork, view: GraphView, scored: Ints, seed: int) -> tuple[Ints, SampledAdjacency]:
        """Return all nodes of the batch, and the graphs of the layers, the one furthest from the pairs first."""
        nodes, drawn = scored, []
        for limit in self.fan_out:
            pointer, entry, degree = kernels.thin_rows(*view, nodes, limit, np.uint64(seed))
            neighbor = view.column[entry]
            found = kernels.note_new_nodes(self._place, neighbor)
            kernels.give_places(self._place, found, nodes.size)
            nodes = np.concatenate([nodes, found])
            drawn.append((pointer, entry, kernels.places_of(self._place, neighbor), degree, nodes.size))
        full_degree = torch.from_numpy(kernels.left_degrees(view.row_pointer, view.removed, nodes))
        full_weight = self._full_weight(view, nodes)
        graphs: list[SampledAdjacency] = []
        for pointer, entry, column, degree, count in drawn:
            kept = np.maximum(np.diff(pointer), 1)
            graphs.append(
                SampledAdjacency(
                    torch.from_numpy(pointer),
                    torch.from_numpy(column),
                    count,
                    symmetric=False,
                    weight=None if self._weight is None else self._weight[torch.from_numpy(entry)],
                    row_scale=torch.from_numpy((degree / kept).astype(np.float32)),
                    full_degree=full_degree[:count],
                    full_weight=None if full_weight is None else full_weight[:count],
                )
            )
        return nodes, _nested(graphs, full_degree, self._structure_of(network, nodes, full_degree))

    def _full_weight(self, view: GraphView, nodes: Ints) -> Tensor | None:
        if self._weight is None or self._row_weight is None:
            return None
        total = self._row_weight[torch.from_numpy(nodes)]
        if view.removed.size:
            row = np.searchsorted(view.row_pointer, view.removed, side="right") - 1
            place = torch.from_numpy(kernels.places_of(self._place, row))
            inside = place >= 0
            total.index_add_(0, place[inside], -self._weight[torch.from_numpy(view.removed)][inside])
        return total

    def _structure_of(self, network: LinkNetwork, nodes: Ints, full_degree: Tensor) -> Tensor | None:
        if not network.uses_structure:
            return None
        if "structure" not in self._whole:
            self._whole["structure"] = structural_features(self.adjacency).cpu()
        return with_own_degree(self._whole["structure"][torch.from_numpy(nodes)], full_degree)

    def _local(self, lists: KeyedLists | None, count: int) -> ListTable | None:
        """Renumber the lists; places ascend with positions, so keys stay sorted."""
        if lists is None:
            return None
        n, place = self.adjacency.num_nodes, self._place
        keys = kernels.places_of(place, lists.keys // n) * count + kernels.places_of(place, lists.keys % n)
        node = kernels.places_of(place, lists.node)
        return ListTable(*(torch.from_numpy(array) for array in (keys, lists.row_pointer, node, lists.weight)))


def _nested(graphs: list[SampledAdjacency], full_degree: Tensor, structure: Tensor | None) -> SampledAdjacency:
    """Return the graph of the first layer, the widest, with those of the others in it."""
    if not graphs:  # no layers: nodes alone
        nothing = torch.zeros(0, dtype=torch.int64)
        return SampledAdjacency(
            torch.zeros(1, dtype=torch.int64),
            nothing,
            full_degree.numel(),
            symmetric=False,
            row_scale=torch.zeros(0),
            full_degree=full_degree,
            structure=structure,
        )
    outer = graphs[-1]
    return SampledAdjacency(
        outer.row_pointer,
        outer.column,
        outer.num_nodes,
        symmetric=False,
        weight=outer.weight,
        row_scale=outer.row_scale,
        full_degree=outer.full_degree,
        full_weight=outer.full_weight,
        structure=structure,
        inner=tuple(reversed(graphs[:-1])),
    )


def _row_sums(weight: Tensor, row_pointer: Tensor) -> Tensor:
    return torch.segment_reduce(weight, "sum", offsets=row_pointer, initial=0)
