"""Negatives: pairs that are no edges, for training and for ranking test edges."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.config.choices import DrawnNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import contains_keys, pair_keys

ROUNDS = 32  # per endpoint kept, at the least; the degree range widens by a factor of two each WIDEN_EVERY rounds
WIDEN_EVERY = 4
MAXIMUM_TRIES = 256  # candidates a slot and round, once few slots are left
TRIES_AT_ONCE = 2**20
PAIRS_AT_ONCE = 2**22  # looked up among the forbidden: about 150 MiB of temporaries
SORTED_FROM = 2**16  # so many lookups are sorted first: random ones miss the cache at every halving, seven times slower


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
            _is_refused(pairs[:, start : start + PAIRS_AT_ONCE], forbidden, num_nodes).nonzero().flatten() + start
            for start in range(0, count, PAIRS_AT_ONCE)
        ]
    )
    while refused.numel():  # more than half of all pairs are allowed, so this halves at the least, in expectation
        redrawn = _random_pairs(refused.numel(), num_nodes, generator, forbidden.device)
        pairs[:, refused] = redrawn
        refused = refused[_is_refused(redrawn, forbidden, num_nodes)]
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
    groups = _node_groups(degree if kind == "degree_matched" else None, num_nodes, forbidden.device, among)
    keep_source = source_kept(positives.shape[1], per_positive, generator).to(forbidden.device).flatten()
    ends = positives.repeat_interleave(per_positive, dim=1)
    kept, replaced = torch.where(keep_source, ends, ends.flip(0))
    found = torch.full_like(kept, -1)
    for _ in range(2):
        _fill(found, kept, replaced, groups, forbidden, num_nodes, generator)
        missing = found < 0
        if not missing.any():
            return torch.where(keep_source, torch.stack([kept, found]), torch.stack([found, kept]))
        kept, replaced = torch.where(missing, replaced, kept), torch.where(missing, kept, replaced)
        keep_source = keep_source ^ missing
    wrong = ends[:, missing].unique(dim=1)
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
    keys = torch.cat([forbidden, pair_keys(positives, num_nodes)]).unique()
    low = keys.div(max(num_nodes, 1), rounding_mode="floor")
    ends = torch.stack([low, keys - low * num_nodes])
    if among is None:
        partners = torch.bincount(ends.flatten(), minlength=num_nodes)
        return (partners[positives] < num_nodes - 1).any(0)
    partners = torch.bincount(ends[among[ends.flip(0)]], minlength=num_nodes)  # of each node, those that count
    return (partners[positives] < among.sum() - among[positives].long()).any(0)


class _NodeGroups(NamedTuple):
    """The nodes to draw, in order of their group; group g holds ordered[start[g]:start[g + 1]]."""

    ordered: Tensor
    start: Tensor
    group: Tensor  # of each node, also of those that are not drawn


def _node_groups(degree: Tensor | None, num_nodes: int, device: torch.device, among: Tensor | None) -> _NodeGroups:
    """Group the nodes by the number of binary digits of their degree (0, 1, 2-3, 4-7, ...), or all in one."""
    # frexp's exponent of an integer is its number of binary digits, exact in float64.
    group = torch.zeros(num_nodes, dtype=torch.int64, device=device)
    if degree is not None:
        group = torch.frexp(degree.double()).exponent.long()
    ordered, sizes = group.argsort(stable=True), torch.bincount(group, minlength=1)
    if among is not None:
        ordered = ordered[among[ordered]]
        sizes = torch.bincount(group[ordered], minlength=len(sizes))
    return _NodeGroups(ordered, torch.cat([sizes.new_zeros(1), sizes.cumsum(0)]), group)


def _fill(
    found: Tensor,
    kept: Tensor,
    replaced: Tensor,
    groups: _NodeGroups,
    forbidden: Tensor,
    num_nodes: int,
    generator: torch.Generator,
) -> None:
    """Write a replacement into every slot of `found` that is still -1 and has one; by draws, then from a list."""
    last = groups.start.numel() - 2
    for attempt in range(max(ROUNDS, WIDEN_EVERY * (last + 1))):  # the last rounds draw from all groups
        slots = (found < 0).nonzero().flatten()
        if not slots.numel() or not groups.ordered.numel():
            return
        spread = attempt // WIDEN_EVERY
        group = groups.group[replaced[slots]]
        low = groups.start[(group - spread).clamp(min=0)]
        high = groups.start[(group + spread).clamp(max=last) + 1]
        tries = max(1, min(MAXIMUM_TRIES, TRIES_AT_ONCE // slots.numel())) if attempt else 1
        draw = torch.rand(slots.numel(), tries, generator=generator, dtype=torch.float64, device=generator.device)
        place = low[:, None] + (draw.to(low.device) * (high - low)[:, None]).long()
        candidate = groups.ordered[place.clamp(max=groups.ordered.numel() - 1)]  # [slots, tries]
        pairs = torch.stack([kept[slots][:, None].expand_as(candidate), candidate]).flatten(1)
        good = ~_is_refused(pairs, forbidden, num_nodes).view_as(candidate)
        good &= (candidate != replaced[slots][:, None]) & (high > low)[:, None]  # among few nodes a group may be empty
        first = good.int().argmax(1, keepdim=True)
        found[slots] = torch.where(good.gather(1, first), candidate.gather(1, first), -1).flatten()
    _fill_from_lists(found, kept, replaced, groups, forbidden, num_nodes, generator)


def _fill_from_lists(
    found: Tensor,
    kept: Tensor,
    replaced: Tensor,
    groups: _NodeGroups,
    forbidden: Tensor,
    num_nodes: int,
    generator: torch.Generator,
) -> None:
    """Fill the slots that no draw filled from all that their kept end may be joined to, the nearest groups first.

    Draws miss only where an end is joined to nearly all nodes, and there are few such ends: O(nodes) for each.
    """
    missing = (found < 0).nonzero().flatten()
    for end in kept[missing].unique():
        slots = missing[kept[missing] == end]
        pairs = torch.stack([end.expand_as(groups.ordered), groups.ordered])
        free = groups.ordered[~_is_refused(pairs, forbidden, num_nodes)]
        free = free[~torch.isin(free, replaced[slots])]  # the other ends of positives
        for group in groups.group[replaced[slots]].unique() if free.numel() else ():
            distance = (groups.group[free] - group).abs()
            nearest = free[distance == distance.min()]
            own = slots[groups.group[replaced[slots]] == group]
            drawn = torch.randint(len(nearest), (len(own),), generator=generator, device=generator.device)
            found[own] = nearest[drawn.to(nearest.device)]


def _is_refused(pairs: Tensor, forbidden: Tensor, num_nodes: int) -> Tensor:
    keys = pair_keys(pairs, num_nodes)
    if keys.numel() < SORTED_FROM:
        is_forbidden = contains_keys(forbidden, keys)
    else:
        ascending, order = keys.sort()
        is_forbidden = torch.empty_like(keys, dtype=torch.bool)
        is_forbidden[order] = contains_keys(forbidden, ascending)
    return is_forbidden | (pairs[0] == pairs[1])


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
