"""The door to a split that is given: files of node pairs, read, and looked up in tonight's graph."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import fsspec  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.adjacency import pair_keys
from ncnc_core.edge_history import EdgeHistory
from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.graph_tables import GraphTables

SUFFIXES = (".parquet", ".csv")
SIDES = ("train", "valid", "test")
NEGATIVES = {"valid": "valid_negatives", "test": "test_negatives"}
COLUMNS = ["source", "target"]
PLACE = "NCNC_SOURCE_SPLIT"

Ids = NDArray[np.generic]  # int64 or str, as the graph's node ids are


class PairFile(NamedTuple):
    """One file as it was read: its name, its sha256, and the ids at both ends of each row, [2, rows]."""

    name: str
    sha256: str
    ids: tuple[pd.Series, pd.Series]


@dataclass(frozen=True, eq=False)
class FixedSplit:
    """A split as positions, int64 [2, pairs], in the order of the files; negatives are None where none are given."""

    train: Tensor
    valid: Tensor
    test: Tensor
    valid_negatives: Tensor | None
    test_negatives: Tensor | None
    reason: str


def read_pair_files(location: str) -> dict[str, PairFile]:
    """Read train, valid and test, and the negatives where there are any, from a folder or an fsspec URL.

    Raises:
        InvalidInput: a side has no file, or a file is none of pairs.
        OutsideTrouble: the place cannot be reached.
    """
    found = {}
    for side in (*SIDES, *NEGATIVES.values()):
        file = _read_first(location, side)
        if file is not None:
            found[side] = file
        elif side in SIDES:
            raise InvalidInput(
                f"{PLACE} has no {side}.parquet and no {side}.csv. Put one there with the columns source and target, "
                f"or set split.method to another method in params.yaml."
            )
    return found


def given_split(files: Mapping[str, PairFile], tables: GraphTables, history: EdgeHistory, as_of: int) -> FixedSplit:
    """Look every pair up in a graph.

    Raises:
        InvalidInput: a node is unknown, a positive is no living edge, a pair stands twice, a negative is or was an
            edge, or the negatives do not divide evenly among the edges of their side.
    """
    pairs = {side: _positions(file, tables) for side, file in files.items()}
    for side in SIDES:
        alive = history.look_up(pairs[side]).alive_at(as_of).numpy()
        _require(files[side], alive, "is no living edge", "Leave the pair out, or take the snapshot that holds it")
    _require_each_once(files, pairs, tables.num_nodes)
    for side, name in NEGATIVES.items():
        if name in files:
            free = ~history.look_up(pairs[name]).known & (pairs[name][0] != pairs[name][1])
            _require(files[name], free.numpy(), "is an edge, or was one, or joins a node with itself", "Leave it out")
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


def _read_first(location: str, side: str) -> PairFile | None:
    for suffix in SUFFIXES:
        name = side + suffix
        try:
            with fsspec.open(f"{location.rstrip('/')}/{name}", "rb") as stream:
                content = stream.read()
        except FileNotFoundError:
            continue
        # Every fsspec backend raises what its client raises, and its text may hold the URL's credentials.
        except Exception as error:
            raise OutsideTrouble(
                f"{name} of {PLACE} could not be fetched ({type(error).__name__}). Check that the place can be "
                f"reached from this machine; the run tries again by itself."
            ) from error
        return _parsed(name, content)
    return None


def _parsed(name: str, content: bytes) -> PairFile:
    try:
        if name.endswith(".parquet"):
            table = pq.read_table(io.BytesIO(content)).to_pandas()
        else:
            table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    except (pa.ArrowInvalid, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name} of {PLACE} cannot be read: {error}. Put a whole file there.") from error
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing or table.empty:
        raise InvalidInput(
            f"{name} of {PLACE} has {len(table)} rows and the columns {', '.join(map(str, table.columns))}. "
            f"Give at least one row, and the columns source and target."
        )
    return PairFile(name, hashlib.sha256(content).hexdigest(), (table["source"], table["target"]))


def _positions(file: PairFile, tables: GraphTables) -> Tensor:
    index = pd.Index(tables.node_ids.astype(object) if tables.node_ids.dtype.kind != "i" else tables.node_ids)
    places = [index.get_indexer(pd.Index(_ids(file, column, tables))) for column in file.ids]
    _require(
        file,
        np.logical_and(*(place >= 0 for place in places)),
        "names a node that the graph does not have",
        "Leave the pair out, or deliver the node",
    )
    return torch.from_numpy(np.stack(places).astype(np.int64))


def _ids(file: PairFile, column: pd.Series, tables: GraphTables) -> Ids:
    """Return a column in the kind of the graph's ids; CSV holds text, which integers are read from."""
    if tables.node_ids.dtype.kind != "i":
        return column.astype(str).to_numpy(dtype=object)
    whole = pd.to_numeric(column, errors="coerce")
    bad = np.flatnonzero(whole.isna() | (whole % 1 != 0))
    if len(bad):
        raise InvalidInput(
            f"{file.name} of {PLACE}, row {bad[0] + 1}: {column.iloc[bad[0]]!r} is no whole number, but the graph's "
            f"node ids are. Write the ids as they stand in the edge table."
        )
    return column.astype("int64").to_numpy()


def _require(file: PairFile, sound: NDArray[np.bool_], fault: str, remedy: str) -> None:
    bad = np.flatnonzero(~sound)
    if len(bad):
        source, target = (column.iloc[bad[0]] for column in file.ids)
        raise InvalidInput(
            f"{file.name} of {PLACE}, row {bad[0] + 1}: {source} - {target} {fault} ({len(bad)} such rows). {remedy}."
        )


def _require_each_once(files: Mapping[str, PairFile], pairs: Mapping[str, Tensor], num_nodes: int) -> None:
    keys = {side: pair_keys(pairs[side], num_nodes).numpy() for side in SIDES}
    for side in SIDES:
        _require(files[side], ~pd.Index(keys[side]).duplicated(), "is there already", "Give each pair once")
    for one, other in combinations(SIDES, 2):
        shared = np.isin(keys[other], keys[one])
        _require(files[other], ~shared, f"stands in {files[one].name} too", "Leave it on one side")


def _require_even(negatives: PairFile, count: int, edges: PairFile, positives: int) -> None:
    if count % positives:
        raise InvalidInput(
            f"{negatives.name} of {PLACE} has {count} rows for the {positives} of {edges.name}. Give each edge as many "
            f"negatives as every other, one edge's after another's, or leave the file out: they are drawn then."
        )
