from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.graphs.tables import STILL_ALIVE, CanonicalGraph, Change, GraphTables, content_id
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, reversed_and_shuffled, ring, square, triangle_with_tail

DAY = 86400
PARAMS = SnapshotParams()


def night(
    edges: pd.DataFrame,
    day: int,
    previous: CanonicalGraph | None = None,
    nodes: pd.DataFrame | None = None,
    params: SnapshotParams = PARAMS,
) -> Change:
    previous_as_of = None if previous is None else (day - 1) * DAY
    return build(delivered(edges, nodes), params, as_of=day * DAY, previous=previous, previous_as_of=previous_as_of)


def by_ids(tables: GraphTables) -> dict[tuple[object, object], tuple[int, int]]:
    ends = tables.node_ids[tables.edges]
    pairs = zip(ends[0].tolist(), ends[1].tolist(), strict=True)
    times = zip(tables.first_seen.tolist(), tables.removed_at.tolist(), strict=True)
    return dict(zip(pairs, times, strict=True))


def test_first_night_holds_every_edge_once_from_the_as_of() -> None:
    change = night(triangle_with_tail(), 1)
    assert (change.added, change.removed, change.returned) == (4, 0, 0)
    assert change.graph.tables.node_ids.tolist() == [10, 20, 30, 40]
    assert change.graph.tables.edges.tolist() == [[0, 0, 1, 2], [1, 2, 2, 3]]
    assert set(by_ids(change.graph.tables).values()) == {(DAY, STILL_ALIVE)}


def test_positions_are_append_only() -> None:
    first = night(triangle_with_tail(), 1).graph
    grown = pd.concat([triangle_with_tail(), pd.DataFrame({"source": [5, 15], "target": [10, 40]})])
    second = night(grown, 2, first)
    assert second.graph.tables.node_ids.tolist() == [10, 20, 30, 40, 5, 15]
    assert second.graph.tables.edges[:, :4].tolist() == first.tables.edges.tolist()
    assert by_ids(second.graph.tables)[10, 5] == (2 * DAY, STILL_ALIVE)
    assert second.graph.node_first_seen.tolist() == [DAY] * 4 + [2 * DAY] * 2


def test_missing_edge_is_removed_and_a_returning_one_keeps_its_first_seen() -> None:
    whole = triangle_with_tail()
    first = night(whole, 1).graph
    second = night(whole.iloc[:3], 2, first)
    assert (second.added, second.removed, second.returned) == (0, 1, 0)
    assert by_ids(second.graph.tables)[30, 40] == (DAY, 2 * DAY)
    assert second.graph.node_living.tolist() == [True, True, True, False]
    third = night(whole, 3, second.graph)
    assert (third.added, third.removed, third.returned) == (0, 0, 1)
    assert by_ids(third.graph.tables)[30, 40] == (DAY, STILL_ALIVE)
    assert sorted(third.graph.tables.alive_since.tolist()) == [DAY, DAY, DAY, 3 * DAY]


def test_edge_that_is_still_away_keeps_the_time_it_left() -> None:
    first = night(triangle_with_tail(), 1).graph
    second = night(triangle_with_tail().iloc[:3], 2, first).graph
    third = night(triangle_with_tail().iloc[:3], 3, second)
    assert third.removed == 0
    assert by_ids(third.graph.tables)[30, 40] == (DAY, 2 * DAY)


def test_event_log_removes_nothing() -> None:
    params = SnapshotParams(kind="event_log")
    first = night(triangle_with_tail(), 1, params=params).graph
    second = night(triangle_with_tail().iloc[:3], 2, first, params=params)
    assert second.removed == 0
    assert second.graph.tables.living.all()
    assert second.graph.node_living.all()


CLAMPED = [
    (DAY + 5, DAY + 5),  # within the night
    (5, DAY + 1),  # a late event: it was not in yesterday's snapshot, so it is of tonight
    (2 * DAY, 2 * DAY),
]


@pytest.mark.parametrize(("time", "first_seen"), CLAMPED)
def test_new_edge_is_first_seen_after_the_previous_snapshot(time: int, first_seen: int) -> None:
    first = night(ring(3).assign(time=7), 1).graph
    edges = pd.concat([ring(3).assign(time=7), pd.DataFrame({"source": [0], "target": [9], "time": [time]})])
    second = night(edges, 2, first).graph
    assert by_ids(second.tables)[0, 9] == (first_seen, STILL_ALIVE)
    assert by_ids(second.tables)[0, 1] == (7, STILL_ALIVE)


def test_new_edges_older_than_the_previous_snapshot_are_counted_as_late() -> None:
    log = SnapshotParams(kind="event_log", time_column="time")
    first = night(triangle_with_tail().assign(time=DAY), 1, params=log)
    assert first.late == 0  # without a previous snapshot nothing is
    more = pd.DataFrame({"source": [10, 20, 30], "target": [50, 50, 10], "time": [DAY, DAY + 1, 5]})
    second = night(more, 2, first.graph, params=log)
    assert (second.added, second.late) == (2, 1)  # the third is an old edge, told again


def test_repeated_event_counts_with_its_earliest_time() -> None:
    edges = pd.DataFrame({"source": [1, 2, 1], "target": [2, 1, 2], "time": [30, 10, 20]})
    tables = night(edges, 1).graph.tables
    assert by_ids(tables) == {(1, 2): (10, STILL_ALIVE)}


def test_self_loops_are_dropped() -> None:
    edges = pd.concat([ring(3), pd.DataFrame({"source": [1], "target": [1]})])
    assert night(edges, 1).added == 3


@pytest.mark.parametrize("graph", [triangle_with_tail(), square()])
def test_content_id_knows_no_order_and_no_direction(graph: pd.DataFrame) -> None:
    assert content_id(night(graph, 1).graph) == content_id(night(reversed_and_shuffled(graph), 2).graph)


def test_content_id_knows_no_history() -> None:
    straight = content_id(night(triangle_with_tail(), 1).graph)
    detour = night(ring(5), 1).graph
    assert content_id(night(triangle_with_tail(), 2, detour).graph) == straight
    # Nights in another order give other positions, and the same id.
    assert night(triangle_with_tail(), 2, detour).graph.tables.node_ids[0] == 0


def test_content_id_sees_an_edge_an_id_a_feature_and_a_lone_node() -> None:
    graph, nodes = triangle_with_tail(), nodes_of(triangle_with_tail())
    base = content_id(night(graph, 1, nodes=nodes).graph)
    other_feature = nodes.assign(rank=nodes["rank"] + 1)
    lone = pd.concat([nodes, pd.DataFrame({"node": [99], "rank": [0.0], "square": [0.0]})])
    assert (
        len(
            {
                base,
                content_id(night(graph, 1).graph),
                content_id(night(graph.iloc[:3], 1, nodes=nodes).graph),
                content_id(night(graph, 1, nodes=other_feature).graph),
                content_id(night(graph, 1, nodes=lone).graph),
                content_id(night(graph + 1, 1, nodes=nodes.assign(node=nodes["node"] + 1)).graph),
                content_id(night(graph.astype(str), 1, nodes=nodes.assign(node=nodes["node"].astype(str))).graph),
            }
        )
        == 7
    )


def test_features_follow_their_node_and_a_departed_node_keeps_its_own() -> None:
    graph = triangle_with_tail()
    first = night(graph, 1, nodes=nodes_of(graph)).graph
    smaller = pd.concat([graph.iloc[:3], pd.DataFrame({"source": [5], "target": [10]})])
    second = night(smaller, 2, first, nodes=nodes_of(smaller)).graph
    assert second.tables.node_ids.tolist() == [10, 20, 30, 40, 5]
    assert second.tables.features is not None
    assert second.tables.features[:, 0].tolist() == [1, 2, 3, 3, 0]  # 40, gone, still has rank 3 of the first night


def test_node_without_a_row_gets_zeros_where_unknown_nodes_are_added() -> None:
    graph = triangle_with_tail()
    nodes = nodes_of(graph).iloc[:3]
    tables = night(graph, 1, nodes=nodes, params=SnapshotParams(unknown_nodes="add")).graph.tables
    assert tables.features is not None
    assert tables.features[3].tolist() == [0, 0]


def test_hundred_thousand_edges_take_seconds(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    edges = pd.DataFrame(generator.integers(0, 30_000, size=(100_000, 2)), columns=["source", "target"])
    first = night(edges, 1).graph
    change = night(edges.iloc[1000:], 2, first)
    assert 900 < change.removed <= 1000
    assert content_id(change.graph) != content_id(first)


def held_since(tables: GraphTables) -> list[int]:
    """Since when each node's newest value holds, in the order of the nodes."""
    history = tables.history
    assert history is not None
    newest = dict(zip(history.node.tolist(), history.since.tolist(), strict=True))
    return [newest[node] for node in range(tables.num_nodes)]


def test_changed_feature_holds_since_the_night_and_the_earlier_value_is_kept() -> None:
    graph, nodes = triangle_with_tail(), nodes_of(triangle_with_tail())
    first = night(graph, 1, nodes=nodes).graph
    changed = nodes.assign(rank=[0.0, 9.0, 2.0, 3.0])
    second = night(graph, 2, first, nodes=changed).graph.tables
    at_first, at_second = second.features_at(DAY), second.features_at(2 * DAY)
    assert at_first is not None
    assert at_second is not None
    assert at_first[:, 0].tolist() == [0, 1, 2, 3]
    assert at_second[:, 0].tolist() == [0, 9, 2, 3]
    assert held_since(second) == [DAY, 2 * DAY, DAY, DAY]
    assert second.history is not None
    assert len(second.history.since) == 5  # four nodes, one change


def test_features_of_a_dated_table_hold_since_its_dates_and_never_from_before_the_last_night() -> None:
    graph, nodes = triangle_with_tail(), nodes_of(triangle_with_tail())
    first = night(graph, 3, nodes=nodes.assign(time=[5, 6, 7, 8])).graph
    assert held_since(first.tables) == [5, 6, 7, 8]
    changed = nodes.assign(rank=[9.0, 9.0, 2.0, 3.0], time=[3 * DAY + 7, 6, 7, 8])
    second = night(graph, 4, first, nodes=changed).graph.tables
    assert held_since(second) == [3 * DAY + 7, 3 * DAY + 1, 7, 8]


def test_features_of_a_new_node_hold_since_it_was_first_seen() -> None:
    graph = triangle_with_tail()
    first = night(graph, 1, nodes=nodes_of(graph)).graph
    grown = pd.concat([graph, pd.DataFrame({"source": [10], "target": [50]})])
    second = night(grown, 2, first, nodes=nodes_of(grown)).graph.tables
    before = second.features_at(DAY)
    assert before is not None
    assert before[4].tolist() == [0, 0]
    assert held_since(second) == [DAY] * 4 + [2 * DAY]


def test_other_feature_columns_begin_a_history_of_their_own() -> None:
    graph, nodes = triangle_with_tail(), nodes_of(triangle_with_tail())
    first = night(graph, 1, nodes=nodes).graph
    renamed = nodes.rename(columns={"rank": "place"})
    second = night(graph, 2, first, nodes=renamed).graph.tables
    assert second.history is not None
    assert second.history.columns == ("place", "square")
    assert held_since(second) == [2 * DAY] * 4  # nobody can tell what they were before: training must not see them
    dated = night(graph, 2, first, nodes=renamed.assign(time=[5, 6, 7, 8])).graph.tables
    assert held_since(dated) == [5, 6, 7, 8]  # but the table can


def test_features_that_come_later_are_not_dated_back() -> None:
    graph, nodes = triangle_with_tail(), nodes_of(triangle_with_tail())
    bare = night(graph, 1).graph
    assert held_since(night(graph, 2, bare, nodes=nodes).graph.tables) == [2 * DAY] * 4  # a table is given at last
    params = SnapshotParams(unknown_nodes="add")
    partly = night(graph, 1, nodes=nodes.iloc[:3], params=params).graph
    late = night(graph, 2, partly, nodes=nodes, params=params).graph.tables
    assert held_since(late) == [DAY] * 3 + [2 * DAY]  # a row comes a night late
    dated = night(graph, 2, partly, nodes=nodes.assign(time=[1, 2, 3, 4]), params=params).graph.tables
    assert held_since(dated)[3] == DAY + 1  # its date is from before, when nobody was told


def test_departed_node_keeps_the_time_it_left_until_it_is_back() -> None:
    whole = triangle_with_tail()
    first = night(whole, 1).graph
    second = night(whole.iloc[:3], 2, first).graph
    third = night(whole.iloc[:3], 3, second).graph
    assert third.node_departed_at.tolist() == [STILL_ALIVE] * 3 + [2 * DAY]
    assert night(whole, 4, third).graph.node_living.all()
