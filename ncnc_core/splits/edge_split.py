"""Which edges train, validate and test, and which of them the encoder may see while they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import contains_keys, pair_keys
from ncnc_core.splits.temporal_cuts import TemporalCuts, choose_cuts, time_text

EDGES_AT_ONCE = 2**20  # hashed at a time: about 50 MiB of temporaries
SplitMethod = Literal["temporal", "hashed", "random", "fixed"]


@dataclass(frozen=True, eq=False)
class SplitEdges:
    """A split as masks over the given edges, each [edges]; times are unix seconds, None where no time cuts.

    train, valid, test: the positives. message_train: the edges the encoder sees in training and validation.
    message_test: those it sees in testing, the same for every model tested. known_train: the edges, also removed ones,
    that training negatives may avoid; avoiding more would tell the model where valid and test edges lie.
    """

    method: SplitMethod
    reason: str
    cut_train: int | None
    cut_valid: int | None
    train: Tensor
    valid: Tensor
    test: Tensor
    message_train: Tensor
    message_test: Tensor
    known_train: Tensor


def split_edges(
    edges: Int64[Tensor, "2 edges"],
    first_seen: Int64[Tensor, " edges"],
    removed_at: Int64[Tensor, " edges"],
    *,
    as_of: int,
    snapshot_times: Sequence[int] = (),
    method: Literal["auto", "temporal", "hashed", "random"] = "auto",
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    minimum_test_edges: int = 200,
    maximum_held_out: int | None = None,
    seed: int = 0,
    alive_since: Int64[Tensor, " edges"] | None = None,
) -> SplitEdges:
    """Split every edge ever held, each given once, as of a time; `snapshot_times` are those of earlier snapshots.

    temporal: test = living edges first seen in (c2, as_of], valid = edges alive at c2 and first seen in (c1, c2],
    train = edges alive at c1, also those removed since: they were true then. The message graphs are the edges alive
    at c1 and at c2. A returning edge keeps its first_seen and is never a fresh positive; an edge that came and went
    after c2 is no positive at all. `alive_since` is when an edge last came back (None: none was ever away); what was
    away at a cut is not in its message graph, though it was there before and is there again. Where all edges up to c2
    have (nearly) one date, the valid edges are a hashed share of them, and training, messages included, is the rest.
    hashed: each living edge has its side for ever (`hashed_share`); both message graphs are the train side, so that
    neither validation nor testing finds its own targets there, and both are equally dense.
    random: shuffled by the seed, for benchmarks; message graphs as for hashed.
    auto: temporal where `choose_cuts` finds a test window, else hashed; `reason` says which and why.
    Of more than `maximum_held_out` valid edges those with the least shares validate, and so it is with test edges. The
    others do not train, also where the graph shrinks later; training negatives avoid those that training may know.

    Raises:
        InvalidGraph: an edge is first seen after as_of, temporal was asked for and is impossible, or a side is empty.
    """
    _require_past(first_seen, as_of)
    shares = _shuffled_share(edges, seed) if method == "random" else hashed_share(edges, seed)
    test = shares < test_fraction
    valid = ~test & (shares < test_fraction + valid_fraction)
    most = _Most(maximum_held_out, shares)
    if method == "random" or method == "hashed":
        return _by_share(method, f"split.method is {method}", removed_at > as_of, valid, test, most)
    cuts = choose_cuts(
        first_seen,
        removed_at,
        as_of=as_of,
        snapshot_times=snapshot_times,
        valid_fraction=valid_fraction,
        test_fraction=test_fraction,
        minimum_test_edges=minimum_test_edges,
    )
    if isinstance(cuts, TemporalCuts):
        since = first_seen if alive_since is None else alive_since
        return _by_time(first_seen, since, removed_at, as_of, cuts, held_out=valid, most=most)
    if method == "temporal":
        raise InvalidGraph(f"split.method is temporal, but {cuts.reason}. Set split.method to auto or hashed.")
    reason = f"{cuts.reason}, so each edge has its side by a hash of its two ends"
    return _by_share("hashed", reason, removed_at > as_of, valid, test, most)


def fixed_split(
    edges: Int64[Tensor, "2 edges"],
    train: Int64[Tensor, "2 train"],
    valid: Int64[Tensor, "2 valid"],
    test: Int64[Tensor, "2 test"],
    *,
    num_nodes: int,
    reason: str,
) -> SplitEdges:
    """Split every edge ever held as three lists of edges say; message graphs as for hashed.

    An edge on no list takes no part but one: training negatives avoid it.
    """
    keys = pair_keys(edges, num_nodes)
    in_train, in_valid, in_test = (
        contains_keys(pair_keys(side, num_nodes).sort().values, keys) for side in (train, valid, test)
    )
    rest = ~in_valid & ~in_test
    return _require_sides(
        SplitEdges("fixed", reason, None, None, in_train, in_valid, in_test, in_train, in_train, known_train=rest)
    )


def hashed_share(edges: Int64[Tensor, "2 edges"], seed: int) -> Float[Tensor, " edges"]:
    """Return a number in [0, 1) for each unordered pair that depends on its two positions and the seed alone.

    Rounds of splitmix64 (Steele, Lea, Flood, 2014) over the seed and both positions, so that an edge keeps its side
    whatever nodes and edges come or go. `pair_keys` would not do: they change with the number of nodes.
    """
    shares = torch.empty(edges.shape[1], dtype=torch.float64, device=edges.device)
    mixed_seed = _splitmix64(torch.tensor(seed, device=edges.device))
    for part, of_part in zip(edges.split(EDGES_AT_ONCE, dim=1), shares.split(EDGES_AT_ONCE), strict=True):
        low, high = torch.minimum(part[0], part[1]), torch.maximum(part[0], part[1])
        mixed = _splitmix64(_splitmix64(low + mixed_seed) + high)
        of_part[:] = ((mixed >> 11) & (2**53 - 1)).double() / 2**53
    return shares


def _splitmix64(value: Tensor) -> Tensor:
    """Mix int64 as splitmix64 mixes uint64: products wrap alike, and a masked shift is a logical one."""
    value = value + _signed(0x9E3779B97F4A7C15)
    value = (value ^ ((value >> 30) & (2**34 - 1))) * _signed(0xBF58476D1CE4E5B9)
    value = (value ^ ((value >> 27) & (2**37 - 1))) * _signed(0x94D049BB133111EB)
    return value ^ ((value >> 31) & (2**33 - 1))


def _signed(constant: int) -> int:
    return constant - 2**64 if constant >= 2**63 else constant


def _shuffled_share(edges: Tensor, seed: int) -> Tensor:
    order = torch.randperm(edges.shape[1], generator=torch.Generator().manual_seed(seed))
    return (order.double() / max(len(order), 1)).to(edges.device)


@dataclass(frozen=True, eq=False)
class _Most:
    """How many edges a side may hold (None: any number), and each edge's share: the edges of the least ones stay."""

    count: int | None
    shares: Tensor

    def of(self, side: Tensor) -> Tensor:
        """Return the mask of the edges that stay on a side."""
        if self.count is None or int(side.sum()) <= self.count:
            return side
        chosen = torch.zeros_like(side)
        places = side.nonzero().flatten()
        chosen[places[self.shares[places].argsort(stable=True)[: self.count]]] = True
        return chosen

    def told(self, reason: str, **sides: Tensor) -> str:
        """Return the reason of a split, and of how many edges a side's were drawn where there were too many."""
        for name, side in sides.items():
            if self.count is not None and (all_of_them := int(side.sum())) > self.count:
                reason += f"; of {all_of_them} {name} edges {self.count} were drawn (split.maximum_held_out_edges)"
        return reason


def _by_share(method: SplitMethod, reason: str, living: Tensor, valid: Tensor, test: Tensor, most: _Most) -> SplitEdges:
    rest = ~valid & ~test
    train, valid, test = living & rest, living & valid, living & test
    reason = most.told(reason, validation=valid, test=test)
    sides = (train, most.of(valid), most.of(test))
    known = rest | (valid & ~sides[1]) | (test & ~sides[2])
    return _require_sides(SplitEdges(method, reason, None, None, *sides, train, train, known_train=known))


def _by_time(
    first_seen: Tensor,
    alive_since: Tensor,
    removed_at: Tensor,
    as_of: int,
    cuts: TemporalCuts,
    *,
    held_out: Tensor,
    most: _Most,
) -> SplitEdges:
    def alive(time: int) -> Tensor:
        return (alive_since <= time) & (removed_at > time)

    message_test = alive(cuts.cut_valid)
    test = alive(as_of) & (first_seen > cuts.cut_valid)
    if cuts.cut_train is None:
        train, valid = message_test & ~held_out, message_test & held_out
    else:
        train, valid = alive(cuts.cut_train), message_test & (first_seen > cuts.cut_train)
    reason = most.told(cuts.reason, validation=valid, test=test)
    sides = (train, most.of(valid), most.of(test))
    if cuts.cut_train is None:
        known = (first_seen <= cuts.cut_valid) & ~held_out | (valid & ~sides[1])
    else:
        known = first_seen <= cuts.cut_train
    cut_times = (cuts.cut_train, cuts.cut_valid)
    return _require_sides(SplitEdges("temporal", reason, *cut_times, *sides, train, message_test, known))


def _require_past(first_seen: Tensor, as_of: int) -> None:
    late = first_seen > as_of
    if late.any():
        raise InvalidGraph(
            f"{int(late.sum())} edges are first seen after as_of {time_text(as_of)} (the latest at "
            f"{time_text(int(first_seen.max()))}). Leave them out of the snapshot, or take it at a later as_of."
        )


def _require_sides(split: SplitEdges) -> SplitEdges:
    sizes = [int(side.sum()) for side in (split.train, split.valid, split.test)]
    if 0 in sizes:
        raise InvalidGraph(
            f"The {split.method} split leaves {sizes[0]} train, {sizes[1]} valid and {sizes[2]} test edges, and none "
            f"may be empty. Deliver a larger graph, or raise split.valid_fraction and split.test_fraction."
        )
    return split
