"""A column of times that nothing reads: whoever brings a log for the first time gets the weaker model without it."""

from __future__ import annotations

from ibis.expr.types import Scalar

from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.columns import times
from pipeline.sources.early_times import EARLY, moment
from pipeline.sources.table import SourceTable


def said_of_unread_times(table: SourceTable, params: SnapshotParams, until: int) -> str | None:
    """Return what to say of the first column that looks like times, of a table with all its columns; None: none does.

    It has a time in every row, from 1980 to `until` (unix seconds), and not the same one.
    """
    kinds = table.table.schema()
    read = {params.source_column, params.target_column, params.weight_column, params.type_column}
    unread = [times(name, kinds[name]) for name in table.table.columns if name not in read]
    asked: dict[str, Scalar] = {}
    for number, column in enumerate(one for one in unread if one.refusal is None):
        value = column.parse(table.table[column.name])
        asked |= {f"first{number}": value.min(), f"last{number}": value.max(), f"none{number}": value.isnull().sum()}
    if not asked:
        return None
    found = table.table.aggregate(**asked).to_pyarrow().to_pylist()[0]
    for number, column in enumerate(one for one in unread if one.refusal is None):
        first, last = found[f"first{number}"], found[f"last{number}"]
        if not found[f"none{number}"] and EARLY <= first < last <= until:
            return (
                f"The column {column.name} of {table.name} looks like times, from {moment(first)} to "
                f"{moment(last)}, and nothing reads it. Set snapshot.time_column: {column.name}, and the model learns "
                "from when links came."
            )
    return None
