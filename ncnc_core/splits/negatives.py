"""Negatives: pairs that are no edges, for training and for ranking test edges."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.config.choices import DrawnNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import contains_keys, pair_keys
from ncnc_core.splits.negative_slots import NegativeSlots, fill, is_refused, node_groups

PAIRS_AT_ONCE = 2**22  # looked up among the forbidden: about 150 MiB of temporaries


def uniform_pairs(
    count: int, forbidden: Int64[Tensor, " keys"], num_nodes: int, generator: torch.Generator
) -> Int64[Tensor, "2 count"]:
    """Draw unordered pairs of different nodes uniformly, with replacement, none of them forbidden.

    `forbidden` are sorted `pair_keys`. Rejection: each round redraws what was refused. Where more than half of all
    pairs are forbidden the rest is listed instead, which takes less memory than `forbidden` already does. Memory: the
    result, and temporaries of PAIRS_AT_ONCE pairs.

    Raises:
        InvalidGraph: every pair is forbidden.
    """
    possible = num_nodes * (num_nodes - 1) // 2
    if count == 0:
        return forbidden.new_empty(2, 0)
    if forbidden.numel() >= possible / 2:
        return _drawn_from_the_rest(count, forbidden, num_nodes, generator)
    pairs = _random_pairs(count, num_nodes, generator, forbidden.device)
    refused = torch.cat(
        [
            is_refused(pairs[:, start : start + PAIRS_AT_ONCE], forbidden, num_nodes).nonzero().flatten() + start
            for start in range(0, count, PAIRS_AT_ONCE)
        ]
    )
    while refused.numel():  # more than half of all pairs are allowed, so this halves at the least, in expectation
        redrawn = _random_pairs(refused.numel(), num_nodes, generator, forbidden.device)
        pairs[:, refused] = redrawn
        refused = refused[is_refused(redrawn, forbidden, num_nodes)]
    return pairs


def corrupted_negatives(
    positives: Int64[Tensor, "2 positives"],
    per_positive: int,
    forbidden: Int64[Tensor, " keys"],
    generator: torch.Generator,
    *,
    num_nodes: int,
    kind: DrawnNegative = "uniform",
    degree: Int64[Tensor, " nodes"] | None = None,
    among: Bool[Tensor, " nodes"] | None = None,
) -> Int64[Tensor, "2 negatives"]:
    """Replace one end of each positive, `per_positive` times; the negatives of positive b are consecutive.

    Half of the slots keep each end, see `source_kept`. The other end becomes a uniform node, or with `degree_matched` a
    node whose degree has as many binary digits as that of the node it replaces, so that degree alone tells a negative
    from a positive no longer. `among` marks the nodes that it may become (None: any).
    Never a forbidden pair, never a pair of a node with itself; repeats may occur.
    A slot that finds none (a hub among its likes, all of them its neighbours) takes nodes of ever more different
    degree, then keeps the other end instead.

    Raises:
        InvalidGraph: some positive has no negative at either end (`has_negative`), or `degree_matched` came without
            degrees.
    """
    if kind == "degree_matched" and degree is None:
        raise InvalidGraph("Degree-matched negatives need the degrees, but degree is None. Pass adjacency.degree.")
    groups = node_groups(degree if kind == "degree_matched" else None, num_nodes, forbidden.device, among)
    keep_source = source_kept(positives.shape[1], per_positive, generator).to(forbidden.device).flatten()
    slots = NegativeSlots(
        positives, per_positive, keep_source, torch.full(keep_source.shape, -1, device=forbidden.device)
    )
    for _ in range(2):
        fill(slots, groups, forbidden, num_nodes, generator)
        missing = slots.found < 0
        if not missing.any():
            return slots.pairs()
        keep_source ^= missing
    wrong = positives[:, missing.view(-1, per_positive).any(1)].unique(dim=1)
    others = "every other node" if among is None else f"every other of the {int(among.sum())} nodes to draw among"
    raise InvalidGraph(
        f"{wrong.shape[1]} of {positives.shape[1]} edges have no negative (first: between the nodes at positions "
        f"{int(wrong[0, 0])} and {int(wrong[1, 0])}): both ends are joined to {others}. Leave these edges out."
    )


def source_kept(count: int, per_positive: int, generator: torch.Generator) -> Bool[Tensor, "count per_positive"]:
    """Say which slots of each positive keep its source: every other one, and the last of an odd number by a draw.

    An edge has no direction, and is stored with its lower position first. Were the odd slot always the source's,
    figures would depend on how the nodes are numbered.
    """
    kept = torch.arange(per_positive, device=generator.device).remainder(2).eq(0).repeat(count, 1)
    if per_positive % 2:
        kept[:, -1] = torch.rand(count, generator=generator, device=generator.device) < 0.5
    return kept


def has_negative(
    positives: Int64[Tensor, "2 positives"],
    forbidden: Int64[Tensor, " keys"],
    num_nodes: int,
    among: Bool[Tensor, " nodes"] | None = None,
) -> Bool[Tensor, " positives"]:
    """Say which positives have a negative: some node is no forbidden partner of an end, and no positive's other end.

    `among` marks the nodes that count (None: any). O(keys log keys), and a count a node.
    """
    own = pair_keys(positives, num_nodes).unique()
    others = own[~contains_keys(forbidden, own)]
    partners = _partners(others, num_nodes, among)
    for keys in forbidden.unique_consecutive().split(PAIRS_AT_ONCE):  # a pair that is named twice counts once
        partners += _partners(keys, num_nodes, among)
    if among is None:
        return (partners[positives] < num_nodes - 1).any(0)
    return (partners[positives] < among.sum() - among[positives].long()).any(0)


def _partners(keys: Tensor, num_nodes: int, among: Tensor | None) -> Tensor:
    """Return of each node how many of some pairs have it at one end, and at the other a node that counts."""
    low = keys.div(max(num_nodes, 1), rounding_mode="floor")
    ends = torch.stack([low, keys - low * num_nodes])
    counted = ends.flatten() if among is None else ends[among[ends.flip(0)]]
    return torch.bincount(counted, minlength=num_nodes)


def _random_pairs(count: int, num_nodes: int, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.randint(num_nodes, (2, count), generator=generator, device=generator.device).to(device)


def _drawn_from_the_rest(count: int, forbidden: Tensor, num_nodes: int, generator: torch.Generator) -> Tensor:
    upper = torch.triu_indices(num_nodes, num_nodes, offset=1, device=forbidden.device)
    rest = upper[:, ~contains_keys(forbidden, pair_keys(upper, num_nodes))]
    if rest.shape[1] == 0:
        raise InvalidGraph(
            f"A graph of {num_nodes} nodes has {upper.shape[1]} pairs and all of them are forbidden, so there is no "
            f"negative to draw. Use a graph with pairs that are no edges, or forbid fewer."
        )
    drawn = torch.randint(rest.shape[1], (count,), generator=generator, device=generator.device)
    return rest[:, drawn.to(rest.device)]
