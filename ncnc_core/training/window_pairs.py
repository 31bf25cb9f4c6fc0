"""Groups of one positive and its negatives, with all that a network reads of them: worked out once a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.event_history import EventHistory
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.networks.pair_head import pair_product
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.temporal.pair_features import TimedPairs
from ncnc_core.temporal.timed_graph import TimedGraph
from ncnc_core.training.data import TrainingData
from ncnc_core.training.windows import DrawnWindow
from ncnc_core.training.work import Work


@dataclass(frozen=True, eq=False)
class WindowPairs:
    """Groups of `each` pairs, the positive first; on the CPU.

    rows [nodes, width]: what the encoder reads, of the nodes that occur alone. pairs [2, groups * each] and `common`
    name these rows. values [pairs, features]: the pair features, not scaled. decay [common, scales].
    """

    rows: Tensor
    pairs: Tensor
    values: Tensor
    common: NodeLists
    decay: Tensor
    each: int

    @classmethod
    def read(cls, network: TemporalNetwork, graph: TimedGraph, rows: Tensor, pairs: Tensor, each: int) -> WindowPairs:
        """Work out what the network reads of pairs [2, groups * each], with what the encoder reads of all nodes."""
        with torch.no_grad():
            found = network.pair_features(graph, pairs)
        return _compact(rows, pairs, found.values, found.common, found.decay, each)

    @property
    def groups(self) -> int:
        """The number of positives."""
        return self.pairs.shape[1] // self.each

    @staticmethod
    def joined(parts: Sequence[WindowPairs]) -> WindowPairs:
        """Return several as one, the groups of the first first."""
        sizes = torch.tensor([0, *(part.rows.shape[0] for part in parts)]).cumsum(0).tolist()
        moved = list(zip(parts, sizes[:-1], strict=True))
        lengths = torch.cat([part.common.row_pointer.diff() for part in parts])
        pointer = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        return WindowPairs(
            rows=torch.cat([part.rows for part in parts]),
            pairs=torch.cat([part.pairs + shift for part, shift in moved], 1),
            values=torch.cat([part.values for part in parts]),
            common=NodeLists(pointer, torch.cat([part.common.node + shift for part, shift in moved])),
            decay=torch.cat([part.decay for part in parts]),
            each=parts[0].each,
        )

    def chosen(self, groups: Int64[Tensor, " chosen"]) -> WindowPairs:
        """Return some groups, and only the rows that they name."""
        of = (groups.unsqueeze(1) * self.each + torch.arange(self.each)).flatten()
        start, lengths = self.common.row_pointer[of], self.common.row_pointer.diff()[of]
        pointer = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        entries = torch.arange(int(pointer[-1])) + (start - pointer[:-1]).repeat_interleave(lengths)
        common = NodeLists(pointer, self.common.node[entries])
        return _compact(self.rows, self.pairs[:, of], self.values[of], common, self.decay[entries], self.each)

    def logits(self, network: TemporalNetwork) -> Tensor:
        """Return the logits, [groups, each], on the network's device."""
        device = network.window.device
        pairs, lists = self.pairs.to(device), (self.common.row_pointer.to(device), self.common.node.to(device))
        h = network.node_mlp(self.rows.to(device))
        pooled = network.pooled(network.head.node_values(h), NodeLists(*lists), self.decay.to(device))
        inputs = network.pair_scale(self.values.to(device))
        return network.product_logits(pair_product(h, pairs), pooled, inputs).view(-1, self.each)


@dataclass(frozen=True, eq=False)
class ReadWindow:
    """A window's pairs, with what is read of them on the graph as of its start, and of that graph what else is needed.

    What the encoder reads has to wait for the scales, which are fitted on the graphs of all windows. A graph with its
    times holds 56 bytes an entry, and without them 8.
    """

    drawn: DrawnWindow
    found: TimedPairs
    graph: TimedGraph

    @classmethod
    def of(cls, network: TemporalNetwork, history: EventHistory, drawn: DrawnWindow) -> ReadWindow:
        """Read the pair features, and let go of the times."""
        graph = network.timed(history.graph_at(drawn.window.start))
        with torch.no_grad():
            return cls(drawn, network.pair_features(graph, drawn.pairs), graph.without_times())

    def pairs(self, network: TemporalNetwork, features: Tensor | None) -> WindowPairs:
        """Return the pairs with what the encoder reads, by the network's scales."""
        with torch.no_grad():
            rows = network.propagated(self.graph, features)
        found = self.found
        return _compact(rows, self.drawn.pairs, found.values, found.common, found.decay, self.drawn.each)


def read_windows(
    network: TemporalNetwork,
    history: EventHistory,
    drawn: Sequence[DrawnWindow],
    data: TrainingData,
    work: Work,
    *,
    fits: bool,
) -> WindowPairs:
    """Return what the network reads of the windows' pairs; with `fits`, the network's scales are fitted on it.

    `work` tells of each part that is to be read: the graph of a window, and later its rows.
    """
    parts = 2 * len(drawn)
    read = [ReadWindow.of(network, history, one) for one in work.reading(drawn, 0, parts)]
    if fits:
        network.fit_node_scales([one.graph for one in read], data.features, data.adjacency().degree > 0)
    read.reverse()  # each is let go when it is joined to the others
    pairs = WindowPairs.joined(
        [read.pop().pairs(network, data.features) for _ in work.reading(drawn, len(drawn), parts)]
    )
    if fits:
        network.pair_scale.fit(pairs.values)
    return pairs


def _compact(rows: Tensor, pairs: Tensor, values: Tensor, common: NodeLists, decay: Tensor, each: int) -> WindowPairs:
    """Return the pairs with only the rows that they and their common neighbours name."""
    named = torch.cat([pairs.flatten(), common.node])
    is_named = torch.zeros(rows.shape[0], dtype=torch.bool)
    is_named[named] = True
    nodes, place = is_named.nonzero().flatten(), torch.empty(rows.shape[0], dtype=torch.int64)
    place[nodes] = torch.arange(nodes.numel())
    return WindowPairs(rows[nodes], place[pairs], values, common.renumbered(place), decay, each)
