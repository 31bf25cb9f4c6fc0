"""Overlap on dense graphs: rows as bits, pooled without lists of nodes, differentiable in the pooled values."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.kernels import bit_rows as kernels
from ncnc_core.kernels.thread_slices import in_slices
from ncnc_core.overlap import dense_tensors as plain

MOST_NODES = 2**14  # 32 MiB of bits; the matrix of beliefs that completion fills is 1 GiB there
LEAST_DEGREE = 32  # below it lists are short enough that nothing is to be won
NODES_A_NEIGHBOR = 256  # an `and` of 64 nodes costs about what half a step of a merge does, on both rows


def is_dense(graph: OverlapGraph) -> TypeGuard[Adjacency]:
    """Return whether rows as bits are the cheaper form: few nodes, and rows that fill a good part of them.

    Never where the overlaps were drawn ahead: then there are no rows.
    """
    n = graph.num_nodes
    return 0 < n <= MOST_NODES and graph.num_entries >= n * max(LEAST_DEGREE, n / NODES_A_NEIGHBOR)


def bit_rows(adjacency: Adjacency) -> Int64[Tensor, "nodes words"]:
    """Return the rows as bits, bit v % 64 of word v // 64 for neighbour v; made once a graph and kept with it.

    Memory: nodes^2 / 8 bytes, 2.3 MB for 4,267 nodes. Made from the lists in 3 ms there, so a graph with the targets
    removed or with edges dropped needs nothing of its own.
    """
    if "bit_rows" not in adjacency.__dict__:  # kept where a cached property would keep it
        rows = torch.zeros(adjacency.num_nodes, -(-adjacency.num_nodes // 64), dtype=torch.int64)
        kernels.pack_rows(adjacency.row_pointer.cpu().numpy(), adjacency.column.cpu().numpy(), _words(rows))
        adjacency.__dict__["bit_rows"] = rows.to(adjacency.column.device)
    bits: Tensor = adjacency.__dict__["bit_rows"]
    return bits


def pool_common(
    adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"], values: Float[Tensor, "nodes channels"]
) -> Float[Tensor, "pairs channels"]:
    """Return the sum of values over N(i) ∩ N(j) for each pair, summed in float32 at least.

    Equal to the sum over lists up to the order of summation: within 1e-5 of the sum of the magnitudes. Time
    O(pairs * nodes / 64 + common * channels); beside the result it needs no memory, in the backward pass neither.
    """
    return _pooled(values, bit_rows(adjacency), pairs, None, True)


def pool_completed(
    adjacency: Adjacency,
    pairs: Int64[Tensor, "2 pairs"],
    values: Float[Tensor, "nodes channels"],
    belief: Float[Tensor, "nodes nodes"],
    *,
    skip_other: bool,
) -> Float[Tensor, "pairs channels"]:
    """Return the sum of values over N(i) ∩ N(j), plus those over the one-sided neighbours weighted by belief.

    u in N(i) minus N(j) has the weight belief[j, u], u in N(j) minus N(i) the weight belief[i, u]. `skip_other` leaves
    the other node of the pair out, where the two are joined. No gradient reaches the belief.
    """
    return _pooled(values, bit_rows(adjacency), pairs, belief, skip_other)


def _pooled(values: Tensor, bits: Tensor, pairs: Tensor, belief: Tensor | None, skip_other: bool) -> Tensor:
    if values.dtype not in (torch.float32, torch.float64):
        values = values.to(torch.float32)
    result: Tensor = _Pooling.apply(values, bits, pairs, belief, skip_other)  # type: ignore[no-untyped-call]
    return result


class _Pooling(torch.autograd.Function):
    """The weights of the pooled nodes are found anew in the backward pass: keeping them would be [pairs, nodes]."""

    @staticmethod
    def forward(
        ctx: Any,  # torch passes its own context object
        values: Tensor,
        bits: Tensor,
        pairs: Tensor,
        belief: Tensor | None,
        skip_other: bool,
    ) -> Tensor:
        ctx.save_for_backward(bits, pairs, belief)
        ctx.num_nodes, ctx.skip_other = values.shape[0], skip_other
        pool = _pool if values.device.type == "cpu" else plain.pool
        return pool(values, bits, pairs, belief, skip_other)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        bits, pairs, belief = ctx.saved_tensors
        spread = _spread if gradients[0].device.type == "cpu" else plain.spread
        return spread(gradients[0].contiguous(), bits, pairs, belief, ctx.skip_other), None, None, None, None


def _pool(values: Tensor, bits: Tensor, pairs: Tensor, belief: Tensor | None, skip_other: bool) -> Tensor:
    out = values.new_empty(pairs.shape[1], values.shape[1])
    words, nodes, source, filled = _words(bits), _array(pairs), _array(values), _array(out)
    if belief is None:
        in_slices(lambda a, b: kernels.pool_common(words, nodes, source, filled, a, b), len(out), least=256)
    else:
        beliefs = _array(belief)
        in_slices(
            lambda a, b: kernels.pool_completed(words, nodes, beliefs, skip_other, source, filled, a, b),
            len(out),
            least=256,
        )
    return out


def _spread(gradient: Tensor, bits: Tensor, pairs: Tensor, belief: Tensor | None, skip_other: bool) -> Tensor:
    out = gradient.new_zeros(bits.shape[0], gradient.shape[1])
    words, nodes, source, filled = _words(bits), _array(pairs), _array(gradient), _array(out)
    if belief is None:  # threads share the channels here: pairs that share a node would write the same row
        in_slices(lambda a, b: kernels.spread_common(words, nodes, source, filled, a, b), out.shape[1], least=32)
    else:
        beliefs = _array(belief)
        in_slices(
            lambda a, b: kernels.spread_completed(words, nodes, beliefs, skip_other, source, filled, a, b),
            out.shape[1],
            least=32,
        )
    return out


def _array(tensor: Tensor) -> Any:
    """The tensor's own memory in rows; one layout, so that each kernel is compiled once."""
    return tensor.detach().contiguous().numpy()


def _words(bits: Tensor) -> Any:
    return bits.numpy().view(np.uint64)
