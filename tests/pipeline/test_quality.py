from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.params import SnapshotParams
from pipeline.published_snapshot import PublishedSnapshot, snapshot_tag
from pipeline.quality import Baseline, check
from tests.deliveries import delivered
from tests.small_graphs import nodes_of, ring, square, triangle_with_tail

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
PARAMS = SnapshotParams()


def baseline(num_edges: int = 4, source_sha256: str = "0" * 64) -> Baseline:
    return Baseline(as_of=BEFORE, source_sha256=source_sha256, num_edges=num_edges, ids_are_text=False)


def with_rows(table: pd.DataFrame, *rows: tuple[int, int]) -> pd.DataFrame:
    return pd.concat([table, pd.DataFrame(rows, columns=["source", "target"])], ignore_index=True)


def test_good_delivery_passes_every_check() -> None:
    graph = triangle_with_tail()
    results = check(delivered(graph, nodes_of(graph)), PARAMS, as_of=AS_OF, newest_as_of=BEFORE, baseline=baseline())
    assert all(result.passed for result in results)
    observed = {result.name: result.observed for result in results}
    assert observed["self_loops"] == observed["duplicates"] == observed["unknown_nodes"] == "0"
    assert observed["minimum_edge_ratio"] == "1.000 (4)"


def test_first_snapshot_needs_nothing_to_be_held_against() -> None:
    results = check(delivered(square()), PARAMS, as_of=AS_OF, newest_as_of=None, baseline=None)
    assert {result.name: result.observed for result in results}["edge_ratio"] == "4 edges, no earlier snapshot"


def test_self_loop_is_refused_by_row() -> None:
    delivery = delivered(with_rows(triangle_with_tail(), (20, 20)))
    with pytest.raises(InvalidInput, match=r"self_loops: 1 edges.*row 5, 20 - 20.*self_loops: drop") as caught:
        check(delivery, PARAMS, as_of=AS_OF, newest_as_of=None, baseline=None)
    assert caught.value.exit_code == 2
    results = check(delivery, SnapshotParams(self_loops="drop"), as_of=AS_OF, newest_as_of=None, baseline=None)
    assert [(r.level, r.observed) for r in results if r.name == "self_loops"] == [("warn", "1")]
    assert delivery.num_edges == 4


def test_duplicate_in_the_other_direction_is_refused() -> None:
    delivery = delivered(with_rows(triangle_with_tail(), (20, 10)))
    with pytest.raises(InvalidInput, match=r"duplicates: 1 rows.*row 5, 20 - 10.*duplicates: merge"):
        check(delivery, PARAMS, as_of=AS_OF, newest_as_of=None, baseline=None)
    check(delivery, SnapshotParams(duplicates="merge"), as_of=AS_OF, newest_as_of=None, baseline=None)


def test_event_log_may_repeat_an_edge() -> None:
    table = with_rows(triangle_with_tail(), (20, 10)).assign(time=5)
    params = SnapshotParams(kind="event_log", time_column="time")
    results = check(delivered(table), params, as_of=AS_OF, newest_as_of=None, baseline=None)
    assert [(r.level, r.observed) for r in results if r.name == "duplicates"] == [("warn", "1")]


def test_edge_to_an_unknown_node_is_refused_by_row() -> None:
    delivery = delivered(with_rows(triangle_with_tail(), (10, 99)), nodes_of(triangle_with_tail()))
    with pytest.raises(
        InvalidInput, match=r"unknown_nodes: 1 edges.*nodes\.parquet lacks.*10 - 99.*unknown_nodes: add"
    ):
        check(delivery, PARAMS, as_of=AS_OF, newest_as_of=None, baseline=None)
    check(delivery, SnapshotParams(unknown_nodes="add"), as_of=AS_OF, newest_as_of=None, baseline=None)


RATIOS = [
    (69, r"minimum_edge_ratio: 69 edges are 0\.690 of the 100.*truncated.*lower snapshot\.minimum_edge_ratio"),
    (70, None),  # the threshold itself passes
    (200, None),
    (201, r"maximum_edge_ratio: 201 edges are 2\.010 of the 100.*raise snapshot\.maximum_edge_ratio"),
]


@pytest.mark.parametrize(("edges", "message"), RATIOS)
def test_number_of_edges_is_held_against_the_last_snapshot(edges: int, message: str | None) -> None:
    if message is None:
        check(delivered(ring(edges)), PARAMS, as_of=AS_OF, newest_as_of=BEFORE, baseline=baseline(100))
        return
    with pytest.raises(InvalidInput, match=message):
        check(delivered(ring(edges)), PARAMS, as_of=AS_OF, newest_as_of=BEFORE, baseline=baseline(100))


def test_time_may_not_go_backwards() -> None:
    newest = datetime(2026, 1, 3, tzinfo=UTC)
    with pytest.raises(
        InvalidInput, match=r"time_order: the as-of 2026-01-02.*newest snapshot, 2026-01-03.*later --as-of"
    ):
        check(delivered(ring(4)), PARAMS, as_of=AS_OF, newest_as_of=newest, baseline=baseline())


def test_try_after_its_own_publication_is_in_time() -> None:
    results = check(delivered(ring(4)), PARAMS, as_of=AS_OF, newest_as_of=AS_OF, baseline=baseline())
    assert all(result.passed for result in results)


def test_same_bytes_under_a_new_date_are_refused() -> None:
    delivery = delivered(ring(4))
    with pytest.raises(InvalidInput, match=r"new_delivery: .*redelivered.*identical_delivery: unchanged"):
        check(delivery, PARAMS, as_of=AS_OF, newest_as_of=BEFORE, baseline=baseline(source_sha256=delivery.sha256))
    params = SnapshotParams(identical_delivery="unchanged")
    check(delivery, params, as_of=AS_OF, newest_as_of=BEFORE, baseline=baseline(source_sha256=delivery.sha256))


@pytest.mark.parametrize(("last_event", "refused"), [(BEFORE, True), (AS_OF, False)])
def test_one_log_for_all_nights_may_keep_its_bytes_while_events_come_due(last_event: datetime, refused: bool) -> None:
    delivery = delivered(ring(4).assign(time=np.int64(last_event.timestamp())))
    params = SnapshotParams(kind="event_log", time_column="time")
    same = baseline(source_sha256=delivery.sha256)
    if refused:
        with pytest.raises(InvalidInput, match=r"new_delivery"):
            check(delivery, params, as_of=AS_OF, newest_as_of=BEFORE, baseline=same)
    else:
        check(delivery, params, as_of=AS_OF, newest_as_of=BEFORE, baseline=same)


def earlier(as_of: datetime, source_sha256: str) -> PublishedSnapshot:
    tag = snapshot_tag("demo", as_of, "c" * 64)
    return PublishedSnapshot(
        graph="demo",
        tag=tag,
        as_of=as_of,
        content_id="c" * 64,
        source_sha256=source_sha256,
        num_edges=4,
        previous_tag=None,
        dvc_md5="d" * 32,
        manifest_sha256="e" * 64,
    )


@pytest.mark.parametrize("identical", ["refuse", "unchanged"])
def test_bytes_of_any_earlier_snapshot_are_refused(identical: Literal["refuse", "unchanged"]) -> None:
    delivery = delivered(ring(4))
    older = earlier(datetime(2025, 12, 24, tzinfo=UTC), delivery.sha256)
    held = replace(baseline(), earlier=(older, earlier(BEFORE, "0" * 64)))
    with pytest.raises(
        InvalidInput, match=rf"no_older_delivery: .*for 2025-12-24T.*snapshot {older.tag}.*old file.*Ask it for tonight"
    ):
        check(delivery, SnapshotParams(identical_delivery=identical), as_of=AS_OF, newest_as_of=BEFORE, baseline=held)


def test_unchanged_bytes_may_repeat_for_many_nights() -> None:
    delivery = delivered(ring(4))
    both = (earlier(datetime(2025, 12, 24, tzinfo=UTC), delivery.sha256), earlier(BEFORE, delivery.sha256))
    held = replace(baseline(source_sha256=delivery.sha256), earlier=both)
    params = SnapshotParams(identical_delivery="unchanged")
    check(delivery, params, as_of=AS_OF, newest_as_of=BEFORE, baseline=held)


def test_delivery_that_leaves_no_edge_is_refused() -> None:
    delivery = delivered(with_rows(ring(4).head(0), (1, 1), (2, 2)))
    params = SnapshotParams(self_loops="drop")
    with pytest.raises(
        InvalidInput, match=r"minimum_edges: 0 edges are left of 2 rows.*below 1\..*snapshot\.minimum_edges"
    ):
        check(delivery, params, as_of=AS_OF, newest_as_of=None, baseline=None)


@pytest.mark.parametrize(("minimum", "refused"), [(4, False), (5, True)])
def test_minimum_of_edges_is_that_of_the_params(minimum: int, refused: bool) -> None:
    params = SnapshotParams(minimum_edges=minimum)
    if refused:
        with pytest.raises(InvalidInput, match=r"minimum_edges: 4 edges .*below 5"):
            check(delivered(ring(4)), params, as_of=AS_OF, newest_as_of=None, baseline=None)
        return
    results = check(delivered(ring(4)), params, as_of=AS_OF, newest_as_of=None, baseline=None)
    assert [(r.threshold, r.observed) for r in results if r.name == "minimum_edges"] == [(">= 4", "4")]


def test_ids_may_not_change_their_kind() -> None:
    with pytest.raises(InvalidInput, match=r"kind_of_ids: tonight's ids are strings.*Deliver integers again"):
        check(delivered(square()), PARAMS, as_of=AS_OF, newest_as_of=BEFORE, baseline=baseline())


def test_refusal_names_every_failed_check() -> None:
    delivery = delivered(with_rows(ring(4), (1, 1), (1, 0)))
    with pytest.raises(InvalidInput, match=r"3 check\(s\) failed.*self_loops.*duplicates.*minimum_edge_ratio"):
        check(delivery, PARAMS, as_of=AS_OF, newest_as_of=BEFORE, baseline=baseline(100))
