"""A split that you give as files of pairs, looked up in tonight's graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.graph.edge_history import EdgeHistory
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import GraphTables
from pipeline.sources.pair_files import NEGATIVES, PLACE, SIDES, PairFile


@dataclass(frozen=True, eq=False)
class FixedSplit:
    """A split as positions, int64 [2, pairs], in the order of the files; negatives are None where none are given."""

    train: Tensor
    valid: Tensor
    test: Tensor
    valid_negatives: Tensor | None
    test_negatives: Tensor | None
    reason: str


def given_split(files: Mapping[str, PairFile], tables: GraphTables, history: EdgeHistory, as_of: int) -> FixedSplit:
    """Look every pair up in a graph.

    Raises:
        InvalidInput: a node is unknown, a positive is no living edge, a pair stands twice, a negative is or was an
            edge, or the negatives do not divide evenly among the edges of their side.
    """
    pairs = {side: _positions(file, tables) for side, file in files.items()}
    for side in SIDES:
        alive = history.look_up(pairs[side]).alive_at(as_of).numpy()
        _require(files[side], alive, "is not a living edge", "Leave the pair out, or take the snapshot that holds it")
    _require_each_once(files, pairs, tables.num_nodes)
    for side, name in NEGATIVES.items():
        if name in files:
            free = ~history.look_up(pairs[name]).known & (pairs[name][0] != pairs[name][1])
            _require(files[name], free.numpy(), "is or was an edge, or joins a node with itself", "Leave it out")
            _require_even(files[name], pairs[name].shape[1], files[side], pairs[side].shape[1])
    said = ", ".join(f"{file.name} ({file.sha256[:12]})" for file in files.values())
    return FixedSplit(
        train=pairs["train"],
        valid=pairs["valid"],
        test=pairs["test"],
        valid_negatives=pairs.get("valid_negatives"),
        test_negatives=pairs.get("test_negatives"),
        reason=f"split.method is fixed: {said}",
    )


def _positions(file: PairFile, tables: GraphTables) -> Tensor:
    index = pd.Index(tables.node_ids.astype(object) if tables.node_ids.dtype.kind != "i" else tables.node_ids)
    places = [index.get_indexer(pd.Index(column)) for column in file.ids]
    _require(
        file,
        np.logical_and(*(place >= 0 for place in places)),
        "names a node that the graph does not have",
        "Leave the pair out, or deliver the node",
    )
    return torch.from_numpy(np.stack(places).astype(np.int64))


def _require(file: PairFile, sound: NDArray[np.bool_], fault: str, remedy: str) -> None:
    bad = np.flatnonzero(~sound)
    if len(bad):
        source, target = (column[bad[0]] for column in file.ids)
        raise InvalidInput(
            f"{file.name} of {PLACE}, row {bad[0] + 1}: {source} - {target} {fault} ({len(bad)} such rows). {remedy}."
        )


def _require_each_once(files: Mapping[str, PairFile], pairs: Mapping[str, Tensor], num_nodes: int) -> None:
    keys = {side: pair_keys(pairs[side], num_nodes).numpy() for side in SIDES}
    for side in SIDES:
        _require(files[side], ~pd.Index(keys[side]).duplicated(), "is a duplicate", "Give each pair once")
    for one, other in combinations(SIDES, 2):
        shared = np.isin(keys[other], keys[one])
        _require(files[other], ~shared, f"is also in {files[one].name}", "Leave it on one side")


def _require_even(negatives: PairFile, count: int, edges: PairFile, positives: int) -> None:
    if count % positives:
        raise InvalidInput(
            f"{negatives.name} of {PLACE} has {count} rows for the {positives} of {edges.name}. Give every edge the "
            f"same number of negatives, in the order of the edges. Or leave the file out: negatives are then drawn."
        )
