"""From a whole graph to the few nodes and edges that a batch of pairs needs."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.positions import require_positions
from ncnc_core.graph.sampled_adjacency import SampledAdjacency
from ncnc_core.kernels import neighbor_sampler as kernels
from ncnc_core.kernels.entries import find_entries
from ncnc_core.kernels.neighbor_sampler import Ints
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.structural_features import features_of_degrees
from ncnc_core.overlap.sampled import ListTable, SampledOverlap
from ncnc_core.sampling.batch import SampledBatch
from ncnc_core.sampling.gathered_rows import GatheredRows, can_gather
from ncnc_core.sampling.overlaps import GraphView, KeyedLists, OverlapPlan, draw_overlap

NO_ENTRIES = np.zeros(0, dtype=np.int64)


class _Hop(NamedTuple):
    """The thinned rows of one layer: places and columns of the entries, the rows' full lengths, the nodes so far."""

    pointer: Ints
    entry: Ints
    column: Ints
    degree: Ints
    num_nodes: int


class BatchSampler:
    """Draws batches from one graph, each in work and memory that depend on its pairs, not on the graph.

    `fan_out` has one number an encoder layer, the layer nearest to the pair first (as in PyTorch Geometric): at most so
    many neighbours a node are read there. `overlap_limit` bounds the entries walked of a row to find common or
    one-sided neighbours. With a generator every batch is another draw; without, entries are evenly spaced and the
    choice depends on the node alone, so that a score does not depend on its batch. Not to be shared by threads.

    Structural features see nothing of removed target links. Both a node's own degree and those of its neighbours are
    without them; mean and largest are those of a draw of at most max(fan_out) neighbours (without layers
    overlap_limit), the same limit in training and in scoring, and exact where a draw holds them all.
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
        self._view = GraphView(pointer, column, NO_ENTRIES, np.zeros(adjacency.num_nodes, dtype=np.bool_))
        self._place = np.full(adjacency.num_nodes, -1, dtype=np.int32)
        self._weight = None if adjacency.weight is None else adjacency.weight.cpu()
        self._row_weight = None if self._weight is None else adjacency.row_sums(torch.float32, weighted=True).cpu()

    def with_generator(self, generator: torch.Generator | None) -> BatchSampler:
        """Return a sampler of the same graph that draws from another generator, or, with None, evenly spaced."""
        other = copy(self)
        other.generator = generator
        return other

    def draw(
        self,
        network: LinkNetwork,
        features: Tensor | None,
        pairs: Int64[Tensor, "2 pairs"],
        removed: Int64[Tensor, "2 edges"] | None = None,
    ) -> SampledBatch:
        """Return a batch for these pairs, on the graph without the `removed` edges, for a network in its present mode.

        It fits this network and the form of these `features`.

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
        pairs, removed = _in_main_memory(pairs, removed)
        require_positions(pairs, self.adjacency.num_nodes)
        if removed is not None:
            require_positions(removed, self.adjacency.num_nodes, "removed edges")
        seed = 0 if self.generator is None else int(torch.randint(1, 2**62, (1,), generator=self.generator))
        try:
            view = self._view if removed is None else self._without(removed)
            return self._drawn(network, view, pairs.numpy(), seed, gathers=can_gather(network, features))
        except BaseException:  # an interruption too: the next batch must find no node numbered
            self._place.fill(-1)
            raise
        finally:
            self._touch(removed, False)

    def around(self, network: LinkNetwork, nodes: Int64[Tensor, " nodes"]) -> tuple[Tensor, SampledAdjacency]:
        """Return what embedding these nodes reads, for a network in evaluation mode: `encode_nodes` takes both.

        That is all the nodes it reads, these first and ascending, and the graphs of the layers.
        """
        scored = kernels.note_new_nodes(self._place, nodes.cpu().numpy())
        kernels.give_places(self._place, scored, 0)
        read, message = self._message(network, self._view, scored, 0, gathers=False)
        kernels.wipe_places(self._place, read)
        return torch.from_numpy(read), message.to(self.device)

    def _drawn(self, network: LinkNetwork, view: GraphView, pairs: Ints, seed: int, *, gathers: bool) -> SampledBatch:
        drawn = draw_overlap(view, pairs, OverlapPlan.of(network), self.overlap_limit, seed)
        parts = [pairs.ravel(), *(lists.node for lists in (drawn.common, drawn.exclusive) if lists is not None)]
        scored = kernels.note_new_nodes(self._place, np.concatenate(parts))
        kernels.give_places(self._place, scored, 0)
        nodes, message = self._message(network, view, scored, seed, gathers=gathers)
        degree = message.full_degree[: scored.size]
        overlap = SampledOverlap(
            degree,
            self._local(drawn.common, scored.size),
            self._local(drawn.exclusive, scored.size),
            None if drawn.joined is None else torch.from_numpy(drawn.joined),
        )
        local = torch.from_numpy(kernels.places_of(self._place, pairs.ravel())).view(2, -1)
        kernels.wipe_places(self._place, nodes)
        return SampledBatch(
            torch.from_numpy(nodes), message.to(self.device), overlap.to(self.device), local.to(self.device)
        )

    def _without(self, removed: Tensor) -> GraphView:
        self._touch(removed, True)
        node, other = torch.cat([removed, removed.flip(0)], 1).numpy()
        entries = np.sort(find_entries(self._view.row_pointer, self._view.column, node, other))
        return self._view._replace(removed=entries[np.diff(entries, prepend=-1) > 0])  # once each; -1 is no entry

    def _touch(self, removed: Tensor | None, value: bool) -> None:
        if removed is not None:
            self._view.touched[removed.numpy().ravel()] = value

    def _message(
        self, network: LinkNetwork, view: GraphView, scored: Ints, seed: int, *, gathers: bool
    ) -> tuple[Ints, SampledAdjacency]:
        """Return all nodes of the batch, and the graphs of the layers, the one furthest from the pairs first."""
        nodes, hops = scored, []
        for hop, limit in enumerate(self.fan_out):
            pointer, entry, degree = kernels.thin_rows(*view, nodes, limit, np.uint64(seed))
            column = view.column[entry]
            if not (gathers and hop == len(self.fan_out) - 1):  # what is gathered needs no place in the batch
                found = kernels.note_new_nodes(self._place, column)
                kernels.give_places(self._place, found, nodes.size)
                nodes = np.concatenate([nodes, found])
                column = kernels.places_of(self._place, column)
            hops.append(_Hop(pointer, entry, column, degree, nodes.size))
        full_degree = torch.from_numpy(kernels.left_degrees(view.row_pointer, view.removed, view.touched, nodes))
        full_weight = self._full_weight(view, nodes)
        structure = self._structure(view, nodes, full_degree, seed) if network.uses_structure else None
        graphs = [self._graph(hop, full_degree, full_weight) for hop in hops]
        if not graphs:
            return nodes, _nodes_alone(full_degree, structure)
        inner = tuple(reversed(graphs[:-1]))
        outer: dict[str, Any] = {**graphs[-1].__dict__, "structure": structure, "inner": inner}
        if not gathers:
            return nodes, SampledAdjacency(**outer)
        column = hops[-1].column
        entry_degree = self._full_weight(view, column) if network.encoder.edge_weights else None
        if entry_degree is None:
            entry_degree = torch.from_numpy(kernels.left_degrees(view.row_pointer, view.removed, view.touched, column))
        return nodes, GatheredRows(**outer, entry_degree=entry_degree)

    def _graph(self, hop: _Hop, full_degree: Tensor, full_weight: Tensor | None) -> SampledAdjacency:
        kept = np.maximum(np.diff(hop.pointer), 1)
        return SampledAdjacency(
            torch.from_numpy(hop.pointer),
            torch.from_numpy(hop.column),
            hop.num_nodes,
            weight=None if self._weight is None else self._weight[torch.from_numpy(hop.entry)],
            row_scale=torch.from_numpy((hop.degree / kept).astype(np.float32)),
            full_degree=full_degree[: hop.num_nodes],
            full_weight=None if full_weight is None else full_weight[: hop.num_nodes],
        )

    def _full_weight(self, view: GraphView, nodes: Ints) -> Tensor | None:
        """Return the sum of the weights of each node's edges, less those removed, [nodes]."""
        if self._weight is None or self._row_weight is None:
            return None
        total = self._row_weight[torch.from_numpy(nodes)]
        if view.removed.size:
            owner = np.searchsorted(view.row_pointer, view.removed, side="right") - 1
            losers, place = np.unique(owner, return_inverse=True)
            lost = torch.zeros(losers.size)
            lost.index_add_(0, torch.from_numpy(place), self._weight[torch.from_numpy(view.removed)])
            at = np.searchsorted(losers, nodes).clip(max=losers.size - 1)
            total = total - lost[torch.from_numpy(at)] * torch.from_numpy(losers[at] == nodes)
        return total

    def _structure(self, view: GraphView, nodes: Ints, full_degree: Tensor, seed: int) -> Tensor:
        # one limit for all hops: at which a node is read depends on the batch, and a score must not
        limit = max(self.fan_out, default=self.overlap_limit or kernels.NO_LIMIT)
        mean, largest = kernels.degrees_around(*view, nodes, np.int64(limit), np.uint64(seed))
        return features_of_degrees(full_degree.to(torch.float32), torch.from_numpy(mean), torch.from_numpy(largest))

    def _local(self, lists: KeyedLists | None, count: int) -> ListTable | None:
        """Renumber the lists; places ascend with positions, so keys stay sorted."""
        if lists is None:
            return None
        n, place = self.adjacency.num_nodes, self._place
        keys = kernels.places_of(place, lists.keys // n) * count + kernels.places_of(place, lists.keys % n)
        node = kernels.places_of(place, lists.node)
        return ListTable(*(torch.from_numpy(array) for array in (keys, lists.row_pointer, node, lists.weight)))


def _in_main_memory(pairs: Tensor, removed: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return both on the CPU, by one transfer."""
    if removed is None or pairs.device.type == "cpu":
        return pairs.cpu(), None if removed is None else removed.cpu()
    both = torch.cat([pairs, removed], 1).cpu()
    return both[:, : pairs.shape[1]].contiguous(), both[:, pairs.shape[1] :].contiguous()


def _nodes_alone(full_degree: Tensor, structure: Tensor | None) -> SampledAdjacency:
    """Return what an encoder without layers reads."""
    return SampledAdjacency(
        torch.zeros(1, dtype=torch.int64),
        torch.zeros(0, dtype=torch.int64),
        full_degree.numel(),
        row_scale=torch.zeros(0),
        full_degree=full_degree,
        structure=structure,
    )
