from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from pipeline.records.names import MODEL_PATH, STAMP_FORMAT, stamp


def test_a_stamp_is_in_utc_whatever_the_zone_of_the_time() -> None:
    night = datetime(2026, 1, 2, 4, 30, 5, tzinfo=timezone(timedelta(hours=1)))
    assert stamp(night) == "20260102T033005Z"
    assert datetime.strptime(stamp(night), STAMP_FORMAT).replace(tzinfo=UTC) == night


def test_the_packed_model_lies_where_the_served_model_looks_for_it() -> None:
    assert MODEL_PATH == "artifacts/link_model"
