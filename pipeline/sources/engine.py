"""An embedded DuckDB with bounded memory: what does not fit goes to a scratch folder, and answers come in batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table
from numpy.typing import NDArray

from pipeline.sources.delivery import Ids
from pipeline.sources.pairs import distinct_ids, distinct_pairs, pair_times

# Half of what a night may use. The other half is for the process, with the arrays of 100 million events' pairs.
MEMORY_GIB = 4.0
SHARE_OF_MACHINE = 0.4
THREADS = 8  # each has buffers of its own: more threads would use up the share
BATCH_ROWS = 1 << 20


@contextmanager
def open_engine(folder: Path) -> Iterator[Backend]:
    """Open an embedded DuckDB that spills to a folder."""
    machine_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    connection = ibis.duckdb.connect(
        temp_directory=str(folder / "spilled"),
        memory_limit=f"{min(MEMORY_GIB, SHARE_OF_MACHINE * machine_gib):.2f}GiB",
        threads=min(THREADS, os.cpu_count() or 1),
    )
    # The bar of a query that takes seconds goes to stdout, where a step's JSON line belongs.
    connection.raw_sql("SET enable_progress_bar = false")
    try:
        yield connection
    finally:
        connection.disconnect()


def duckdb_pairs(
    connection: Backend, rows: Table, *, text: bool, directed: bool
) -> tuple[Ids, dict[str, NDArray[np.int64]]]:
    """Return the ids and the pairs of checked rows, as `Delivery` holds them, with reciprocal for a directed table."""
    ids = connection.create_table("ids", distinct_ids(rows), temp=True)
    found = id_array(ids, text=text)

    def batches(table: Table) -> Iterable[pa.RecordBatch]:
        # Ibis's own to_pyarrow_batches calls a method that this DuckDB no longer has; to_pyarrow holds all at once.
        asked = connection.con.sql(ibis.to_sql(table, dialect="duckdb"))
        reader: Iterable[pa.RecordBatch] = asked.to_arrow_reader(BATCH_ROWS)
        return reader

    return found, pair_arrays(rows, ids, batches, directed=directed)


def pair_arrays(
    rows: Table, ids: Table, batches: Callable[[Table], Iterable[pa.RecordBatch]], *, directed: bool
) -> dict[str, NDArray[np.int64]]:
    """Return the pairs of checked rows, and their other rows where there are times and a pair has several.

    batches: gives the rows of an expression, in its order. directed: where there are times, say of each row whether it
    leads from low to high.
    """
    expression = distinct_pairs(rows, ids, directed=directed)
    pairs = arrays_of(batches(expression), expression.columns)
    if "events" not in pairs:
        return pairs
    later = pairs.pop("events") - 1
    if not directed and not later.any():
        return pairs
    # The rows come in the order of the pairs: the pair of each need not be looked up.
    events = arrays_of(batches(pair_times(rows, ids)), ["time", "is_forth"] if directed else ["time"])
    firsts = np.cumsum(later + 1) - (later + 1)
    pairs |= {"repeat_pair": np.repeat(np.arange(len(later)), later), "repeat_time": np.delete(events["time"], firsts)}
    if directed:
        forth = events["is_forth"]
        pairs |= {"is_forth": forth[firsts], "repeat_is_forth": np.delete(forth, firsts)}
    return pairs


def id_array(ids: Table, *, text: bool) -> Ids:
    """Return the ids of `distinct_ids` in the order of their codes: int64, or str objects."""
    found = ids.order_by("code").id.to_pyarrow()
    return np.asarray(found.to_pandas(), dtype=object) if text else found.to_numpy()


def arrays_of(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return the columns of an answer that comes in batches; the whole answer is never in memory twice."""
    columns: dict[str, list[NDArray[np.int64]]] = {name: [] for name in names}
    for batch in batches:
        for name, values in columns.items():
            values.append(batch.column(name).to_numpy(zero_copy_only=False).astype(np.int64, copy=True))
    arrays = {}
    for name in names:
        values = columns.pop(name)
        arrays[name] = np.concatenate(values) if values else np.zeros(0, dtype=np.int64)
    return arrays
