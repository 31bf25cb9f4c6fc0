"""The files of a given split: node pairs, taken and checked as an edge table is."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources import columns
from pipeline.sources.bounds import expect_affordable
from pipeline.sources.delivery import Ids
from pipeline.sources.engine import open_engine
from pipeline.sources.files import NotFetched, take_files
from pipeline.sources.formats import SUFFIXES
from pipeline.sources.table import SourceTable
from pipeline.sources.taken_table import TakenTable

SIDES = ("train", "valid", "test")
NEGATIVES = {"valid": "valid_negatives", "test": "test_negatives"}
ENDS = ("source", "target")
PLACE = "NCNC_SOURCE_SPLIT"


class PairFile(NamedTuple):
    """One file as it was read: its name, its sha256, and the ids at both ends of each row, each [rows]."""

    name: str
    sha256: str
    ids: tuple[Ids, Ids]


def read_pair_files(location: str, scratch: Path, params: SnapshotParams, *, text: bool) -> dict[str, PairFile]:
    """Read train, valid and test, and the negatives where there are any, from a folder or an fsspec URL.

    params: how the graph's ids were read. text: whether they are strings.
    If a side has several files, the first of `SUFFIXES` is taken.

    Raises:
        InvalidInput: a side has no file, a file cannot be read, or a value is no node id.
        OutsideTrouble: the place cannot be reached.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    found = {}
    with tempfile.TemporaryDirectory(prefix="split-", dir=scratch) as name, open_engine(Path(name)) as connection:
        for side in (*SIDES, *NEGATIVES.values()):
            taken = _take_first(location, side, Path(name))
            if taken is not None:
                with taken.refusing():
                    found[side] = _read(connection, taken, params, text=text)
            elif side in SIDES:
                raise InvalidInput(
                    f"{PLACE} has no {side} file. Put one there with the columns source and target, as {side} with one "
                    f"of {', '.join(SUFFIXES)}, or set split.method to another method in params.yaml."
                )
    return found


def _take_first(location: str, side: str, folder: Path) -> TakenTable | None:
    for suffix in SUFFIXES:
        name = side + suffix
        try:
            taken = take_files(f"{location.rstrip('/')}/{name}", folder / side, in_place=False)
        except NotFetched as error:
            if issubclass(error.reason, FileNotFoundError):
                continue
            # A message of its own: the original names variables of the delivery, and may show a password.
            raise OutsideTrouble(
                f"{name} of {PLACE} could not be fetched ({error.reason.__name__}). Check that the place can "
                f"be reached from this machine; the run tries again by itself."
            ) from None
        called = f"{name} of {PLACE}"
        return TakenTable(called, tuple(replace(file, name=called) for file in taken.files))
    return None


def _read(connection: Backend, taken: TakenTable, params: SnapshotParams, *, text: bool) -> PairFile:
    expect_affordable(taken, params, columns=len(ENDS), partly=False)
    table = taken.open(connection, [])
    if missing := [end for end in ENDS if end not in table.table.columns]:
        raise InvalidInput(
            f"{taken.name} has no column {missing[0]}; its columns are {', '.join(table.table.columns)}. Give it the "
            f"columns source and target."
        )
    for end in ENDS:
        # Refuses a type that cannot hold ids.
        columns.are_text(table.name, table.table[end], typed=table.typed, id_type=params.id_type)
    table = _as_graph(table, text=text)
    ends = {
        end: columns.ids(end, table.table[end].type(), text=text, typed=table.typed, id_type=params.id_type)
        for end in ENDS
    }
    table.check(list(ends.values()))
    rows = table.parsed(ends).to_pyarrow()  # in the order of the file, which the negatives follow
    source, target = (np.asarray(rows[end].to_pandas(), dtype=object if text else np.int64) for end in ENDS)
    return PairFile(taken.name.removesuffix(f" of {PLACE}"), taken.sha256 or "", (source, target))


def _as_graph(table: SourceTable, *, text: bool) -> SourceTable:
    """Return the ids as text if the graph's are: a file whose ids are all digits has a column of numbers."""
    kinds = {end: table.table[end].type() for end in ENDS}

    def cast(rows: Table) -> Table:
        return rows.mutate(**{end: rows[end].cast("string") for end in ENDS if text or kinds[end].is_uuid()})

    return replace(table, table=cast(table.table), files=[(name, cast(rows)) for name, rows in table.files])
