from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import InvalidInput, NotDelivered
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery, RowCounts
from pipeline.sources.judge import require_recent, require_usable
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import triangle_with_tail

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())


def of_rows(rows: RowCounts) -> Delivery:
    return dataclasses.replace(delivered(triangle_with_tail(), name="edges.csv"), rows=rows)


def test_a_delivery_of_the_night_passes() -> None:
    require_usable(delivered(triangle_with_tail()), SnapshotParams(), AS_OF)


def test_a_full_dump_that_reaches_beyond_the_night_is_refused_with_its_first_row() -> None:
    rows = RowCounts(read=4, later=2, first_later="edges.csv, row 3: time is 9")
    message = (
        r"row 3: time is 9, after the as-of 2026-01-02T00:00:00\+00:00 \(2 such rows\).*add its zone.*kind: event_log"
    )
    with pytest.raises(InvalidInput, match=message):
        require_usable(of_rows(rows), SnapshotParams(time_column="time"), AS_OF)
    require_usable(of_rows(rows), SnapshotParams(time_column="time", kind="event_log"), AS_OF)


def test_a_first_delivery_of_which_no_row_counts_is_refused_and_a_later_quiet_night_is_not() -> None:
    log = SnapshotParams(time_column="time", kind="event_log")
    later, left_out = of_rows(RowCounts(read=3, later=3)), of_rows(RowCounts(read=3, left_out=3))
    with pytest.raises(InvalidInput, match=r"edges\.csv holds 3 events, all after the as-of.*that time is in seconds"):
        require_usable(later, log, AS_OF)
    with pytest.raises(InvalidInput, match=r"holds 3 rows, and all are left out.*Lower snapshot\.minimum_weight"):
        require_usable(left_out, log, AS_OF)
    require_usable(dataclasses.replace(later, since=NOW - 1), log, AS_OF)


def test_the_age_is_that_of_the_newest_event_or_without_times_of_the_newest_file() -> None:
    dump = dataclasses.replace(delivered(triangle_with_tail()), modified=AS_OF - timedelta(hours=3))
    require_usable(dump, SnapshotParams(max_source_age_hours=3), AS_OF)
    with pytest.raises(NotDelivered, match=r"2026-01-01T21:00:00\+00:00, 3\.0 hours.*allows 2\."):
        require_usable(dump, SnapshotParams(max_source_age_hours=2), AS_OF)
    log = SnapshotParams(time_column="time", kind="event_log", max_source_age_hours=2)
    require_usable(dataclasses.replace(dump, newest=NOW - 3600), log, AS_OF)
    quiet = dataclasses.replace(dump, since=NOW - 9 * 3600, read_after=NOW - 9 * 3600)
    with pytest.raises(NotDelivered, match=r"it says nothing new since 2026-01-01T15:00:00\+00:00, 9\.0 hours"):
        require_usable(quiet, log, AS_OF)


def test_a_source_within_its_age_passes() -> None:
    require_recent("edges", AS_OF, 24, newest=AS_OF - timedelta(hours=24))
    require_recent("edges", AS_OF, 24, newest=AS_OF + timedelta(hours=1))  # a file written after the as-of
    require_recent("edges", AS_OF, 24, newest=None, not_after=AS_OF - timedelta(hours=23))


def test_a_source_that_stopped_delivering_is_named_with_age_limit_and_remedy() -> None:
    message = (
        r"edges did not deliver: .*2025-12-31T23:00:00\+00:00, 25\.0 hours before .*allows 24\. Ask .*raise the limit"
    )
    with pytest.raises(NotDelivered, match=message) as caught:
        require_recent("edges", AS_OF, 24, newest=AS_OF - timedelta(hours=25))
    assert caught.value.exit_code == 66
    with pytest.raises(NotDelivered, match=r"nothing new since 2025-12-31T23:00:00\+00:00, 25\.0 hours"):
        require_recent("edges", AS_OF, 24, newest=None, not_after=AS_OF - timedelta(hours=25))


def test_an_age_that_cannot_be_known_is_no_silent_pass() -> None:
    with pytest.raises(InvalidInput, match=r"max_source_age_hours is 24, but edges does not say.*time_column.*null"):
        require_recent("edges", AS_OF, 24, newest=None)
