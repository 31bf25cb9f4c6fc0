from datetime import datetime, timedelta, timezone

from pipeline.records.names import stamp
from pipeline.snapshots.published import snapshot_tag, split_tag

CET = timezone(timedelta(hours=1))


def test_tags_carry_the_time_in_utc_and_no_colon() -> None:
    as_of = datetime(2026, 1, 1, 0, 30, tzinfo=CET)
    assert stamp(as_of) == "20251231T233000Z"
    assert snapshot_tag("demo", as_of, "ab" * 32) == "snap/demo/20251231T233000Z/abababababab"
    assert split_tag("demo", as_of, "cd" * 32) == "split/demo/20251231T233000Z/cdcdcdcdcdcd"
