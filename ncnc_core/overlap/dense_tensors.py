"""The dense overlap as masks times matrices: it runs on an accelerator, and the kernels are tested against it."""

from __future__ import annotations

import torch
from torch import Tensor

PAIRS_AT_ONCE = 512  # [pairs, nodes] masks of so many pairs at a time: 9 MB a mask for 4,267 nodes


def unpack_rows(bits: Tensor, nodes: Tensor) -> Tensor:
    """Return the rows of these nodes as bool, [rows, words * 64]."""
    places = torch.arange(64, device=bits.device)
    return ((bits[nodes].unsqueeze(-1) >> places) & 1).bool().flatten(1)


def pool(values: Tensor, bits: Tensor, pairs: Tensor, belief: Tensor | None, skip_other: bool) -> Tensor:
    """Return weights @ values, [pairs, channels]."""
    parts = [
        _weights(bits, part, belief, skip_other, values) @ values for part in pairs.split(PAIRS_AT_ONCE, 1)
    ]  # fmt: skip
    return torch.cat([values.new_zeros(0, values.shape[1]), *parts])


def spread(gradient: Tensor, bits: Tensor, pairs: Tensor, belief: Tensor | None, skip_other: bool) -> Tensor:
    """Return weights^T @ gradient, [nodes, channels]."""
    total = gradient.new_zeros(bits.shape[0], gradient.shape[1])
    for part, given in zip(pairs.split(PAIRS_AT_ONCE, 1), gradient.split(PAIRS_AT_ONCE), strict=False):
        total += _weights(bits, part, belief, skip_other, gradient).T @ given
    return total


def missing_links(bits: Tensor, pairs: Tensor, skip_other: bool) -> Tensor:
    """Return the distinct missing links (low, high) that completing the pairs asks for, sorted."""
    wanted = torch.zeros(bits.shape[0], bits.shape[0], dtype=torch.bool, device=bits.device)
    for part in pairs.split(PAIRS_AT_ONCE, 1):
        for node, other in ((part[0], part[1]), (part[1], part[0])):
            wanted[other[(found := _one_sided(bits, node, other, skip_other).nonzero())[:, 0]], found[:, 1]] = True
    return (wanted | wanted.T).triu().nonzero().T


def _weights(bits: Tensor, pairs: Tensor, belief: Tensor | None, skip_other: bool, like: Tensor) -> Tensor:
    n = bits.shape[0]
    common = (unpack_rows(bits, pairs[0]) & unpack_rows(bits, pairs[1]))[:, :n]
    if belief is None:
        return common.to(like.dtype)
    weights = common.to(belief.dtype)
    for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0])):
        weights += _one_sided(bits, node, other, skip_other) * belief[other]
    return weights.to(like.dtype)


def _one_sided(bits: Tensor, node: Tensor, other: Tensor, skip_other: bool) -> Tensor:
    found = (unpack_rows(bits, node) & ~unpack_rows(bits, other))[:, : bits.shape[0]]
    if skip_other:
        found[torch.arange(other.numel(), device=other.device), other] = False
    return found
