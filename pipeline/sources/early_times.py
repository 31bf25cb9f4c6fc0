"""Numbers in a time column that are no unix seconds: dates as digits, days and years.

Read as seconds they are all moments of the seventies: every event lies before the first as-of, and none after it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

EARLY = 315_532_800  # 1980-01-01: dates as digits up to 99991231 and days up to the year 9999 lie before it
EPOCH = date(1970, 1, 1)
YEARS = range(1800, 2201)
DAYS = range(3653, 73_050)  # 1980 to 2169
REMEDY = (
    "Deliver unix seconds or timestamps, or convert the column in a query (docs/sources.md, Times). Numbers that truly "
    "are seconds of that time are taken as timestamps: to_timestamp in such a query"
)


def said_of_early(value: object) -> str:
    """Return what a message says of a number in a column without a time of 1980 or later: what it would be."""
    number = int(float(str(value)))
    read = datetime.fromtimestamp(number, UTC)
    meant = _meant(number)
    return (
        f"as unix seconds is {read:%Y-%m-%d %H:%M:%S}, and the whole column has nothing from 1980 on. "
        f"{f'It looks like {meant}. ' if meant else ''}{REMEDY}."
    )


def _meant(number: int) -> str | None:
    digits = str(number)
    if len(digits) == 8:
        try:
            return f"the date {date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()}, written YYYYMMDD"
        except ValueError:
            return None
    if number in YEARS:
        return f"the year {number}"
    return f"a count of days, {(EPOCH + timedelta(days=number)).isoformat()}" if number in DAYS else None


def moment(seconds: int) -> str:
    """Return unix seconds as messages show a time: ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
