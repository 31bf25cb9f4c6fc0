from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pipeline.ledger.night import broken_off_night, ended_night, last_nights
from pipeline.records.chain import GraphSnapshot
from tests.pipeline.conftest import AS_OF


def test_ended_night_says_which_graph_and_work_it_was(make_snapshot: Callable[..., GraphSnapshot]) -> None:
    snapshot = make_snapshot()
    entry = ended_night(snapshot, "promoted", "better", at=AS_OF, version=3)
    assert (entry.graph, entry.run_name, entry.as_of) == (snapshot.graph, snapshot.run_name, snapshot.as_of)
    assert (entry.run_key, entry.snapshot_tag, entry.source_sha256) == (
        snapshot.run_key,
        snapshot.tag,
        snapshot.source_sha256,
    )
    assert (entry.outcome, entry.reason, entry.completed, entry.version) == ("promoted", "better", True, 3)


def test_night_broken_off_before_its_snapshot_has_none_and_is_not_completed() -> None:
    entry = broken_off_night("demo", "demo-1", AS_OF, "refused", "truncated", at=AS_OF)
    assert (entry.outcome, entry.reason, entry.completed, entry.run_key) == ("refused", "truncated", False, None)


def test_the_last_entry_of_each_night_counts_in_the_order_of_the_nights() -> None:
    first = broken_off_night("demo", "demo-1", AS_OF, "refused", "truncated", at=AS_OF)
    second = broken_off_night("demo", "demo-2", AS_OF + timedelta(days=1), "skipped", "unchanged", at=AS_OF)
    again = first.model_copy(update={"outcome": "failed"})
    assert list(last_nights((second, first, again)).values()) == [again, second]
