"""A source that went on answering but stopped delivering: what it says is too old for the night."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.errors import InvalidInput, OutsideTrouble


def require_recent(
    name: str, as_of: datetime, limit_hours: float, *, newest: datetime | None, not_after: datetime | None = None
) -> None:
    """Check the age of the newest of what a source says, an event or else a file.

    not_after: what the newest is known not to lie after, where nothing newer was found.

    Raises:
        OutsideTrouble: it is older than the limit: tonight's delivery may still come.
        InvalidInput: the age cannot be known.
    """
    known = newest or not_after
    if known is None:
        raise InvalidInput(
            f"snapshot.max_source_age_hours is {limit_hours:g}, but {name} does not say how old it is. Set "
            f"snapshot.time_column, or set snapshot.max_source_age_hours: null."
        )
    age = (as_of - known).total_seconds() / 3600
    if age > limit_hours:
        what = f"its newest information is of {known.astimezone(UTC).isoformat()}, {age:.1f} hours"
        if newest is None:
            what = f"it says nothing new since {known.astimezone(UTC).isoformat()}, {age:.1f} hours"
        raise OutsideTrouble(
            f"{name} did not deliver: {what} before the as-of {as_of.isoformat()}, where "
            f"snapshot.max_source_age_hours allows {limit_hours:g}. Ask the owner of the export; the run tries again "
            f"by itself. If the source is seldom written, raise the limit, or set it to null."
        )
