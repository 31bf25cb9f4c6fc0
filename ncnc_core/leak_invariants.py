"""The proof that a split does not leak: what must hold, counted on the edges themselves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.adjacency import contains_keys, pair_keys
from ncnc_core.edge_split import SplitEdges


@dataclass(frozen=True)
class Invariant:
    """One thing that must hold: over how many items it was checked, and how many break it."""

    name: str
    checked: int
    violations: int

    @property
    def passed(self) -> bool:
        """Whether nothing breaks it."""
        return self.violations == 0


def leak_invariants(
    split: SplitEdges,
    edges: Int64[Tensor, "2 edges"],
    first_seen: Int64[Tensor, " edges"],
    removed_at: Int64[Tensor, " edges"],
    *,
    as_of: int,
    num_nodes: int,
    evaluation_negatives: Int64[Tensor, "2 negatives"],
    alive_since: Int64[Tensor, " edges"] | None = None,
) -> tuple[Invariant, ...]:
    """Check a split and its evaluation negatives (of validation and test alike), whoever made them.

    Pairs are compared undirected and by their ends, so that an edge given twice, or in both directions, is found too.
    The invariants on times are only there for a temporal split.
    """
    keys = pair_keys(edges, num_nodes)
    sides = torch.cat([keys[mask].unique() for mask in (split.train, split.valid, split.test)])
    shared = int((sides.unique(return_counts=True)[1] > 1).sum())
    held_out = split.valid | split.test
    negative_keys = pair_keys(evaluation_negatives, num_nodes)
    checks = (
        Invariant("train_valid_test_disjoint", sides.numel(), shared),
        _absent("test_pairs_not_in_test_messages", keys, split.test, split.message_test),
        _absent("test_pairs_not_in_training_messages", keys, split.test, split.message_train),
        _absent("valid_pairs_not_in_training_messages", keys, split.valid, split.message_train),
        _absent("held_out_pairs_free_as_training_negatives", keys, held_out, split.known_train),
        _never("test_pairs_alive", (first_seen[split.test] > as_of) | (removed_at[split.test] <= as_of)),
        _never("evaluation_negatives_never_an_edge", contains_keys(keys.sort().values, negative_keys)),
        _never("evaluation_negatives_join_two_nodes", evaluation_negatives[0] == evaluation_negatives[1]),
    )
    since = first_seen if alive_since is None else alive_since
    return checks + _time_invariants(split, first_seen, since, removed_at)


def _time_invariants(
    split: SplitEdges, first_seen: Tensor, alive_since: Tensor, removed_at: Tensor
) -> tuple[Invariant, ...]:
    if split.cut_valid is None:
        return ()
    train_until = split.cut_valid if split.cut_train is None else split.cut_train
    valid_after = torch.iinfo(torch.int64).min if split.cut_train is None else split.cut_train
    training = split.train | split.message_train
    outside = (first_seen <= valid_after) | (first_seen > split.cut_valid)
    not_there = (alive_since > split.cut_valid) | (removed_at <= split.cut_valid)
    return (
        _never("training_edges_not_after_train_cut", alive_since[training] > train_until),
        _never("valid_pairs_between_the_cuts", outside[split.valid]),
        _never("test_messages_alive_at_valid_cut", not_there[split.message_test]),
        _never("test_pairs_first_seen_after_valid_cut", first_seen[split.test] <= split.cut_valid),
    )


def _absent(name: str, keys: Tensor, wanted: Tensor, among: Tensor) -> Invariant:
    return _never(name, contains_keys(keys[among].sort().values, keys[wanted]))


def _never(name: str, broken: Bool[Tensor, " items"]) -> Invariant:
    return Invariant(name, broken.numel(), int(broken.sum()))
