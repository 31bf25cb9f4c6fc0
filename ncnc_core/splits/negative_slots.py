"""The slots of negatives that keep one end of a positive, and how the other end is found, in bounded memory."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import contains_keys, pair_keys

ROUNDS = 32  # per endpoint kept, at the least; the degree range widens by a factor of two each WIDEN_EVERY rounds
WIDEN_EVERY = 4
MAXIMUM_TRIES = 256  # candidates a slot and round, once few slots are left
TRIES_AT_ONCE = 2**20
SLOTS_AT_ONCE = 2**20  # drawn for at a time: about 150 MiB of temporaries, and keys that are sorted in the cache


class NodeGroups(NamedTuple):
    """The nodes to draw, in order of their group; group g holds ordered[start[g]:start[g + 1]]."""

    ordered: Tensor
    start: Tensor
    group: Tensor  # of each node, also of those that are not drawn


def node_groups(degree: Tensor | None, num_nodes: int, device: torch.device, among: Tensor | None) -> NodeGroups:
    """Group the nodes by the number of binary digits of their degree (0, 1, 2-3, 4-7, ...), or all in one."""
    # frexp's exponent of an integer is its number of binary digits, exact in float64.
    group = torch.zeros(num_nodes, dtype=torch.int64, device=device)
    if degree is not None:
        group = torch.frexp(degree.double()).exponent.long()
    ordered, sizes = group.argsort(stable=True), torch.bincount(group, minlength=1)
    if among is not None:
        ordered = ordered[among[ordered]]
        sizes = torch.bincount(group[ordered], minlength=len(sizes))
    return NodeGroups(ordered, torch.cat([sizes.new_zeros(1), sizes.cumsum(0)]), group)


class NegativeSlots(NamedTuple):
    """The negatives to find: whether each keeps the source of its positive, and the other end, -1 until it is found.

    Their ends are worked out for a part at a time: those of 50 negatives an edge would be most of a split's memory.
    """

    positives: Tensor  # [2, positives]
    per_positive: int
    keep_source: Tensor  # [slots]
    found: Tensor  # [slots]

    def ends(self, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Return the end that each of some slots keeps, and the one that it replaces."""
        ends, keeps = self.positives[:, slots // self.per_positive], self.keep_source[slots]
        return torch.where(keeps, ends[0], ends[1]), torch.where(keeps, ends[1], ends[0])

    def pairs(self) -> Tensor:
        """Return the negatives, [2, slots]."""
        pairs = self.found.new_empty(2, self.found.numel())
        for start in range(0, self.found.numel(), SLOTS_AT_ONCE):
            part = slice(start, start + SLOTS_AT_ONCE)
            keeps, found = self.keep_source[part], self.found[part]
            kept, _ = self.ends(torch.arange(start, start + found.numel(), device=found.device))
            pairs[0, part], pairs[1, part] = torch.where(keeps, kept, found), torch.where(keeps, found, kept)
        return pairs


def fill(
    slots: NegativeSlots, groups: NodeGroups, forbidden: Tensor, num_nodes: int, generator: torch.Generator
) -> None:
    """Write a replacement into every slot that is still -1 and has one; by draws, then from a list.

    A round draws for one part of the slots after the other, from one generator: the numbers are those of one draw.
    """
    last = groups.start.numel() - 2
    for attempt in range(max(ROUNDS, WIDEN_EVERY * (last + 1))):  # the last rounds draw from all groups
        wanted = (slots.found < 0).nonzero().flatten()
        if not wanted.numel() or not groups.ordered.numel():
            return
        tries = max(1, min(MAXIMUM_TRIES, TRIES_AT_ONCE // wanted.numel())) if attempt else 1
        for part in wanted.split(SLOTS_AT_ONCE):
            _draw(slots, part, tries, attempt // WIDEN_EVERY, groups, forbidden, num_nodes, generator)
    _fill_from_lists(slots, groups, forbidden, num_nodes, generator)


def _draw(
    slots: NegativeSlots,
    part: Tensor,
    tries: int,
    spread: int,
    groups: NodeGroups,
    forbidden: Tensor,
    num_nodes: int,
    generator: torch.Generator,
) -> None:
    """Draw so many candidates for each slot of a part, from the groups so near, and keep the first that is allowed."""
    kept, replaced = slots.ends(part)
    group, last = groups.group[replaced], groups.start.numel() - 2
    low = groups.start[(group - spread).clamp(min=0)]
    high = groups.start[(group + spread).clamp(max=last) + 1]
    draw = torch.rand(part.numel(), tries, generator=generator, dtype=torch.float64, device=generator.device)
    place = low[:, None] + (draw.to(low.device) * (high - low)[:, None]).long()
    candidate = groups.ordered[place.clamp(max=groups.ordered.numel() - 1)]  # [slots, tries]
    pairs = torch.stack([kept[:, None].expand_as(candidate), candidate]).flatten(1)
    good = ~is_refused(pairs, forbidden, num_nodes).view_as(candidate)
    good &= (candidate != replaced[:, None]) & (high > low)[:, None]  # among few nodes a group may be empty
    first = good.int().argmax(1, keepdim=True)
    slots.found[part] = torch.where(good.gather(1, first), candidate.gather(1, first), -1).flatten()


def _fill_from_lists(
    slots: NegativeSlots, groups: NodeGroups, forbidden: Tensor, num_nodes: int, generator: torch.Generator
) -> None:
    """Fill the slots that no draw filled from all that their kept end may be joined to, the nearest groups first.

    Draws miss only where an end is joined to nearly all nodes, and there are few such ends: O(nodes) for each.
    """
    missing = (slots.found < 0).nonzero().flatten()
    kept, replaced = slots.ends(missing)
    for end in kept.unique():
        own = kept == end
        pairs = torch.stack([end.expand_as(groups.ordered), groups.ordered])
        free = groups.ordered[~is_refused(pairs, forbidden, num_nodes)]
        free = free[~torch.isin(free, replaced[own])]  # the other ends of positives
        for group in groups.group[replaced[own]].unique() if free.numel() else ():
            distance = (groups.group[free] - group).abs()
            nearest = free[distance == distance.min()]
            alike = missing[own & (groups.group[replaced] == group)]
            drawn = torch.randint(len(nearest), (len(alike),), generator=generator, device=generator.device)
            slots.found[alike] = nearest[drawn.to(nearest.device)]


def is_refused(pairs: Tensor, forbidden: Tensor, num_nodes: int) -> Tensor:
    """Say which pairs [2, pairs] are forbidden, or join a node with itself; `forbidden` are sorted `pair_keys`."""
    return contains_keys(forbidden, pair_keys(pairs, num_nodes)) | (pairs[0] == pairs[1])
