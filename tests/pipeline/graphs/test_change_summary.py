from pathlib import Path

import pandas as pd
import pytest

from pipeline.graphs.change_summary import ChangeSummary, HubChange, Turnover
from pipeline.params.snapshot import SnapshotParams
from tests.fixtures.checked_nights import AS_OF, changed
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, ring, triangle_with_tail


def test_first_night_has_nothing_to_compare() -> None:
    summary = changed(delivered(triangle_with_tail()))[1]
    assert summary.nodes == Turnover(before=0, tonight=4, added=4, returned=0, removed=0)
    assert summary.edges == Turnover(before=0, tonight=4, added=4, returned=0, removed=0)
    assert (summary.edge_ratio, summary.degree_shift, summary.shape_before) == (None, None, None)
    assert "graph.edge_ratio" not in summary.metrics()


def test_changes_are_counted_by_what_became_of_them() -> None:
    # Ring of 6, then node 5 goes (2 edges), then it is back with one old edge, and node 7 comes with two.
    smaller = ring(6).query("source != 5 and target != 5")
    third = pd.concat([smaller, pd.DataFrame({"source": [5, 7, 7], "target": [4, 0, 1]})], ignore_index=True)
    summary = changed(delivered(third), delivered(ring(6)), delivered(smaller))[1]
    assert summary.nodes == Turnover(before=5, tonight=7, added=1, returned=1, removed=0)
    assert summary.edges == Turnover(before=4, tonight=7, added=2, returned=1, removed=0)
    assert summary.edge_ratio == pytest.approx(7 / 4)
    assert summary.edge_overlap == pytest.approx(4 / 7)
    assert summary.new_node_share == pytest.approx(1 / 7)
    assert summary.edges_to_new_nodes == 1.0
    # Degrees 1 2 2 2 1, then 2 3 2 2 2 1 2: of degree 1 and less 2 in 5, then 1 in 7; of 2 and less all, then 6 in 7.
    assert summary.degree_shift == pytest.approx(2 / 5 - 1 / 7)
    assert summary.gaining[0] == HubChange(node="7", before=0, tonight=2)
    assert [hub.node for hub in summary.gaining[1:]] == ["0", "1", "4", "5"]
    assert summary.losing == ()


def test_removals_lower_the_overlap_and_name_the_losing_hub() -> None:
    star = pd.DataFrame({"source": [0] * 5 + [1], "target": [1, 2, 3, 4, 5, 2]})
    summary = changed(delivered(star.iloc[2:]), delivered(star))[1]
    assert summary.edges == Turnover(before=6, tonight=4, added=0, returned=0, removed=2)
    assert summary.edge_overlap == pytest.approx(4 / 6)
    assert summary.losing[0] == HubChange(node="0", before=5, tonight=3)


def test_first_time_edges_older_than_the_last_snapshot_are_late() -> None:
    now, old = int(AS_OF.timestamp()), int(AS_OF.timestamp()) - 10 * 86400
    params = SnapshotParams(kind="event_log", time_column="time")
    first = delivered(triangle_with_tail().assign(time=old))
    more = delivered(pd.DataFrame({"source": [10, 20], "target": [40, 40], "time": [old, now]}))
    summary = changed(more, first, params=params)[1]
    assert (summary.edges.added, summary.late_edges) == (2, 1)
    assert summary.edges.tonight == 6  # a log removes nothing


def test_events_that_name_a_pair_again_are_counted_and_change_no_edge(tmp_path: Path) -> None:
    now = int(AS_OF.timestamp())
    params = SnapshotParams(kind="event_log", time_column="time")
    first = delivered(triangle_with_tail().assign(time=now - 10 * 86400))
    again = delivered(pd.DataFrame({"source": [10, 20], "target": [20, 10], "time": [now, now]}))
    summary = changed(again, first, params=params)[1]
    assert (summary.edges.added, summary.edges.returned, summary.repeated_events) == (0, 0, 2)
    assert summary.metrics()["graph.repeated_events"] == 2
    summary.write(tmp_path)
    path = tmp_path / ChangeSummary.file_name
    older = path.read_text().replace('"format": 3', '"format": 2').replace(',\n  "repeated_events": 2', "")
    path.write_text(older)
    assert ChangeSummary.read(tmp_path).repeated_events == 0


def test_every_number_is_a_metric_under_a_dotted_name(tmp_path: Path) -> None:
    graph = delivered(ring(6), nodes_of(ring(6)))
    summary = changed(graph, delivered(ring(5), nodes_of(ring(5))))[1]
    metrics = summary.metrics()
    assert metrics["graph.edges.added"] == 2.0
    assert metrics["graph.edge_ratio"] == pytest.approx(6 / 5)
    assert metrics["graph.components"] == 1.0
    assert metrics["graph.features.shift"] > 0
    assert all(isinstance(value, float) for value in metrics.values())
    summary.write(tmp_path)
    assert ChangeSummary.read(tmp_path) == summary
