"""A graph divided: which of its edges train, validate and test, and what they are ranked against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits.edge_split import SplitEdges, fixed_split, split_edges
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.splits.known_nodes import nodes_known_by
from ncnc_core.splits.leak_invariants import SIDES
from ncnc_core.splits.negatives import has_negative
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import GraphTables
from pipeline.params.params import SplitParams
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.fixed import FixedSplit
from pipeline.splits.packed_tensors import fits_int32
from pipeline.splits.table_tensors import TableTensors


def divide(
    tables: GraphTables,
    history: EdgeHistory,
    as_of: int,
    earlier: Sequence[int],
    params: SplitParams,
    given: FixedSplit | None = None,
) -> tuple[SplitEdges, SplitArrays]:
    """Return the split of a graph with its negatives, drawn once so that every model meets the same ones.

    `earlier` are the times of the snapshots before; `given` is the split where the method is fixed. A validation or
    test edge that has no negative, as its ends are joined to all nodes, is in the split's masks and not in its arrays.

    Raises:
        InvalidGraph: the graph cannot be divided as the parameters say, or no edge of a side has a negative.
        InvalidInput: the split is to be a fixed one, and none is given.
    """
    told = TableTensors.of(tables)
    edges, split = told.edges, _split(told, tables.num_nodes, as_of, earlier, params, given)
    generator = torch.Generator().manual_seed(params.seed)
    # A given side is in the order of its file, which its negatives follow.
    sides = {name: getattr(given, name) if given else edges[:, getattr(split, name)] for name in SIDES}
    message_train, message_test = _messages(edges, split, None if given else sides["train"])
    valid_negatives, test_negatives = (given.valid_negatives, given.test_negatives) if given else (None, None)
    if valid_negatives is None:
        known = None if split.cut_valid is None else nodes_known_by(history, split.cut_valid)
        drawn = _Drawn("validation", message_train, history, _first(split.cut_train, split.cut_valid, as_of), known)
        sides["valid"], valid_negatives = drawn.rankable(sides["valid"], params, generator)
    if test_negatives is None:
        drawn = _Drawn("test", message_test, history, _first(split.cut_valid, as_of), None)
        sides["test"], test_negatives = drawn.rankable(sides["test"], params, generator)
    return split, SplitArrays(
        **sides,
        message_train=message_train,
        message_test=message_test,
        known_train=edges[:, split.known_train | _left_out(told, tables.num_nodes, split, sides, as_of)],
        valid_negatives=valid_negatives,
        test_negatives=test_negatives,
        test_first_seen=history.look_up(sides["test"]).first_seen,
    )


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What the negatives of one side are drawn from: the graph at its cut, and the nodes to draw among (None: all).

    Where time divides the edges, validation negatives join nodes that had an edge by the cut before the test edges:
    who came later was not there to be chosen, and a model fitted to such negatives is good at another task.
    """

    side: str
    message_edges: Tensor
    history: EdgeHistory
    cut: int
    among: Tensor | None

    def rankable(self, positives: Tensor, params: SplitParams, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the positives that have a negative, and the negatives of each, consecutive."""
        found = has_negative(positives, self.history.keys, self.history.num_nodes, self.among)
        if not found.any():
            raise InvalidGraph(
                f"None of the {len(found)} {self.side} edges has a negative: both ends of each are, or were, joined to "
                f"every other node{'' if self.among is None else ' known by then'}. The graph is nearly complete, and "
                f"ranking says nothing about it: deliver a sparser one."
            )
        return positives[:, found], _narrowed(self._negatives(positives[:, found], params, generator))

    def _negatives(self, positives: Tensor, params: SplitParams, generator: torch.Generator) -> Tensor:
        history = self.history
        return evaluation_negatives(
            positives,
            params.negatives_per_edge,
            history.keys,
            generator,
            kinds=params.negative_kinds,
            adjacency=Adjacency.from_edges(self.message_edges, history.num_nodes),
            ended=_ended_by(history, self.cut) if "historical" in params.negative_kinds else None,
            seed=params.seed,
            among=self.among,
        )


def _ended_by(history: EdgeHistory, cut: int) -> Tensor:
    """Return the edges whose last life ended by a cut: there before it, and neither at it nor after."""
    keys = history.keys[history.removed_at <= cut]
    low = keys.div(max(history.num_nodes, 1), rounding_mode="floor")
    return torch.stack([low, keys - low * history.num_nodes])


def _messages(edges: Tensor, split: SplitEdges, train: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the message edges of training and of testing; where they are the training edges, these and no copy."""
    if train is None or split.message_train is not split.train:
        train = edges[:, split.message_train]
    return train, train if split.message_test is split.message_train else edges[:, split.message_test]


def _narrowed(pairs: Tensor) -> Tensor:
    """Return pairs in half the memory where their positions allow it."""
    return pairs.int() if fits_int32(pairs) else pairs


def _left_out(told: TableTensors, num_nodes: int, split: SplitEdges, sides: Mapping[str, Tensor], as_of: int) -> Tensor:
    """Say which edges were held out and are on no side, of those that training may know.

    They judge nothing, so training negatives avoid them as they avoid other edges.
    """
    held_out = split.valid | split.test
    kept = torch.cat([pair_keys(sides[name], num_nodes) for name in ("valid", "test")]).sort().values
    until = _first(split.cut_train, split.cut_valid, as_of)
    left_out = torch.zeros_like(held_out)
    left_out[held_out] = ~contains_keys(kept, pair_keys(told.edges[:, held_out], num_nodes))
    return left_out & (told.first_seen <= until)


def _split(
    told: TableTensors,
    num_nodes: int,
    as_of: int,
    earlier: Sequence[int],
    params: SplitParams,
    given: FixedSplit | None,
) -> SplitEdges:
    if params.method == "fixed":
        if given is None:
            raise InvalidInput(
                "split.method is fixed, but no split is given. Set NCNC_SOURCE_SPLIT to the folder or URL with the "
                "files train, valid and test, or split.method to another method in params.yaml."
            )
        return fixed_split(told.edges, given.train, given.valid, given.test, num_nodes=num_nodes, reason=given.reason)
    return split_edges(
        told.edges,
        told.first_seen,
        told.removed_at,
        as_of=as_of,
        snapshot_times=earlier,
        method=params.method,
        valid_fraction=params.valid_fraction,
        test_fraction=params.test_fraction,
        minimum_test_edges=params.minimum_test_edges,
        maximum_held_out=params.maximum_held_out_edges,
        seed=params.seed,
        alive_since=told.alive_since,
    )


def _first(*times: int | None) -> int:
    return next(time for time in times if time is not None)
