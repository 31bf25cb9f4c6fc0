"""Completion on dense graphs: a matrix with the belief in each missing link, and a faster head that fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeGuard

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.kernels import bit_rows as kernels
from ncnc_core.networks.pair_head import PairHead
from ncnc_core.overlap import dense_tensors as plain
from ncnc_core.overlap.dense import bit_rows, is_dense, pool_common

LINKS_AT_ONCE = 8192  # 7 MB an activation of 224 channels
MOST_NODES = 2**13  # 256 MiB of beliefs


def fits_belief_matrix(graph: OverlapGraph) -> TypeGuard[Adjacency]:
    """Return whether the graph is dense, and small enough for one number a pair of nodes."""
    return is_dense(graph) and graph.num_nodes <= MOST_NODES


def belief_matrix(
    head: PairHead,
    levels: list[Tensor],
    adjacency: Adjacency,
    pairs: Int64[Tensor, "2 pairs"],
    weight: Callable[[Tensor], Tensor],
    *,
    skip_other: bool,
    precision: torch.dtype = torch.float32,
) -> Float[Tensor, "nodes nodes"]:
    """Return the belief in every missing link that completing the pairs asks for; the other cells are zero.

    belief[v, u] = belief[u, v] = weight(logit of NCN for (u, v)), with [h, g] = `levels` for endpoints and pooled
    neighbours. Each distinct unordered link is scored once, however many pairs ask for it. Memory: 4 bytes a cell.
    Cost: at most nodes^2 / 2 links, whatever the number of pairs; the head is most of it.
    """
    n = adjacency.num_nodes
    belief = torch.zeros(n, n, device=pairs.device)
    with torch.no_grad():
        fixed = FixedHead(head, precision=precision)
        h, values = levels[0].to(precision), fixed.node_values(levels[1])
        for links in missing_links(adjacency, pairs, skip_other=skip_other):
            found = weight(fixed(h, links, pool_common(adjacency, links, values)))
            belief[links[0], links[1]] = found
            belief[links[1], links[0]] = found
    return belief


def missing_links(
    adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"], *, skip_other: bool, at_once: int = LINKS_AT_ONCE
) -> Iterator[Int64[Tensor, "2 links"]]:
    """Yield the distinct links (low, high) that completing the pairs asks for, sorted, `at_once` at a time.

    For (i, j) these are (j, u) for u in N(i) minus N(j) and (i, u) for u in N(j) minus N(i); where i and j are joined
    and `skip_other` is not set, (j, j) and (i, i) are among them. One `or` of bit rows a pair instead of a sort.
    """
    bits = bit_rows(adjacency)
    if bits.device.type != "cpu":
        yield from plain.missing_links(bits, pairs, skip_other).split(at_once, 1)
        return
    wanted = np.zeros(tuple(bits.shape), np.uint64)
    kernels.mark_missing(bits.numpy().view(np.uint64), pairs.contiguous().numpy(), skip_other, wanted)
    number = torch.from_numpy(np.bitwise_count(wanted).sum(1, dtype=np.int64))
    rest = torch.empty(2, 0, dtype=torch.int64)
    for rows in cost_chunks(number, at_once):
        links = torch.empty(2, int(number[rows].sum()), dtype=torch.int64)
        kernels.list_bits(wanted, rows.start, rows.stop, links.numpy())
        # Parts of one size, not of whole rows: the bfloat16 product keeps buffers for each shape it has met.
        *full, rest = torch.cat([rest, links], 1).split(at_once, 1)
        yield from full
    if rest.shape[1]:
        yield rest


class FixedHead:
    """What a `PairHead` in evaluation mode computes, with five products of [channels, channels] a pair, not seven.

    The first linear map of the neighbourhood's block acts on the nodes before they are pooled (the sum of images is
    the image of the sum), and the last ones of both blocks, with beta, are multiplied into the first of the readout.
    Logits agree with the head's up to rounding: 1e-5 in float32, relative to their size; in bfloat16 about 1e-2.
    """

    def __init__(self, head: PairHead, *, precision: torch.dtype = torch.float32) -> None:
        self.precision = precision
        neighbor, pair, readout = list(head.neighbor_mlp), list(head.pair_mlp), list(head.readout)
        with torch.no_grad():
            # The map of the nodes stays float32: it is one product a node, not one a pair.
            self.node_map, self.node_bias = _parameters(neighbor[0])
            self.neighbor_map, self.neighbor_norm = self._linear(neighbor[3]), self._norm(neighbor[4])
            self.pair_map, self.pair_norm = self._linear(pair[0]), self._norm(pair[1])
            weight, bias = _parameters(readout[0])
            from_neighbor, neighbor_bias = _then(weight, neighbor[7] if len(neighbor) > 7 else None)
            from_pair, pair_bias = _then(weight, pair[4] if len(pair) > 4 else None)
            beta = head.beta.detach()
            self.join = (beta * from_neighbor).to(precision), from_pair.to(precision)
            self.join_bias = (bias + beta * neighbor_bias + pair_bias).to(precision)
            self.readout_norm = self._norm(readout[1])
            # Linear, norm, dropout, ReLU: the next linear map is four further on.
            self.later = [(self._linear(readout[k]), self._norm(readout[k + 1])) for k in range(4, len(readout) - 1, 4)]
            self.last = self._linear(readout[-1])

    def node_values(self, g: Tensor) -> Tensor:
        """Return what is pooled in the place of g, [nodes, channels]."""
        return linear(g.to(self.node_map.dtype), self.node_map)

    def __call__(self, h: Tensor, pairs: Tensor, pooled: Tensor) -> Tensor:
        """Return the logits, [pairs] float32; `pooled` is the sum of `node_values`, and is overwritten."""
        from_neighbors = pooled.add_(self.node_bias).relu_().to(self.precision)
        from_neighbors = _normed(linear(from_neighbors, *self.neighbor_map), self.neighbor_norm)
        h = h.to(self.precision)
        of_pair = h.index_select(0, pairs[0]).mul_(h.index_select(0, pairs[1]))
        of_pair = _normed(linear(of_pair, *self.pair_map), self.pair_norm)
        z = torch.addmm(linear(of_pair, self.join[1], self.join_bias), from_neighbors, self.join[0].T)
        z = _normed(z, self.readout_norm)
        for map_, norm in self.later:
            z = _normed(linear(z, *map_), norm)
        return linear(z, *self.last).squeeze(-1).to(torch.float32)

    def _linear(self, layer: nn.Module) -> tuple[Tensor, Tensor]:
        weight, bias = _parameters(layer)
        return weight.to(self.precision), bias.to(self.precision)

    def _norm(self, layer: nn.Module) -> tuple[Tensor, Tensor, float] | None:
        return (*self._linear(layer), layer.eps) if isinstance(layer, nn.LayerNorm) else None


def _parameters(layer: nn.Module) -> tuple[Tensor, Tensor]:
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    return weight.detach(), bias.detach()


def _then(weight: Tensor, before: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Return the weight and the bias of weight * (before x), where there is a map before."""
    if before is None:
        return weight, weight.new_zeros(weight.shape[0])
    earlier, bias = _parameters(before)
    return weight @ earlier, weight @ bias


def _normed(x: Tensor, norm: tuple[Tensor, Tensor, float] | None) -> Tensor:
    if norm is not None:
        x = layer_norm(x, x.shape[-1:], norm[0], norm[1], norm[2])
    return x.relu_()
