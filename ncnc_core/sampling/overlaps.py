"""Which overlaps a predictor needs for a batch, and drawing them from the graph in work that does not grow with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ncnc_core.errors import InvalidGraph
from ncnc_core.kernels.entries import find_entries
from ncnc_core.kernels.neighbor_sampler import NO_LIMIT, Flags, Floats, Ints
from ncnc_core.kernels.overlap_sampler import common_lists, exclusive_lists
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.ncnc import NCNC

OVERLAP_SEED = 0x9E3779B97F4A7C15  # rows walked for an overlap and rows propagated on are drawn apart


class GraphView(NamedTuple):
    """A graph as the kernels read it: compressed rows, the sorted places of hidden entries, and whose they are."""

    row_pointer: Ints
    column: Ints
    removed: Ints
    touched: Flags

    @property
    def num_nodes(self) -> int:
        """The number of nodes of the whole graph."""
        return self.row_pointer.size - 1


class KeyedLists(NamedTuple):
    """Lists of nodes by sorted key, all in positions of the whole graph; see `ListTable`."""

    keys: Ints
    row_pointer: Ints
    node: Ints
    weight: Floats


class DrawnOverlap(NamedTuple):
    """The common lists by unordered pair, which of these pairs are edges, and the one-sided lists by ordered pair."""

    common: KeyedLists | None
    joined: Flags | None
    exclusive: KeyedLists | None


def draw_overlap(view: GraphView, pairs: Ints, plan: OverlapPlan, limit: int | None, seed: int) -> DrawnOverlap:
    """Return all lists that the plan's predictor will ask for, given the pairs [2, pairs].

    At most `limit` entries of a row are walked: common neighbours cost O(limit) a pair, completion 2 * keep pairs more
    for each. Seed 0 takes evenly spaced entries; the choice then depends on the pair alone, not on the batch.
    """
    if not plan.common:
        return DrawnOverlap(None, None, None)
    n, walked = view.num_nodes, NO_LIMIT if limit is None else np.int64(limit)
    options = (np.uint64(seed ^ OVERLAP_SEED if seed else 0), plan.edge_dropout, plan.symmetric_edge_dropout)
    keep = NO_LIMIT if plan.keep is None else np.int64(plan.keep)
    frontier = _distinct(pairs[0], pairs[1], n)
    known, one_sided = frontier, []
    for _ in range(plan.one_sided_depth):
        low, high = frontier // n, frontier % n
        node, other = np.concatenate([low, high]), np.concatenate([high, low])
        lists = KeyedLists(
            node * n + other, *exclusive_lists(*view, node, other, plan.skip_other, walked, keep, *options)
        )
        one_sided.append(lists)
        if not plan.completes:
            break
        owner = np.repeat(np.arange(node.size), np.diff(lists.row_pointer))
        frontier = np.setdiff1d(_distinct(other[owner], lists.node, n), known, assume_unique=True)
        known = np.concatenate([known, frontier])
    known = np.sort(known)
    common = KeyedLists(known, *common_lists(*view, known // n, known % n, walked, *options))
    return DrawnOverlap(common, _joined(view, known), _sorted(one_sided) if one_sided else None)


def _joined(view: GraphView, keys: Ints) -> Flags:
    """Return which pairs are edges that are not hidden."""
    entry = find_entries(view.row_pointer, view.column, keys // view.num_nodes, keys % view.num_nodes)
    joined: Flags = (entry >= 0) & ~np.isin(entry, view.removed)
    return joined


def _distinct(first: Ints, second: Ints, num_nodes: int) -> Ints:
    keys = np.sort(np.minimum(first, second) * num_nodes + np.maximum(first, second))
    return keys[np.diff(keys, prepend=-1) > 0]  # np.unique hashes: of 1e6 keys it takes 45 times as long


def _sorted(parts: list[KeyedLists]) -> KeyedLists:
    """Return the lists of all depths as one, by key."""
    keys = np.concatenate([part.keys for part in parts])
    lengths = np.concatenate([np.diff(part.row_pointer) for part in parts])
    start = np.cumsum(lengths) - lengths
    node = np.concatenate([part.node for part in parts])
    order = np.argsort(keys, kind="stable")
    pointer = np.concatenate([[0], np.cumsum(lengths[order])])
    owner = np.repeat(order, lengths[order])  # [entries]
    entry = np.arange(node.size) + (start[owner] - np.repeat(pointer[:-1], lengths[order]))
    return KeyedLists(keys[order], pointer, node[entry], np.concatenate([part.weight for part in parts])[order])


@dataclass(frozen=True)
class OverlapPlan:
    """`common` lists of every pair; one-sided lists of pairs above `one_sided_depth`, at most `keep` nodes each.

    With `completes`, the one-sided nodes make inner pairs, `one_sided_depth` times over, whose common lists are needed
    too.
    """

    common: bool
    one_sided_depth: int
    completes: bool
    keep: int | None
    skip_other: bool
    edge_dropout: float
    symmetric_edge_dropout: bool

    @classmethod
    def of(cls, network: LinkNetwork) -> OverlapPlan:
        """Read the plan off a network, in its present mode.

        Raises:
            InvalidGraph: the predictor is ncn2, whose two-step rows no sample of neighbours gives.
        """
        config, predictor = network.config, network.predictor
        if config.predictor == "ncn2":
            raise InvalidGraph(
                "predictor ncn2 has no sampled mode: its rows of two-step neighbours are not bounded by a fan-out. "
                "Set predictor: ncnc or ncn, or neighbor_fan_out: null."
            )
        depth = predictor.depth if isinstance(predictor, NCNC) else int(config.predictor == "ncn_diff")
        return cls(
            common=config.predictor != "gae" or config.pair_structure,
            one_sided_depth=depth,
            completes=isinstance(predictor, NCNC),
            keep=predictor.max_neighbors if isinstance(predictor, NCNC) else None,
            skip_other=not config.score_known_edges_as_published,
            edge_dropout=config.predictor_edge_dropout if network.training else 0.0,
            symmetric_edge_dropout=config.symmetric_edge_dropout,
        )
