import dataclasses
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pytest

from pipeline.checks.repeats import Baseline, new_delivery, no_older_delivery
from pipeline.params.snapshot import SnapshotParams
from pipeline.snapshots.published import PublishedSnapshot, snapshot_tag
from tests.fixtures.checked_nights import AS_OF, BEFORE, PARAMS
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import ring

LOG = SnapshotParams(kind="event_log", time_column="time")


def baseline(source_sha256: str, *earlier: PublishedSnapshot) -> Baseline:
    return Baseline(BEFORE, source_sha256, num_edges=4, ids_are_text=False, earlier=earlier)


def published(as_of: datetime, source_sha256: str) -> PublishedSnapshot:
    return PublishedSnapshot(
        graph="demo",
        tag=snapshot_tag("demo", as_of, "c" * 64),
        as_of=as_of,
        content_id="c" * 64,
        source_sha256=source_sha256,
        num_edges=4,
        previous_tag=None,
        dvc_md5="d" * 32,
        manifest_sha256="e" * 64,
    )


def test_same_bytes_under_a_new_date_are_refused() -> None:
    delivery = delivered(ring(4))
    found = new_delivery(delivery, PARAMS, baseline(delivery.sha256))
    assert found.refuses
    assert "redelivered an old file under a new date" in found.message
    assert "snapshot.identical_delivery: unchanged" in found.message
    assert not new_delivery(delivery, SnapshotParams(identical_delivery="unchanged"), baseline(delivery.sha256)).refuses
    assert new_delivery(delivery, PARAMS, baseline("0" * 64)).result.passed


@pytest.mark.parametrize(("last_event", "refused"), [(BEFORE, True), (AS_OF, False)])
def test_log_of_a_night_may_have_old_bytes_only_where_its_events_come_due(last_event: datetime, refused: bool) -> None:
    delivery = delivered(ring(4).assign(time=np.int64(last_event.timestamp())))
    older = baseline("0" * 64, published(datetime(2025, 12, 24, tzinfo=UTC), delivery.sha256))
    assert new_delivery(delivery, LOG, baseline(delivery.sha256)).refuses == refused
    assert no_older_delivery(delivery, LOG, older).refuses == refused


def test_one_log_for_all_nights_may_stay_as_it_is_but_not_go_back() -> None:
    delivery = dataclasses.replace(delivered(ring(4).assign(time=0)), dated=False)
    found = new_delivery(delivery, LOG, baseline(delivery.sha256)).result
    assert (found.observed.partition(", ")[2], found.passed) == ("the same bytes", True)
    older = baseline("0" * 64, published(datetime(2025, 12, 24, tzinfo=UTC), delivery.sha256))
    assert no_older_delivery(delivery, LOG, older).refuses
    # Of a dump, one file for all nights is expected to be written anew.
    assert new_delivery(delivery, PARAMS, baseline(delivery.sha256)).refuses


@pytest.mark.parametrize("identical", ["refuse", "unchanged"])
def test_bytes_of_any_earlier_snapshot_are_refused(identical: Literal["refuse", "unchanged"]) -> None:
    delivery = delivered(ring(4))
    older = published(datetime(2025, 12, 24, tzinfo=UTC), delivery.sha256)
    held = baseline("0" * 64, older, published(BEFORE, "0" * 64))
    found = no_older_delivery(delivery, SnapshotParams(identical_delivery=identical), held)
    assert found.refuses
    assert f"for 2025-12-24T00:00:00+00:00 (snapshot {older.tag})" in found.message
    assert "Ask it for tonight" in found.message


def test_unchanged_bytes_may_repeat_for_many_nights() -> None:
    delivery = delivered(ring(4))
    both = (published(datetime(2025, 12, 24, tzinfo=UTC), delivery.sha256), published(BEFORE, delivery.sha256))
    held, params = baseline(delivery.sha256, *both), SnapshotParams(identical_delivery="unchanged")
    assert not new_delivery(delivery, params, held).refuses
    assert not no_older_delivery(delivery, params, held).refuses
