"""Columns of times: unix seconds, or timestamps of any unit and zone, cut down to the second in which they lie."""

from __future__ import annotations

import ibis
from ibis.expr.types import Column

from pipeline.source_columns import CheckedColumn, Rule, finite

TIME_REMEDY = "Times are unix seconds or timestamps from 1970 on, UTC where no zone is given. Mend the row."
UNIT_REMEDY = "Times are unix seconds or timestamps: see that they are not written in a finer unit than they say."
MICROSECONDS = 6  # digits behind the second
LATEST_TIME = 253_402_300_799  # the last second of 9999, beyond which Python has no datetime


def times(name: str, kind: ibis.DataType) -> CheckedColumn:
    """Return a column of times as unix seconds, from seconds or timestamps (without a zone: UTC).

    Raises:
        InvalidInput: the type is neither.
    """

    def parse(values: Column) -> Column:
        if kind.is_string():
            # A timestamp without a zone forgets the one that the text names; a session's zone is UTC.
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

    known = (kind.is_string(), kind.is_timestamp(), kind.is_date(), kind.is_numeric())
    return CheckedColumn(
        name,
        parse,
        (
            Rule(lambda values: parse(values).isnull(), f"is no time. {TIME_REMEDY}"),
            Rule(lambda values: parse(values) < 0, f"is before 1970. {TIME_REMEDY}"),
            Rule(lambda values: parse(values) > LATEST_TIME, f"is beyond the year 9999. {UNIT_REMEDY}"),
        ),
        None if any(known) and not kind.is_boolean() else f"holds column {name!r} as {kind}. {TIME_REMEDY}",
    )


def _whole(values: Column) -> Column:
    return finite(values).ifelse(values.floor().try_cast("int64"), ibis.null("int64"))


def _whole_seconds(stamps: Column) -> Column:
    """Return the unix second in which each timestamp lies: a fraction is cut off, never rounded up."""
    second = stamps.truncate("s")
    seconds = second.epoch_seconds().cast("int64")
    kind = stamps.type()
    if kind.scale is None or kind.scale <= MICROSECONDS:
        return seconds
    # Nanoseconds are rounded to microseconds first, by which the last of a second fall into the next.
    return (second.cast("timestamp").try_cast(kind) > stamps).ifelse(seconds - 1, seconds)
