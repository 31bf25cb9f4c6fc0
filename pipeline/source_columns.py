"""A delivered table's columns as arrays; a wrong value is named by file, row, value and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
from ibis.expr.types import BooleanValue, Column, Table
from numpy.typing import NDArray

from pipeline.delivery import Ids
from pipeline.errors import InvalidInput

WHOLE_NUMBER = r"^\s*[+-]?[0-9]+\s*$"
# What pandas writes of integers that a missing one beside them turned into floats.
WHOLE_FLOAT = r"^\s*[+-]?[0-9]+\.0*\s*$"
OUTER_SPACE = r"^[\s\v\p{Z}\x{FEFF}\x{200B}]|[\s\v\p{Z}\x{FEFF}\x{200B}]$"
MISSING_WORDS = ("", "nan", "null", "none", "n/a")
ID_REMEDY = "Ids are int64 from 0 up, or strings. Mend the row, or leave it out, and deliver the file again."
FLOAT_REMEDY = "Ids are int64 from 0 up, or strings: write 3, not 3.0. Export the column as integers and deliver again."
SPACE_REMEDY = "It would be another node than the id without it. Strip the column in the export and deliver again."
TIME_REMEDY = "Times are unix seconds or timestamps from 1970 on, UTC where no zone is given. Mend the row."
FEATURE_REMEDY = "Features are finite numbers. Fill the value in the node table, or shorten snapshot.feature_columns."


@dataclass(frozen=True)
class SourceTable:
    """One delivered file as a lazy table. typed: False for CSV, where every column comes as text."""

    name: str
    table: Table
    typed: bool

    def require(self, needed: Mapping[str, str]) -> None:
        """Check that the columns that params.yaml names are here; `needed` is parameter name to column name.

        Raises:
            InvalidInput: one is missing; the nearest existing one is named.
        """
        columns = self.table.columns
        for parameter, column in needed.items():
            if column in columns:
                continue
            near = difflib.get_close_matches(column, columns, n=1, cutoff=0.0)
            raise InvalidInput(
                f"{self.name} has no column {column!r}; its columns are {', '.join(columns)}. Rename one, or set "
                f"snapshot.{parameter} in params.yaml (nearest: {near[0] if near else 'none'})."
            )

    def ids_are_text(self, *columns: str) -> bool:
        """Return whether ids are strings; in CSV, ids are numbers where most of them look like one.

        Raises:
            InvalidInput: a column's type makes no id, or one column holds strings and another numbers.
        """
        kinds = {column: self._is_text(column) for column in columns}
        if len(set(kinds.values())) > 1:
            said = ", ".join(f"{column} holds {'strings' if text else 'integers'}" for column, text in kinds.items())
            raise InvalidInput(f"{self.name} mixes kinds of ids: {said}. Make all of them int64, or all strings.")
        return kinds[columns[0]]

    def ids(self, column: str, *, text: bool) -> Ids:
        """Return a column of node ids: int64, or str objects.

        Raises:
            InvalidInput: an id is missing, negative, or no whole number where ids are numbers.
        """
        values = self.table[column]
        kind = values.type()
        if text:
            parsed = _missing(values).ifelse(ibis.null("string"), values)
        elif kind.is_string():
            parsed = values.re_search(WHOLE_NUMBER).ifelse(values.try_cast("int64"), ibis.null("int64"))
        elif kind.is_floating():
            # pandas makes floats of integers beside a missing one: name the missing one first.
            parsed = _finite(values).ifelse(values.try_cast("int64"), ibis.null("int64"))
        else:
            parsed = values.try_cast("int64")
        if not self.typed and not text:
            self._refuse_first(values.re_search(WHOLE_FLOAT), column, f"is a float. {FLOAT_REMEDY}")
        found = self._present(parsed, column, f"is no node id. {ID_REMEDY}")
        if kind.is_floating():
            raise InvalidInput(f"{self.name} holds column {column!r} as {kind}. {ID_REMEDY}")
        if text:
            self._refuse_first(values.re_search(OUTER_SPACE), column, f"has outer whitespace. {SPACE_REMEDY}")
            return np.asarray(found.to_pandas(), dtype=object)
        numbers: NDArray[np.int64] = found.to_numpy()
        self._refuse_where(numbers < 0, column, f"is negative. {ID_REMEDY}")
        return numbers

    def times(self, column: str) -> NDArray[np.int64]:
        """Return a column of times as unix seconds, from seconds or timestamps (without a zone: UTC).

        Raises:
            InvalidInput: a time is missing, before 1970, or neither seconds nor a timestamp.
        """
        values = self.table[column]
        kind = values.type()
        if kind.is_string():
            stamp = values.try_cast("timestamp").epoch_seconds().cast("int64")
            parsed = ibis.coalesce(_whole(values.try_cast("float64")), stamp)
        elif kind.is_timestamp() or kind.is_date():
            parsed = values.cast("timestamp").epoch_seconds().cast("int64")
        elif kind.is_floating():
            parsed = _whole(values)
        elif kind.is_integer():
            parsed = values.try_cast("int64")
        else:
            raise InvalidInput(f"{self.name} holds column {column!r} as {kind}. {TIME_REMEDY}")
        seconds: NDArray[np.int64] = self._present(parsed, column, f"is no time. {TIME_REMEDY}").to_numpy()
        self._refuse_where(seconds < 0, column, f"is before 1970. {TIME_REMEDY}")
        return seconds

    def features(self, columns: tuple[str, ...]) -> NDArray[np.float32]:
        """Return feature columns side by side, [rows, features].

        Raises:
            InvalidInput: a value is missing, no number, or not finite.
        """
        return np.stack([self._feature(column) for column in columns], axis=1)

    def _feature(self, column: str) -> NDArray[np.float32]:
        values = self.table[column]
        kind = values.type()
        if not (kind.is_numeric() or kind.is_boolean() or kind.is_string()):
            raise InvalidInput(f"{self.name} holds column {column!r} as {kind}. {FEATURE_REMEDY}")
        found = self._present(values.try_cast("float64"), column, f"is no number. {FEATURE_REMEDY}")
        numbers = found.to_numpy().astype(np.float32)
        self._refuse_where(~np.isfinite(numbers), column, f"is not finite as float32. {FEATURE_REMEDY}")
        # -0.0 and 0.0 are one value with two bit patterns: equal graphs must have equal bytes.
        return np.asarray(numbers + np.float32(0))

    def _is_text(self, column: str) -> bool:
        values = self.table[column]
        kind = values.type()
        if kind.is_string() and self.typed:
            return True
        if kind.is_string():
            whole, missing = values.re_search(WHOLE_NUMBER) | values.re_search(WHOLE_FLOAT), _missing(values)
            counts = self.table.aggregate(whole=whole.sum(), other=(~whole & ~missing).sum()).to_pyarrow().to_pylist()
            return bool((counts[0]["whole"] or 0) < (counts[0]["other"] or 0))
        if kind.is_integer() or kind.is_floating():
            return False
        raise InvalidInput(f"{self.name} holds column {column!r} as {kind}. {ID_REMEDY}")

    def _present(self, parsed: Column, column: str, rule: str) -> pa.ChunkedArray:
        """Run an expression over all rows, which DuckDB keeps in the file's order; a null refuses its row."""
        found = parsed.name("value").as_table().to_pyarrow()["value"]
        if found.null_count:
            self._refuse_where(found.is_null().to_numpy(), column, rule)
        return found

    def _refuse_first(self, wrong: BooleanValue, column: str, rule: str) -> None:
        if self.table.aggregate(any=wrong.any()).to_pyarrow().to_pylist()[0]["any"]:
            rows = wrong.fill_null(False).name("wrong").as_table().to_pyarrow()["wrong"]
            self._refuse_where(rows.to_numpy(), column, rule)

    def _refuse_where(self, bad: NDArray[np.bool_], column: str, rule: str) -> None:
        """Name the first bad row and its value as it stands in the file; rows count from 1, after the header."""
        if not bad.any():
            return
        first = int(np.flatnonzero(bad)[0])
        value = self.table.select(column).limit(1, offset=first).to_pyarrow().to_pylist()[0][column]
        more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
        raise InvalidInput(f"{self.name}, row {first + 1}: {column} is {value!r}, which {rule}{more}")


def _missing(values: Column) -> BooleanValue:
    return values.isnull() | values.strip().lower().isin(MISSING_WORDS)


def _finite(values: Column) -> BooleanValue:
    return ~(values.isnull() | values.isnan() | values.isinf())


def _whole(values: Column) -> Column:
    return _finite(values).ifelse(values.floor().try_cast("int64"), ibis.null("int64"))
