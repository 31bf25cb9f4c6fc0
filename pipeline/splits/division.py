"""A graph divided: which of its edges train, validate and test, and what they are ranked against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits.edge_split import SplitEdges, fixed_split, split_edges
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.splits.negatives import has_negative
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import GraphTables
from pipeline.params.params import SplitParams
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.fixed import FixedSplit


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
    edges = torch.tensor(tables.edges)
    split = _split(tables, as_of, earlier, params, given)
    generator = torch.Generator().manual_seed(params.seed)
    sides = {name: edges[:, getattr(split, name)] for name in ("train", "valid", "test")}
    if given is not None:  # in the order of the files, which their negatives follow
        sides = {"train": given.train, "valid": given.valid, "test": given.test}
    message_train, message_test = edges[:, split.message_train], edges[:, split.message_test]
    valid_negatives, test_negatives = (given.valid_negatives, given.test_negatives) if given else (None, None)
    if valid_negatives is None:
        sides["valid"] = _rankable(sides["valid"], "validation", history)
        valid_negatives = _negatives(sides["valid"], message_train, history, params, generator)
    if test_negatives is None:
        sides["test"] = _rankable(sides["test"], "test", history)
        test_negatives = _negatives(sides["test"], message_test, history, params, generator)
    return split, SplitArrays(
        **sides,
        message_train=message_train,
        message_test=message_test,
        known_train=edges[:, split.known_train | _left_out(tables, split, sides, as_of)],
        valid_negatives=valid_negatives,
        test_negatives=test_negatives,
        test_first_seen=history.look_up(sides["test"]).first_seen,
    )


def _rankable(positives: Tensor, side: str, history: EdgeHistory) -> Tensor:
    found = has_negative(positives, history.keys, history.num_nodes)
    if not found.any():
        raise InvalidGraph(
            f"None of the {len(found)} {side} edges has a negative: both ends of each are, or were, joined to every "
            f"other node. The graph is nearly complete, and ranking says nothing about it: deliver a sparser one."
        )
    return positives[:, found]


def _left_out(tables: GraphTables, split: SplitEdges, sides: Mapping[str, Tensor], as_of: int) -> Tensor:
    """Say which edges were held out and are on no side, of those that training may know.

    They judge nothing, so training negatives avoid them as they avoid other edges.
    """
    held_out = split.valid | split.test
    kept = torch.cat([pair_keys(sides[name], tables.num_nodes) for name in ("valid", "test")]).sort().values
    edges = torch.tensor(tables.edges)[:, held_out]
    until = next(time for time in (split.cut_train, split.cut_valid, as_of) if time is not None)
    left_out = torch.zeros_like(held_out)
    left_out[held_out] = ~contains_keys(kept, pair_keys(edges, tables.num_nodes))
    return left_out & (torch.tensor(tables.first_seen) <= until)


def _negatives(
    positives: Tensor, message_edges: Tensor, history: EdgeHistory, params: SplitParams, generator: torch.Generator
) -> Tensor:
    return evaluation_negatives(
        positives,
        params.negatives_per_edge,
        history.keys,
        generator,
        kinds=params.negative_kinds,
        adjacency=Adjacency.from_edges(message_edges, history.num_nodes),
        seed=params.seed,
    )


def _split(
    tables: GraphTables, as_of: int, earlier: Sequence[int], params: SplitParams, given: FixedSplit | None
) -> SplitEdges:
    edges = torch.tensor(tables.edges)
    if params.method == "fixed":
        if given is None:
            raise InvalidInput(
                "split.method is fixed, but no split is given. Set NCNC_SOURCE_SPLIT to the folder or URL with the "
                "files train, valid and test, or split.method to another method in params.yaml."
            )
        return fixed_split(edges, given.train, given.valid, given.test, num_nodes=tables.num_nodes, reason=given.reason)
    return split_edges(
        edges,
        torch.tensor(tables.first_seen),
        torch.tensor(tables.removed_at),
        as_of=as_of,
        snapshot_times=earlier,
        method=params.method,
        valid_fraction=params.valid_fraction,
        test_fraction=params.test_fraction,
        minimum_test_edges=params.minimum_test_edges,
        seed=params.seed,
        alive_since=torch.tensor(tables.alive_since),
    )
