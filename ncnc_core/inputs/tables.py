"""Tables of any library, taken as pandas': Arrow, polars, and what else speaks Arrow's protocol."""

from __future__ import annotations

from typing import Any

from ncnc_core.errors import InvalidGraph

NODE_COLUMN = "node_id"  # of a table of features that has no index


def as_table(given: Any) -> Any:
    """Return a pandas DataFrame, one of the same interface, or None for what is no table.

    A pandas table is taken as it is. Others are converted by their own `to_pandas`, or by Arrow's stream protocol.

    Raises:
        InvalidGraph: the table is lazy, so that there are no rows yet.
    """
    if hasattr(given, "iloc"):
        return given if hasattr(given, "columns") else None  # a column alone is no table
    if hasattr(given, "collect") and hasattr(given, "collect_schema"):
        raise InvalidGraph(f"{type(given).__name__} is a query that has not run. Give its rows: call collect() first.")
    if hasattr(given, "to_pandas"):
        table = given.to_pandas()
    elif hasattr(given, "__arrow_c_stream__"):
        import pyarrow

        table = pyarrow.table(given).to_pandas()
    else:
        return None
    return table if hasattr(table, "columns") else None


def as_feature_table(given: Any) -> Any:
    """Return a table of features indexed by node id, or None for what is no table.

    A table of pandas has an index. One of another library names the nodes in a column `node_id`.

    Raises:
        InvalidGraph: a table without an index has no such column.
    """
    table = as_table(given)
    if table is None or table is given:
        return table
    if NODE_COLUMN in table.columns:
        return table.set_index(NODE_COLUMN)
    if type(table.index).__name__ == "RangeIndex":
        raise InvalidGraph(
            f"features is a table without an index and without a column {NODE_COLUMN!r}; it has {list(table.columns)}. "
            f"Name the nodes in a column {NODE_COLUMN!r}, or give an array with a row for each node."
        )
    return table
