"""The delivered edge table: which of its rows count, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import ibis
from ibis.expr.types import BooleanValue, Column, Table

from pipeline.params.snapshot import SnapshotParams
from pipeline.sources import columns
from pipeline.sources.columns import CheckedColumn
from pipeline.sources.delivery import RowCounts
from pipeline.sources.early_times import moment
from pipeline.sources.table import READ, FoundRow, Needed, SourceTable


def needed_columns(params: SnapshotParams) -> Needed:
    """Return what an edge table must have."""
    optional = {
        "time_column": params.time_column,
        "weight_column": params.weight_column,
        "type_column": params.type_column,
    }
    given = [(parameter, column) for parameter, column in optional.items() if column is not None]
    return [("source_column", params.source_column), ("target_column", params.target_column), *given]


@dataclass(frozen=True)
class EdgeCounts:
    """What became of the rows: read = left_out + later + kept; self_loops and late are among the kept."""

    read: int
    left_out: int
    later: int
    kept: int
    self_loops: int
    late: int
    newest: int | None


@dataclass(frozen=True)
class EdgeRows:
    """An edge table whose values were checked.

    columns: source and target, and time, weight and type if the table has them. text: whether ids are strings.
    """

    table: SourceTable
    columns: dict[str, CheckedColumn]
    text: bool
    params: SnapshotParams

    @classmethod
    def checked(cls, table: SourceTable, params: SnapshotParams, *, text: bool) -> EdgeRows:
        """Check every value; text: whether ids are strings.

        Raises:
            InvalidInput: a value is no id, time, weight or type.
        """
        found = edge_columns(table, params, text=text)
        table.check(list(found.values()))
        return cls(table, found, text, params)

    def chosen(self, rows: Table) -> BooleanValue:
        """Return which rows have the weight and the type that params.yaml asks for."""
        chosen = self._always(rows)
        if self.params.minimum_weight is not None:
            chosen = chosen & (self._value("weight", rows) >= self.params.minimum_weight)
        if self.params.edge_types:
            chosen = chosen & self._value("type", rows).isin(self.params.edge_types).fill_null(False)
        return chosen

    def _always(self, rows: Table) -> BooleanValue:
        """Return a column that is true for every row: rows without an id were refused."""
        return rows[self.columns["source"].name].notnull()

    def _value(self, name: str, rows: Table) -> Column:
        column = self.columns[name]
        return column.parse(rows[column.name])

    def kept(self, after: int | None, until: int) -> Table:
        """Return the chosen rows as source, target and time; if there are times, those with after < time <= until."""
        raw = self.table.table
        rows = raw.filter(self.chosen(raw))
        if "time" in self.columns:
            rows = rows.filter(self._within(rows, after, until))
        wanted = {name: self._value(name, rows) for name in ("source", "target", "time") if name in self.columns}
        return rows.select(**wanted)

    def _within(self, rows: Table, after: int | None, until: int) -> BooleanValue:
        time = self._value("time", rows)
        return (time <= until) if after is None else (time <= until) & (time > after)

    def counted(self, after: int | None, until: int, watermark: int | None) -> EdgeCounts:
        """Count in one pass what becomes of the rows, and find the newest time up to the as-of.

        after: if a log is read on, only rows with after < time <= until are counted at all. watermark: the last
        snapshot's as-of.
        """
        raw = self.table.table
        chosen, always = self.chosen(raw), self._always(raw)
        loop = self._value("source", raw) == self._value("target", raw)
        time = self._value("time", raw) if "time" in self.columns else None
        ours = always if time is None or after is None else self._within(raw, after, until)
        happened = always if time is None else time <= until
        late = ~always if time is None or watermark is None else time <= watermark
        kept = ours & chosen & happened
        newest = ibis.null("int64") if time is None else time.max(where=chosen & happened)
        found = raw.aggregate(
            read=_times(ours),
            left_out=_times(ours & ~chosen),
            later=_times(ours & chosen & ~happened),
            kept=_times(kept),
            self_loops=_times(kept & loop),
            late=_times(kept & late),
            newest=newest,
        )
        counts = found.to_pyarrow().to_pylist()[0]
        newest_time = counts.pop("newest")
        return EdgeCounts(**{name: int(count or 0) for name, count in counts.items()}, newest=newest_time)

    def first_later(self, until: int) -> str:
        """Return where the first row from after a time stands, the time that it says, and how that is read."""
        time = self.columns["time"]
        found = self.table.first(lambda rows: self.chosen(rows) & (self._value("time", rows) > until), time)
        return f"{found.place}: {time.name} is {found.values[time.name]!s} ({moment(found.values[READ])})"

    def first_self_loop(self) -> str:
        """Return where the first self-loop stands."""
        found = self.table.first(lambda rows: self.chosen(rows) & self._ends(rows)[2])
        return self._place(found)

    def first_repeated(self) -> str:
        """Return where the first row stands that names a pair again; in a directed table, in the same direction."""

        def keys(rows: Table) -> dict[str, Column]:
            source, target, loop = self._ends(rows)
            counts = self.chosen(rows) & ~loop
            low, high = source, target
            if not self.params.directed:
                low, high = ibis.least(source, target), ibis.greatest(source, target)
            return {"low": counts.ifelse(low, ibis.null(low.type())), "high": high}

        return self._place(self.table.first_again(keys))

    def _ends(self, rows: Table) -> tuple[Column, Column, BooleanValue]:
        source, target = self._value("source", rows), self._value("target", rows)
        return source, target, source == target

    def _place(self, found: FoundRow) -> str:
        names = (self.columns["source"].name, self.columns["target"].name)
        pair = " - ".join(str(found.values[name]) for name in names)
        if found.row is None:
            return pair
        file = f"{PurePath(found.name).name}, " if len(self.table.files) > 1 else ""
        return f"{file}row {found.row}, {pair}"


def edge_columns(table: SourceTable, params: SnapshotParams, *, text: bool) -> dict[str, CheckedColumn]:
    """Return how each column of an edge table is read; text: whether ids are strings."""
    kinds = table.table.schema()
    found = {
        name: columns.ids(column, kinds[column], text=text, typed=table.typed, id_type=params.id_type)
        for name, column in (("source", params.source_column), ("target", params.target_column))
    }
    optional: dict[str, tuple[str | None, Callable[[str, ibis.DataType], CheckedColumn]]] = {
        "time": (params.time_column, columns.times),
        "weight": (params.weight_column, columns.weights),
        "type": (params.type_column, columns.types),
    }
    return found | {
        name: reader(column, kinds[column]) for name, (column, reader) in optional.items() if column is not None
    }


def row_counts(rows: EdgeRows, counts: EdgeCounts, *, num_pairs: int, reciprocal: int, until: int) -> RowCounts:
    """Return what became of the rows, with the first at fault where that is refused: to find it takes a pass.

    until: the as-of, in unix seconds.
    """
    params = rows.params
    repeated = counts.kept - counts.self_loops - num_pairs - reciprocal
    refuses_loops = params.self_loops == "refuse" and counts.self_loops > 0
    refuses_repeats = params.duplicates == "refuse" and params.kind == "full_dump" and repeated > 0
    return RowCounts(
        read=counts.read,
        self_loops=counts.self_loops,
        repeated=repeated,
        reciprocal=reciprocal,
        later=counts.later,
        late=counts.late,
        left_out=counts.left_out,
        first_self_loop=rows.first_self_loop() if refuses_loops else "",
        first_repeated=rows.first_repeated() if refuses_repeats else "",
        first_later=rows.first_later(until) if params.kind == "full_dump" and counts.later else "",
    )


def _times(condition: BooleanValue) -> Column:
    return condition.ifelse(1, 0).sum()
