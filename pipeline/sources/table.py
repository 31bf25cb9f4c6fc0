"""A delivered table as a lazy expression, and its checks.

One pass counts the values that break a rule. Only if there are any does a second pass look for the first such row.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn  # Any: a row holds values of every type that a file knows

import ibis
from ibis.expr.types import BooleanValue, Column, Table

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import IdType
from pipeline.sources.columns import CheckedColumn, Rule, are_text

Needed = Sequence[tuple[str, str]]  # the parameter that names a column, and the column
ROW, FILE, SEEN, READ = "ncnc_row", "ncnc_file", "ncnc_seen", "ncnc_read"


@dataclass(frozen=True)
class FoundRow:
    """A row that a message names; row: counted from 1 after the header, or None if rows have no numbers."""

    name: str
    row: int | None
    values: dict[str, Any]

    @property
    def place(self) -> str:
        """Where the row stands, to begin a message with."""
        return self.name if self.row is None else f"{self.name}, row {self.row}"


@dataclass(frozen=True)
class SourceTable:
    """One delivered table. typed: False for CSV, where every column comes as text.

    files: the name of each file, and its rows in the file's order. Without files, rows have no numbers, as in a
    database.
    """

    name: str
    table: Table
    typed: bool
    files: Sequence[tuple[str, Table]] = ()

    def ids_are_text(self, *columns: str, id_type: IdType = "auto") -> bool | None:
        """Return whether ids are strings; None if there is no row, since the type of an empty column says nothing.

        Raises:
            InvalidInput: a column's type cannot hold ids, or one column holds strings and another numbers.
        """
        kinds = {
            column: are_text(self.name, self.table[column], typed=self.typed, id_type=id_type) for column in columns
        }
        if not self.table.limit(1).count().to_pyarrow().as_py():
            return None
        if len(set(kinds.values())) > 1:
            said = ", ".join(f"{column} holds {'strings' if text else 'integers'}" for column, text in kinds.items())
            raise InvalidInput(f"{self.name} mixes kinds of ids: {said}. Make all of them int64, or all strings.")
        return kinds[columns[0]]

    def check(self, columns: Sequence[CheckedColumn]) -> None:
        """Count in one pass the values that break rules; for the first broken rule, name its first row.

        Raises:
            InvalidInput: a value breaks a rule, or a column's type makes it useless.
        """
        # The columns after one of a useless type are not read.
        unfit = next((position for position, column in enumerate(columns) if column.refusal), len(columns))
        rules = [(column, rule) for column in columns[: unfit + 1] for rule in column.rules]
        sums = {f"rule{n}": rule.broken_by(self.table[column.name]).sum() for n, (column, rule) in enumerate(rules)}
        asked = {**sums, "rows": self.table.count()}
        counts = self.table.aggregate(**asked).to_pyarrow().to_pylist()[0] if sums else {}
        for n, (column, rule) in enumerate(rules):
            count = counts[f"rule{n}"]
            if count and (count == counts["rows"] or not rule.of_all):
                self.refuse(column, rule, count)
        if unfit < len(columns):
            raise InvalidInput(f"{self.name} {columns[unfit].refusal}")

    def refuse(self, column: CheckedColumn, rule: Rule, count: int) -> NoReturn:
        """Name the first row that breaks a rule, with its value as it stands in the file.

        Raises:
            InvalidInput: always.
        """
        found = self.first(lambda table: rule.broken_by(table[column.name]))
        more = f" ({count} such rows)" if count > 1 else ""
        value = found.values[column.name]
        says = rule.says if isinstance(rule.says, str) else rule.says(value)
        raise InvalidInput(f"{found.place}: {column.name} is {value!r}, which {says}{more}")

    def first(self, wrong: Callable[[Table], BooleanValue], read: CheckedColumn | None = None) -> FoundRow:
        """Return the first wrong row; there must be one. read: a column whose value is also given as it is read."""

        def shown(table: Table) -> Table:
            return table if read is None else table.mutate(**{READ: read.parse(table[read.name])})

        for name, table in self.files:
            numbered = shown(_numbered(table))
            if found := _rows(numbered.filter(wrong(numbered)).order_by(ROW).limit(1)):
                return FoundRow(name, found[0][ROW] + 1, found[0])
        table = shown(self.table)
        return FoundRow(self.name, None, _rows(table.filter(wrong(table)).limit(1))[0])

    def first_again(self, keys: Callable[[Table], Mapping[str, Column]]) -> FoundRow:
        """Return the first row with the keys of an earlier row; there must be one. Null keys do not count."""
        parts = self.files or [(self.name, self.table)]
        keyed = []
        for number, (_, table) in enumerate(parts):
            numbered = _numbered(table)
            keyed.append(numbered.select(ROW, **{FILE: ibis.literal(number)}, **keys(numbered)))
        rows = ibis.union(*keyed) if len(keyed) > 1 else keyed[0]
        names = [name for name in rows.columns if name not in (ROW, FILE)]
        times_seen = ibis.row_number().over(group_by=names, order_by=[FILE, ROW])
        again = rows.drop_null(names).mutate(**{SEEN: times_seen}).filter(ibis._[SEEN] > 0)
        found = _rows(again.order_by(FILE, ROW).limit(1))[0]
        name, table = parts[found[FILE]]
        numbered = _numbered(table)
        values = _rows(numbered.filter(numbered[ROW] == found[ROW]))[0]
        return FoundRow(name, found[ROW] + 1 if self.files else None, values)

    def parsed(self, columns: Mapping[str, CheckedColumn]) -> Table:
        """Return the columns as they are read, under the names given."""
        return self.table.select(**{name: column.parse(self.table[column.name]) for name, column in columns.items()})


def require_columns(name: str, columns: Sequence[str], needed: Needed, *, typed: bool = True) -> None:
    """Check that the columns that params.yaml names are in a table; typed: False where line 1 gives their names.

    Raises:
        InvalidInput: one is missing; the nearest existing one is named.
    """
    for parameter, column in needed:
        if column in columns:
            continue
        near = difflib.get_close_matches(column, columns, n=1, cutoff=0.0)
        header = "" if typed else "If line 1 is a row and no header, put a header before it. Else: "
        raise InvalidInput(
            f"{name} has no column {column!r}; its columns are {', '.join(columns)}. {header}Rename one, or "
            f"set snapshot.{parameter} in params.yaml (nearest: {near[0] if near else 'none'})."
        )


def _numbered(table: Table) -> Table:
    # Without an order: DuckDB reads a file in its order, so rows get the numbers that they have there.
    return table.mutate(**{ROW: ibis.row_number()})


def _rows(table: Table) -> list[dict[str, Any]]:
    # Times as text: Python's datetime has neither years beyond 9999 nor a database's infinity.
    times = [name for name, kind in table.schema().items() if kind.is_temporal()]
    shown = table.mutate(**{name: table[name].cast("string") for name in times})
    rows: list[dict[str, Any]] = shown.to_pyarrow().to_pylist()
    return rows
