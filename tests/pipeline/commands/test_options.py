from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from pipeline.commands.options import in_utc


def test_as_of_is_taken_as_utc_to_the_second() -> None:
    assert in_utc(datetime(2026, 1, 1, 3, 0, 0, 5)) == datetime(2026, 1, 1, 3, tzinfo=UTC)  # noqa: DTZ001
    ahead = timezone(timedelta(hours=2))
    assert in_utc(datetime(2026, 1, 1, 3, tzinfo=ahead)) == datetime(2026, 1, 1, 1, tzinfo=UTC)
