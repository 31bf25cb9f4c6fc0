"""The columns of a delivered table: how the values of each kind are read, and the rules that they must keep.

The kinds are ids, features, weights, types and times. A message about a wrong value names the file, the row, the value
and the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import ibis
from ibis.expr.types import BooleanValue, Column

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import IdType
from pipeline.sources.early_times import EARLY, said_of_early

WHOLE_NUMBER = r"^\s*[+-]?[0-9]+\s*$"

# pandas writes integers this way when one value of their column is missing.
WHOLE_FLOAT = r"^\s*[+-]?[0-9]+\.0*\s*$"
OUTER_SPACE = r"^[\s\v\p{Z}\x{FEFF}\x{200B}]|[\s\v\p{Z}\x{FEFF}\x{200B}]$"
CONTROL = r"\p{Cc}"
LEADING_ZERO = r"^\s*[+-]?0[0-9]"
MISSING_WORDS = ("", "nan", "null", "none", "n/a")
ID_REMEDY = (
    "Ids are int64 from 0 up, or strings. Mend the row, or leave it out, and deliver the file again; if the ids are "
    "text, set snapshot.id_type: text."
)
ZERO_REMEDY = (
    "Read as a number, it loses its leading zeros, and is the same node as the id without them. Set snapshot.id_type: "
    "text if they matter, or integer if they do not."
)
FLOAT_REMEDY = "Ids are int64 from 0 up, or strings: write 3, not 3.0. Export the column as integers and deliver again."
SPACE_REMEDY = "With it the id is another node than without it. Strip the column in the export and deliver again."
CONTROL_REMEDY = "Arrays cut NUL off, so that two ids become one node. Take such characters out in the export."
FEATURE_REMEDY = "Features are finite numbers. Fill the value in the node table, or shorten snapshot.feature_columns."
WEIGHT_REMEDY = (
    "Weights are finite numbers. Fill the value in the edge table. If every row counts, whatever its "
    "weight, set snapshot.weight_column and snapshot.minimum_weight: null."
)
TYPE_REMEDY = (
    "Types are strings or whole numbers. Cast the column in the export. If every row counts, whatever its type, set "
    "snapshot.type_column: null and snapshot.edge_types: []."
)
TIME_REMEDY = "Times are unix seconds or timestamps from 1970 on, UTC where no zone is given. Mend the row."
UNIT_REMEDY = "Times are unix seconds or timestamps: check that they are in no finer unit, and no dates."
ZONE_REMEDY = "A time without a zone is read as UTC: to a local one, add its zone (+02:00)."
FLOAT32_LIMIT = 3.4028235677973366e38  # the least number that rounds to infinity in float32
MICROSECONDS = 6  # digits behind the second
LATEST_TIME = 253_402_300_799  # the last second of 9999, beyond which Python has no datetime


@dataclass(frozen=True)
class Rule:
    """One rule: which raw values break it, and what the message says of the first of them; of_all: only if all do."""

    broken_by: Callable[[Column], BooleanValue]
    says: str | Callable[[object], str]
    of_all: bool = False


@dataclass(frozen=True)
class CheckedColumn:
    """A column's name, how its values are read, and the rules that they must keep.

    refusal: why no value of the column's type can be used, if that is so. Reading and rules are functions of the raw
    column, not expressions: the same function counts over the whole table and finds the row in one of its files.
    """

    name: str
    parse: Callable[[Column], Column]
    rules: tuple[Rule, ...]
    refusal: str | None = None


def ids(name: str, kind: ibis.DataType, *, text: bool, typed: bool, id_type: IdType = "auto") -> CheckedColumn:
    """Return a column of node ids: strings, or int64 from 0 up."""
    refusal = f"holds column {name!r} as {kind}. {ID_REMEDY}" if kind.is_floating() else None
    # Where the ids are known to be strings, a node may be called null. An empty field is no name.
    named = typed or id_type == "text"

    def parse(values: Column) -> Column:
        if kind.is_uuid() or (text and not kind.is_string()):  # a column without a row may have any type
            return values.cast("string")
        if text:
            missing = (values.isnull() | (values == "")) if named else _missing(values)
            return missing.ifelse(ibis.null("string"), values)
        if kind.is_string():
            return values.re_search(WHOLE_NUMBER).ifelse(values.try_cast("int64"), ibis.null("int64"))
        if kind.is_floating():
            return _finite(values).ifelse(values.try_cast("int64"), ibis.null("int64"))
        if kind.is_decimal():
            return (values == values.floor()).ifelse(values.try_cast("int64"), ibis.null("int64"))
        return values.try_cast("int64")

    rules = _id_rules(kind, parse, text=text, numbers_in_text=not typed and not text, id_type=id_type)
    return CheckedColumn(name, parse, tuple(rules), refusal)


def _id_rules(
    kind: ibis.DataType, parse: Callable[[Column], Column], *, text: bool, numbers_in_text: bool, id_type: IdType
) -> list[Rule]:
    # A missing integer makes pandas write the whole column as floats: name the missing one before the type.
    rules = [Rule(lambda values: parse(values).isnull(), f"is no node id. {ID_REMEDY}")]
    if numbers_in_text:
        rules.insert(0, Rule(lambda values: values.re_search(WHOLE_FLOAT), f"is a float. {FLOAT_REMEDY}"))
        if id_type == "auto":
            rules.append(Rule(lambda values: values.re_search(LEADING_ZERO), f"has leading zeros. {ZERO_REMEDY}"))
    if text and kind.is_string():
        rules.append(Rule(lambda values: values.re_search(OUTER_SPACE), f"has outer whitespace. {SPACE_REMEDY}"))
        rules.append(Rule(lambda values: values.re_search(CONTROL), f"has a control character. {CONTROL_REMEDY}"))
    if not text and not kind.is_floating():
        rules.append(Rule(lambda values: parse(values) < 0, f"is negative. {ID_REMEDY}"))
    return rules


def features(name: str, kind: ibis.DataType) -> CheckedColumn:
    """Return a column of features, finite as float32."""
    useful = kind.is_numeric() or kind.is_boolean() or kind.is_string()
    number = _number(name, ("is no number", "is not finite as float32"), FEATURE_REMEDY, limit=FLOAT32_LIMIT)
    return number if useful else CheckedColumn(name, number.parse, (), _unfit(name, kind, FEATURE_REMEDY))


def weights(name: str, kind: ibis.DataType) -> CheckedColumn:
    """Return a column of edge weights."""
    useful = kind.is_numeric() or kind.is_string()
    number = _number(name, ("is no weight", "is not finite"), WEIGHT_REMEDY, limit=math.inf)
    return number if useful else CheckedColumn(name, number.parse, (), _unfit(name, kind, WEIGHT_REMEDY))


def types(name: str, kind: ibis.DataType) -> CheckedColumn:
    """Return a column of edge types as strings; snapshot.edge_types never chooses a row without a type."""
    useful = kind.is_string() or kind.is_integer()
    return CheckedColumn(
        name, lambda values: values.cast("string"), (), None if useful else _unfit(name, kind, TYPE_REMEDY)
    )


def times(name: str, kind: ibis.DataType) -> CheckedColumn:
    """Return a column of times as unix seconds, from seconds or timestamps (without a zone: UTC).

    Raises:
        InvalidInput: the type is neither.
    """

    def parse(values: Column) -> Column:
        if kind.is_string():
            # The plain type timestamp would drop the zone that the text names.
            stamp = values.try_cast("timestamp('UTC')")
            return ibis.coalesce(_whole(values.try_cast("float64")), _whole_seconds(stamp))
        if kind.is_timestamp():
            return _whole_seconds(values)
        if kind.is_date():
            return _whole_seconds(values.cast("timestamp"))
        if kind.is_floating():
            return _whole(values)
        if kind.is_decimal():
            return values.floor().try_cast("int64")
        return values.try_cast("int64")

    def is_early(values: Column) -> BooleanValue:
        early = parse(values) < EARLY
        return early & values.try_cast("float64").notnull() if kind.is_string() else early & kind.is_numeric()

    known = (kind.is_string(), kind.is_timestamp(), kind.is_date(), kind.is_numeric())
    return CheckedColumn(
        name,
        parse,
        (
            Rule(lambda values: parse(values).isnull(), f"is no time. {TIME_REMEDY}"),
            Rule(lambda values: parse(values) < 0, f"is before 1970. {TIME_REMEDY}"),
            Rule(lambda values: parse(values) > LATEST_TIME, f"is beyond the year 9999. {UNIT_REMEDY}"),
            Rule(is_early, said_of_early, of_all=True),
        ),
        None if any(known) and not kind.is_boolean() else f"holds column {name!r} as {kind}. {TIME_REMEDY}",
    )


def are_text(name: str, values: Column, *, typed: bool, id_type: IdType = "auto") -> bool:
    """Return whether a column of ids holds strings.

    In a text file, that is what id_type says; with `auto`, ids are numbers where most of them look like one.

    Raises:
        InvalidInput: values of this type cannot be ids.
    """
    kind = values.type()
    if id_type == "text" and (kind.is_integer() or kind.is_string()):
        return True
    if id_type == "integer" and kind.is_string():
        return False
    if kind.is_uuid() or (kind.is_string() and typed):
        return True
    if kind.is_string():
        whole, missing = values.re_search(WHOLE_NUMBER) | values.re_search(WHOLE_FLOAT), _missing(values)
        counts = values.as_table().aggregate(whole=whole.sum(), other=(~whole & ~missing).sum())
        found = counts.to_pyarrow().to_pylist()[0]
        return bool((found["whole"] or 0) < (found["other"] or 0))
    if kind.is_integer() or kind.is_floating() or kind.is_decimal():
        return False
    raise InvalidInput(f"{name} {_unfit(values.get_name(), kind, ID_REMEDY)}")


def _number(name: str, says: tuple[str, str], remedy: str, *, limit: float) -> CheckedColumn:
    def parse(values: Column) -> Column:
        return values.try_cast("float64")

    def is_infinite(values: Column) -> BooleanValue:
        number = parse(values)
        return number.isnan() | (number.abs() >= limit)

    return CheckedColumn(
        name,
        parse,
        (
            Rule(lambda values: parse(values).isnull(), f"{says[0]}. {remedy}"),
            Rule(is_infinite, f"{says[1]}. {remedy}"),
        ),
    )


def _unfit(name: str, kind: ibis.DataType, remedy: str) -> str:
    return f"holds column {name!r} as {kind}. {remedy}"


def _missing(values: Column) -> BooleanValue:
    return values.isnull() | values.strip().lower().isin(MISSING_WORDS)


def _finite(values: Column) -> BooleanValue:
    """Return which floating numbers are neither missing nor NaN nor infinite."""
    return ~(values.isnull() | values.isnan() | values.isinf())


def _whole(values: Column) -> Column:
    return _finite(values).ifelse(values.floor().try_cast("int64"), ibis.null("int64"))


def _whole_seconds(stamps: Column) -> Column:
    """Return the unix second in which each timestamp lies: a fraction is cut off, never rounded up."""
    second = stamps.truncate("s")
    seconds = second.epoch_seconds().cast("int64")
    kind = stamps.type()
    if kind.scale is None or kind.scale <= MICROSECONDS:
        return seconds
    # Nanoseconds are first rounded to microseconds. The last few of a second would count as the next second.
    return (second.cast("timestamp").try_cast(kind) > stamps).ifelse(seconds - 1, seconds)
