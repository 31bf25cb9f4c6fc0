"""The delivered node table as arrays, in the order of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.errors import InvalidInput, WrongAsOf
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources import columns
from pipeline.sources.columns import CheckedColumn
from pipeline.sources.delivery import Ids, NodeTable
from pipeline.sources.early_times import moment
from pipeline.sources.table import READ, Needed, SourceTable


def needed_columns(params: SnapshotParams) -> Needed:
    """Return what a node table must have."""
    times = [("node_time_column", params.node_time_column)] if params.node_time_column is not None else []
    return [
        ("node_column", params.node_column),
        *(("feature_columns", name) for name in params.feature_columns),
        *times,
    ]


def read_nodes(table: SourceTable, params: SnapshotParams, *, text: bool, as_of: int) -> NodeTable:
    """Read a node table, whose ids must be of the edge table's kind; text: whether that is strings.

    Raises:
        InvalidInput: an id, a feature or a time is missing or wrong, a node is there twice, or has features from after
            the as-of.
    """
    if table.typed and table.ids_are_text(params.node_column, id_type=params.id_type) not in (text, None):
        raise InvalidInput(
            f"{table.name} holds {'integers' if text else 'strings'} in {params.node_column!r}, but the edge table's "
            f"ids are {'strings' if text else 'integers'}. Make both int64, or both strings."
        )
    kinds = table.table.schema()
    node = columns.ids(
        params.node_column, kinds[params.node_column], text=text, typed=table.typed, id_type=params.id_type
    )
    features = [columns.features(name, kinds[name]) for name in params.feature_columns]
    times = [columns.times(name, kinds[name]) for name in [params.node_time_column] if name is not None]
    table.check([node, *features, *times])
    wanted = {"node": node, **{f"feature{n}": column for n, column in enumerate(features)}}
    found = table.parsed(wanted | dict(zip(["time"], times, strict=False))).to_pyarrow()
    ids = np.asarray(found["node"].to_pandas(), dtype=object) if text else found["node"].to_numpy()
    _require_once(table, node, ids)
    if times:
        _require_known(table, times[0], found["time"].to_numpy(), as_of)
    return NodeTable(
        ids,
        _features([found[f"feature{n}"].to_numpy() for n in range(len(features))]),
        found["time"].to_numpy() if times else None,
        params.feature_columns,
    )


def _require_once(table: SourceTable, node: CheckedColumn, ids: Ids) -> None:
    again = int(pd.Index(ids).duplicated().sum())
    if again:
        found = table.first_again(lambda rows: {"node": node.parse(rows[node.name])})
        raise InvalidInput(
            f"{found.place}: node {found.values[node.name]!s} is there already ({again} such rows). A node has one "
            f"row: leave out the others."
        )


def _require_known(table: SourceTable, times: CheckedColumn, seconds: NDArray[np.int64], as_of: int) -> None:
    late = int((seconds > as_of).sum())
    if late:
        found = table.first(lambda rows: times.parse(rows[times.name]) > as_of, times)
        raise WrongAsOf(
            f"{found.place}: {times.name} is {found.values[times.name]!s} ({moment(found.values[READ])}), "
            f"after the as-of {moment(as_of)} ({late} such rows). Features from after it would leak "
            f"into training: deliver those known by then, or check the clock. {columns.ZONE_REMEDY}"
        )


def _features(values: list[NDArray[np.float64]]) -> NDArray[np.float32] | None:
    if not values:
        return None
    # Adding 0 turns -0.0 into 0.0: equal graphs must have equal bytes.
    return np.stack([column.astype(np.float32) for column in values], axis=1) + np.float32(0)
