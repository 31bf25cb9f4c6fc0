"""From the rows of an edge table to distinct ids and distinct pairs, as expressions that any engine can run.

Rows have the columns source and target (ids, both of one kind) and perhaps time (unix seconds). A self-loop makes an
id and no pair.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

EVENT = ("low", "high", "time", "is_forth")


def distinct_ids(rows: Table) -> Table:
    """Return every id that a row names, once, with its code: its position among the sorted ids."""
    ids = rows.select(id=rows.source).union(rows.select(id=rows.target), distinct=True)
    return ids.select("id", code=ibis.row_number().over(order_by=ids.id))


def distinct_pairs(rows: Table, ids: Table, *, directed: bool = False) -> Table:
    """Return each pair of two nodes once, as codes low < high, in the order of (low, high), with its earliest time.

    ids: from `distinct_ids`. Every row is looked up in it twice, so an engine should store it first. directed: add the
    column reciprocal, which says whether rows lead both ways. Where there are times, the column events counts the rows.
    """
    found = {"reciprocal": ibis._.is_forth.any() & (~ibis._.is_forth).any()} if directed else {}
    if "time" in rows.columns:
        found["time"] = ibis._.time.min()
        found["events"] = ibis._.count()
    return _coded(rows, ids).group_by("low", "high").aggregate(**found).order_by("low", "high")


def pair_times(rows: Table, ids: Table) -> Table:
    """Return the time of every row of a pair, and whether it leads from low to high; rows must have times.

    The columns are low, high, time and is_forth, in that order.
    """
    return _coded(rows, ids).select(*EVENT).order_by(*EVENT)


def _coded(rows: Table, ids: Table) -> Table:
    """Return the rows but the self-loops, as codes low < high, with is_forth (low to high) and perhaps time."""
    # Codes first: whole numbers are grouped and sorted in less memory than text.
    coded = rows.join(ids.select(source="id", source_code="code"), "source").join(
        ids.select(target="id", target_code="code"), "target"
    )
    coded = coded.filter(coded.source_code != coded.target_code)
    low, high = (end(coded.source_code, coded.target_code) for end in (ibis.least, ibis.greatest))
    columns = {"low": low, "high": high, "is_forth": coded.source_code == low}
    return coded.select(**columns, **({"time": coded.time} if "time" in rows.columns else {}))
