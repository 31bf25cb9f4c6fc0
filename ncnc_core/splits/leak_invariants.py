"""The rules that a split without leaks keeps, each counted on the pairs that are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool
from torch import Tensor

from ncnc_core.config.choices import RecordedNegative
from ncnc_core.graph.adjacency import contains_keys
from ncnc_core.graph.edge_history import EdgeHistory, PairTimes
from ncnc_core.splits.known_nodes import nodes_known_by

PAIRS_AT_ONCE = 2**20  # looked up at a time: about 100 MiB of temporaries
SIDES = ("train", "valid", "test")
EDGES = (*SIDES, "message_train", "message_test", "known_train")
NEGATIVES = ("valid_negatives", "test_negatives")


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


@runtime_checkable
class SplitPairs(Protocol):
    """A split as it is published: pairs of positions, int64 or int32 [2, pairs]."""

    @property
    def train(self) -> Tensor:
        """The positives of training."""

    @property
    def valid(self) -> Tensor:
        """The positives of validation."""

    @property
    def test(self) -> Tensor:
        """The positives of testing."""

    @property
    def message_train(self) -> Tensor:
        """What the encoder sees in training and validation."""

    @property
    def message_test(self) -> Tensor:
        """What it sees in testing."""

    @property
    def known_train(self) -> Tensor:
        """The edges, also removed ones, that training negatives avoid."""

    @property
    def valid_negatives(self) -> Tensor:
        """The pairs that validation ranks against."""

    @property
    def test_negatives(self) -> Tensor:
        """The pairs that testing ranks against."""

    @property
    def test_first_seen(self) -> Tensor:
        """When each test edge was first seen, unix seconds."""


def leak_invariants(
    pairs: SplitPairs,
    history: EdgeHistory,
    *,
    as_of: int,
    cut_train: int | None = None,
    cut_valid: int | None = None,
    kinds: Sequence[RecordedNegative] = (),
) -> tuple[Invariant, ...]:
    """Check a split, whoever made it, against every edge the snapshot ever held.

    Pairs are compared undirected and looked up by their ends, so that an edge given twice, in both directions, or in
    the positions of another id map is found too. Without `cut_valid` no time divides the edges, and the invariants on
    cuts are left out. `kinds` are those of the negatives, in equal shares of each edge's: historical ones alone may
    have been an edge.
    """
    edges = _looked_up(pairs, history)
    train, valid, test = (edges[name] for name in SIDES)
    message_train, message_test, known = (edges[name] for name in ("message_train", "message_test", "known_train"))
    held_out = torch.cat([valid.keys, test.keys])
    checks = (
        _positions_are_nodes(pairs, history),
        _holds("pairs_are_edges_of_the_snapshot", torch.cat([found.known for found in edges.values()])),
        _each_once("train_valid_test_disjoint", (train, valid, test)),
        absent("test_pairs_not_in_test_messages", test, message_test),
        absent("test_pairs_not_in_training_messages", test, message_train),
        absent("valid_pairs_not_in_training_messages", valid, message_train),
        absent("held_out_pairs_free_as_training_negatives", history.look_up_keys(held_out), known),
        *_avoided_in_training(known, (valid, test), as_of, cut_train, cut_valid),
        _holds("training_pairs_alive_at_their_cut", train.alive_at(_first(cut_train, cut_valid, as_of))),
        _holds("valid_pairs_alive_at_their_cut", valid.alive_at(_first(cut_valid, as_of))),
        _holds("test_pairs_alive", test.alive_at(as_of)),
        _holds("test_dates_are_those_of_the_snapshot", pairs.test_first_seen == test.first_seen),
        *_negatives(pairs, history, kinds, (_first(cut_train, cut_valid, as_of), _first(cut_valid, as_of))),
    )
    if cut_valid is None:
        return checks
    known_nodes = _join_known(pairs.valid_negatives, nodes_known_by(history, cut_valid))
    return (*checks, *_divided_by_time(edges, cut_train, cut_valid), known_nodes)


def absent(name: str, wanted: PairTimes, *among: PairTimes) -> Invariant:
    """Check that none of some pairs stands among others; edges are marked by their place, and only strangers sorted."""
    history = wanted.history
    marked = torch.zeros(history.keys.numel() + 1, dtype=torch.bool)  # the last stands for what is no edge
    for other in among:
        marked[other.place] = True
    marked[-1] = False
    strangers = torch.cat([wanted.keys.new_empty(0), *(other.keys[~other.known] for other in among)]).sort().values
    return _holds(name, ~(marked[wanted.place] | (~wanted.known & contains_keys(strangers, wanted.keys))))


def _looked_up(pairs: SplitPairs, history: EdgeHistory) -> dict[str, PairTimes]:
    edges: dict[str, PairTimes] = {}
    for name in EDGES:
        is_train = "message" in name and torch.equal(getattr(pairs, name), pairs.train)  # as it often is
        edges[name] = edges["train"] if is_train else history.look_up(getattr(pairs, name))
    return edges


def _negatives(
    pairs: SplitPairs, history: EdgeHistory, kinds: Sequence[RecordedNegative], cuts: tuple[int, int]
) -> tuple[Invariant, ...]:
    """Check the negatives of validation and test: what was once an edge is a historical one, and ended by its cut.

    An end with too few such pairs has others in the historical share, which were never an edge.
    """
    counted = []
    for name, positives, cut in zip(NEGATIVES, (pairs.valid, pairs.test), cuts, strict=True):
        negatives, gone = getattr(pairs, name), torch.cat([history.removed_at <= cut, torch.zeros(1, dtype=torch.bool)])
        historical = of_kind("historical", kinds, negatives.shape[1], positives.shape[1])
        for part, once in zip(in_parts(negatives), historical.split(PAIRS_AT_ONCE), strict=True):
            found = history.look_up(part)
            counted.append(
                (
                    _holds("evaluation_negatives_never_an_edge", ~found.known[~once]),
                    _holds("evaluation_negatives_join_two_nodes", part[0] != part[1]),
                    _holds("historical_negatives_ended_by_their_cut", (~found.known | gone[found.place])[once]),
                )
            )
    checks = tuple(_together(parts) for parts in zip(*counted, strict=True))
    return checks if "historical" in kinds else checks[:2]


def _together(parts: Sequence[Invariant]) -> Invariant:
    """Return one invariant of what was counted in parts."""
    return Invariant(parts[0].name, sum(one.checked for one in parts), sum(one.violations for one in parts))


def in_parts(pairs: Tensor) -> Iterator[Tensor]:
    """Yield pairs [2, pairs] in parts that are int64, whatever they are held as; of none, one empty part."""
    return (part.long() for part in pairs.split(PAIRS_AT_ONCE, dim=1))


def of_kind(
    kind: RecordedNegative, kinds: Sequence[RecordedNegative], negatives: int, positives: int
) -> Bool[Tensor, " negatives"]:
    """Say which of some negatives, consecutive for each positive, are of a kind; none where they do not divide."""
    if kind not in kinds or not positives or negatives % (positives * len(kinds)):
        return torch.zeros(negatives, dtype=torch.bool)
    share = negatives // (positives * len(kinds))
    place = torch.arange(negatives) // share % len(kinds)
    return place == kinds.index(kind)


def _join_known(negatives: Tensor, known_nodes: Tensor) -> Invariant:
    """Check that negatives join nodes that are known; a position that is no node's is not."""
    padded = torch.cat([known_nodes, known_nodes.new_zeros(1)])
    counted = []
    for part in in_parts(negatives):
        is_node = (part >= 0) & (part < known_nodes.numel())
        known = padded[torch.where(is_node, part, -1)].all(0)
        counted.append(_holds("valid_negatives_join_nodes_known_by_the_valid_cut", known))
    return _together(counted)


def _positions_are_nodes(pairs: SplitPairs, history: EdgeHistory) -> Invariant:
    parts = (part for name in (*EDGES, *NEGATIVES) for part in in_parts(getattr(pairs, name)))
    return _together([_holds("positions_are_nodes", history.join_nodes(part)) for part in parts])


def _each_once(name: str, sides: tuple[PairTimes, ...]) -> Invariant:
    """Count the pairs that stand more than once on the sides together; only what is no edge has to be sorted."""
    times, edges = torch.zeros(0, dtype=torch.int64), sides[0].history.keys.numel()
    for side in sides:
        of_side = torch.bincount(side.place if side.known.all() else side.place[side.known], minlength=edges)
        times = of_side.add_(times) if times.numel() else of_side
    strangers = torch.cat([side.keys[~side.known] for side in sides]).unique(return_counts=True)[1]
    checked = sum(side.keys.numel() for side in sides)
    return Invariant(name, checked, int((times > 1).sum()) + int((strangers > 1).sum()))


def _divided_by_time(edges: Mapping[str, PairTimes], cut_train: int | None, cut_valid: int) -> tuple[Invariant, ...]:
    """Check that each edge is on its side of the cuts; without `cut_train`, training goes up to `cut_valid`."""
    until = _first(cut_train, cut_valid)
    valid_after = torch.iinfo(torch.int64).min if cut_train is None else cut_train
    trained = torch.cat([edges[name].alive_since_until(until) for name in ("train", "message_train")])
    first_valid = edges["valid"].first_seen
    return (
        _holds("training_edges_not_after_train_cut", trained),
        _holds("valid_pairs_between_the_cuts", (first_valid > valid_after) & (first_valid <= cut_valid)),
        _holds("test_messages_alive_at_valid_cut", edges["message_test"].alive_at(cut_valid)),
        _holds("test_pairs_first_seen_after_valid_cut", ~edges["test"].seen_until(cut_valid)),
    )


def _avoided_in_training(
    known: PairTimes, held_out: tuple[PairTimes, ...], as_of: int, cut_train: int | None, cut_valid: int | None
) -> tuple[Invariant, Invariant]:
    """Check what training negatives avoid: nothing first seen after the train cut, and all that was there before it.

    More would tell where later edges lie; less would call edges negatives. Where no date parts training from
    validation, removed edges may be avoided or not: they have no side.
    """
    history, until = known.history, _first(cut_train, cut_valid, as_of)
    required = history.alive_at(until) if cut_train is None else history.first_seen <= until  # [edges of the history]
    for side in held_out:
        required[side.place[side.known]] = False
    avoided = torch.zeros_like(required)
    avoided[known.place[known.known]] = True
    return (
        _holds("training_negatives_avoid_only_what_was_known", known.seen_until(until)),
        _holds("training_negatives_avoid_all_that_was_known", avoided[required]),
    )


def _first(*times: int | None) -> int:
    return next(time for time in times if time is not None)


def _holds(name: str, sound: Bool[Tensor, " items"]) -> Invariant:
    return Invariant(name, sound.numel(), sound.numel() - int(sound.sum()))
