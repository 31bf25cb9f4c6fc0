import dataclasses
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from pipeline.checks.delivery import directions, kind_of_ids, newest_event, row_checks, time_order
from pipeline.checks.repeats import Baseline
from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from tests.fixtures.checked_nights import AS_OF, BEFORE, PARAMS, checked, found
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, ring, square, triangle_with_tail

BASELINE = Baseline(as_of=BEFORE, source_sha256="0" * 64, num_edges=4, ids_are_text=False)


def with_rows(table: pd.DataFrame, *rows: tuple[int, int]) -> pd.DataFrame:
    return pd.concat([table, pd.DataFrame(rows, columns=["source", "target"])], ignore_index=True)


def test_self_loop_is_refused_by_row() -> None:
    delivery = delivered(with_rows(triangle_with_tail(), (20, 20)))
    with pytest.raises(
        InvalidInput, match=r"self_loops: 1 edges.*row 5, 20 - 20.*7 and 7 are two nodes.*self_loops: drop"
    ) as caught:
        checked(delivery)
    assert caught.value.exit_code == 2
    assert found(checked(delivery, params=SnapshotParams(self_loops="drop")), "self_loops") == ("warn", "1", False)
    assert delivery.num_edges == 4


def test_duplicate_in_the_other_direction_is_refused() -> None:
    delivery = delivered(with_rows(triangle_with_tail(), (20, 10)))
    with pytest.raises(
        InvalidInput, match=r"duplicates: 1 rows.*row 5, 20 - 10.*7 and 7 are two nodes.*duplicates: merge"
    ):
        checked(delivery)
    checked(delivery, params=SnapshotParams(duplicates="merge"))


def test_event_log_may_repeat_an_edge() -> None:
    table = with_rows(triangle_with_tail(), (20, 10)).assign(time=5)
    params = SnapshotParams(kind="event_log", time_column="time")
    assert found(checked(delivered(table), params=params), "duplicates") == ("warn", "1", True)
    merged = params.model_copy(update={"kind": "full_dump", "duplicates": "merge"})
    assert found(checked(delivered(table), params=merged), "duplicates") == ("warn", "1", False)


def test_edge_to_an_unknown_node_is_refused_by_row() -> None:
    delivery = delivered(with_rows(triangle_with_tail(), (10, 99)), nodes_of(triangle_with_tail()))
    with pytest.raises(
        InvalidInput, match=r"unknown_nodes: 1 edges.*nodes\.parquet lacks.*10 - 99.*unknown_nodes: add"
    ):
        checked(delivery)
    checked(delivery, params=SnapshotParams(unknown_nodes="add"))


def test_delivery_that_leaves_no_edge_is_refused() -> None:
    delivery = delivered(with_rows(ring(4).head(0), (1, 1), (2, 2)))
    with pytest.raises(
        InvalidInput, match=r"minimum_edges: 0 edges are left of 2 rows.*below 1\..*snapshot\.minimum_edges"
    ):
        checked(delivery, params=SnapshotParams(self_loops="drop"))


@pytest.mark.parametrize(("minimum", "refused"), [(4, False), (5, True)])
def test_minimum_of_edges_is_that_of_the_params(minimum: int, refused: bool) -> None:
    params = SnapshotParams(minimum_edges=minimum)
    if refused:
        with pytest.raises(InvalidInput, match=r"minimum_edges: 4 edges .*below 5"):
            checked(delivered(triangle_with_tail()), params=params)
        return
    [least] = [r for r in checked(delivered(triangle_with_tail()), params=params).checks if r.name == "minimum_edges"]
    assert (least.threshold, least.observed) == (">= 4", "4")


def test_minimum_of_edges_is_that_of_the_graph_where_a_log_adds_to_it() -> None:
    params = SnapshotParams(kind="event_log", time_column="time", minimum_edges=4)
    first = delivered(triangle_with_tail().assign(time=5))
    one_more = delivered(pd.DataFrame({"source": [10], "target": [40], "time": [int(AS_OF.timestamp())]}))
    checks = checked(one_more, first, params=params)
    assert found(checks, "minimum_edges") == ("refuse", "4", True)
    assert found(checks, "minimum_edge_ratio") == ("refuse", "1.250 (5)", True)


def test_later_and_late_events_are_reported() -> None:
    observed = {
        item.result.name: item.result.observed for item in row_checks(delivered(ring(3), later=7), PARAMS, None)
    }
    assert (observed["later_events"], observed["late_events"]) == ("7", "0")


def test_time_may_not_go_backwards() -> None:
    newest = datetime(2026, 1, 3, tzinfo=UTC)
    with pytest.raises(
        InvalidInput, match=r"time_order: the as-of 2026-01-02.*newest snapshot, 2026-01-03.*later --as-of"
    ):
        checked(delivered(triangle_with_tail()), newest_as_of=newest)


def test_try_after_its_own_publication_is_in_time() -> None:
    assert time_order(AS_OF, AS_OF).result.passed
    assert time_order(AS_OF, None).result.passed


@pytest.mark.parametrize(("last_event", "passed"), [(BEFORE, False), (AS_OF, True)])
def test_log_without_an_event_since_the_last_snapshot_is_warned_of(last_event: datetime, passed: bool) -> None:
    delivery = delivered(ring(4).assign(time=np.int64(last_event.timestamp())))
    result = newest_event(delivery, SnapshotParams(kind="event_log", time_column="time"), BASELINE).result
    assert (result.level, result.passed) == ("warn", passed)
    assert result.observed == f"{last_event:%Y-%m-%d} 00:00:00+00:00"
    assert newest_event(delivery, SnapshotParams(time_column="time"), BASELINE).result.passed  # a dump may be quiet


def test_log_that_is_read_on_and_holds_no_event_at_all_is_warned_of() -> None:
    params = SnapshotParams(kind="event_log", time_column="time")
    quiet = dataclasses.replace(delivered(ring(4).head(0)), since=int(BEFORE.timestamp()))
    result = newest_event(quiet, params, BASELINE).result
    assert (result.level, result.observed, result.passed) == ("warn", "none since 2026-01-01 00:00:00+00:00", False)
    without_times = newest_event(delivered(ring(4)), SnapshotParams(kind="event_log"), BASELINE).result
    assert (without_times.observed, without_times.passed) == ("no times", True)


def test_ids_may_not_change_their_kind() -> None:
    with pytest.raises(InvalidInput, match=r"kind_of_ids: tonight's ids are strings.*Deliver integers again"):
        checked(delivered(square()), delivered(triangle_with_tail()), params=SnapshotParams(bipartite="warn"))
    assert kind_of_ids(delivered(ring(3)), BASELINE).result.passed


def test_graph_that_knows_which_way_events_went_is_told_of_every_night() -> None:
    table = ring(4).assign(time=5)
    keeps = dataclasses.replace(BASELINE, keeps_directions=True)
    silent = directions(delivered(table), keeps)
    assert silent.refuses
    assert "needs snapshot.directed: true and snapshot.time_column" in silent.message
    for delivery, baseline, observed in (
        (delivered(table, directed=True), keeps, "said"),
        (delivered(table.head(0), directed=True), keeps, "said"),
        (delivered(table, directed=True), BASELINE, "said"),  # the graph began without
        (delivered(ring(4), directed=True), BASELINE, "not said"),  # only events with times have a direction
    ):
        found = directions(delivery, baseline).result
        assert (found.passed, found.observed) == (True, observed)
    assert silent.message.startswith("directions: the snapshots of this graph say which way each event went")
