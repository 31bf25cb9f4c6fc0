"""The judge: it refuses a delivery of which no row counts, which reaches beyond the night, or which is too old.

The checks of what the rows say, and of the graph they make, come afterwards: see `pipeline.checks`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.errors import InvalidInput, NotDelivered, WrongAsOf
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.columns import ZONE_REMEDY
from pipeline.sources.delivery import Delivery
from pipeline.sources.early_times import moment


def require_usable(delivery: Delivery, params: SnapshotParams, as_of: datetime) -> None:
    """Refuse a delivery that is not the one of the night `as_of`.

    Raises:
        InvalidInput: no row counts, a full dump holds rows from after the as-of, or the age cannot be known.
        NotDelivered: the newest that it holds is too old; tonight's may still come.
    """
    until = int(as_of.timestamp())
    if params.kind == "full_dump" and delivery.rows.later:
        _refuse_later(delivery, until)
    if not delivery.rows.kept and delivery.since is None:
        _refuse_without_rows(delivery, params, until)
    if params.max_source_age_hours is not None:
        newest, not_after = delivery.modified, None
        if params.time_column is not None:
            newest, not_after = _moment(delivery.newest), _moment(delivery.read_after)
        require_recent(delivery.edges_file, as_of, params.max_source_age_hours, newest=newest, not_after=not_after)


def require_recent(
    name: str, as_of: datetime, limit_hours: float, *, newest: datetime | None, not_after: datetime | None = None
) -> None:
    """Check the age of a source's newest event or, where it gives no times, of its newest file.

    not_after: where no newest event was found, the time after which none was found.

    Raises:
        NotDelivered: it is older than the limit: tonight's delivery may still come.
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
        raise NotDelivered(
            f"{name} did not deliver: {what} before the as-of {as_of.isoformat()}, where "
            f"snapshot.max_source_age_hours allows {limit_hours:g}. Ask the owner of the export; the run tries again "
            f"by itself. If the source is seldom written, raise the limit, or set it to null."
        )


def _refuse_later(delivery: Delivery, until: int) -> None:
    rows = delivery.rows
    raise WrongAsOf(
        f"{rows.first_later}, after the as-of {moment(until)} ({rows.later} such rows). A full dump holds what had "
        f"happened by then: check the source's clock and the date of the file. {ZONE_REMEDY} If it is a log that is "
        f"written ahead, set snapshot.kind: event_log in params.yaml: such rows then wait for a later night."
    )


def _refuse_without_rows(delivery: Delivery, params: SnapshotParams, until: int) -> None:
    name, rows = delivery.edges_file, delivery.rows
    if rows.later:
        raise WrongAsOf(
            f"{name} holds {rows.later} events, all after the as-of {moment(until)}. Pass a later as-of, or check that "
            f"{params.time_column} is in seconds. {ZONE_REMEDY}"
        )
    if rows.left_out:
        raise InvalidInput(
            f"{name} holds {rows.left_out} rows, and all are left out: none has the weight and type asked for. Lower "
            f"snapshot.minimum_weight, or correct snapshot.edge_types in params.yaml."
        )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
