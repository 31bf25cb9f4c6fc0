"""Completion on dense graphs: the belief in each distinct missing link once, then weights in one pooled sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core import dense_overlap_reference as plain
from ncnc_core.adjacency import Adjacency
from ncnc_core.cost_chunks import cost_chunks
from ncnc_core.dense_overlap import bit_rows, is_dense, pool_common
from ncnc_core.fixed_head import FixedHead
from ncnc_core.kernels import bit_rows as kernels
from ncnc_core.pair_head import PairHead

LINKS_AT_ONCE = 8192  # 7 MB an activation of 224 channels
MOST_NODES = 2**13  # 256 MiB of beliefs


def fits_belief_matrix(adjacency: Adjacency) -> bool:
    """Return whether the graph is dense, and small enough for one number a pair of nodes."""
    return is_dense(adjacency) and adjacency.num_nodes <= MOST_NODES


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
