import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput
from pipeline.ingest.tonights_graph import CLOCK_TOLERANCE, ingest, tonights_graph
from pipeline.params.params import Params
from pipeline.params.snapshot import SnapshotParams
from pipeline.snapshots.published import Publication
from pipeline.snapshots.snapshot_store import SnapshotStore
from tests.fixtures.small_graphs import nodes_of, ring

FIRST = datetime(2026, 1, 1, tzinfo=UTC)

# A ring of an even size is bipartite, and its nodes' features are their rank, so that a few nodes more move the mean.
PARAMS = SnapshotParams(graph="demo", feature_columns=("rank", "square"), bipartite="warn")


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    environment = Environment(
        {
            "NCNC_HOME": str(tmp_path / "home"),
            "NCNC_DATA_REPOSITORY": str(tmp_path / "graph-data.git"),
            "NCNC_SOURCE_EDGES": str(tmp_path / "edges-{as_of}.csv"),
            "NCNC_SOURCE_NODES": str(tmp_path / "nodes-{as_of}.csv"),
        }
    )
    SnapshotStore.create(environment.data_repository, str(tmp_path / "remote"))
    return Doors(environment)


def deliver(doors: Doors, night: int, edges: pd.DataFrame) -> datetime:
    as_of = FIRST + timedelta(days=night)
    home = doors.environment.home.parent
    edges.to_csv(home / f"edges-{as_of:%Y%m%dT%H%M%SZ}.csv", index=False)
    nodes_of(edges).to_csv(home / f"nodes-{as_of:%Y%m%dT%H%M%SZ}.csv", index=False)
    return as_of


def publish(doors: Doors, as_of: datetime, folder: Path) -> Publication:
    folder.mkdir()
    with tonights_graph(PARAMS, doors, as_of) as graph:
        return graph.publish(folder, doors)


def test_second_night_is_built_on_the_first(doors: Doors, tmp_path: Path) -> None:
    publish(doors, deliver(doors, 0, ring(10)), tmp_path / "first")
    as_of = deliver(doors, 1, ring(12))
    with tonights_graph(PARAMS, doors, as_of) as graph:
        assert (graph.num_nodes, graph.num_edges, graph.num_features) == (12, 12, 2)
        assert (graph.change.added, graph.change.removed) == (3, 1)
        assert graph.previous == doors.snapshots.latest("demo")
        (tmp_path / "second").mkdir()
        publication = graph.publish(tmp_path / "second", doors)
        record = graph.record("demo-20260102T000000Z", Params(snapshot=PARAMS), publication, "f" * 64)
    assert record.tag == publication.tag
    assert record.previous_as_of == FIRST
    bucket = Path("edges") / "20260101T000000Z.parquet"
    assert (tmp_path / "second" / bucket).read_bytes() == (tmp_path / "first" / bucket).read_bytes()


def test_departed_nodes_are_not_counted(doors: Doors, tmp_path: Path) -> None:
    publish(doors, deliver(doors, 0, ring(10)), tmp_path / "first")
    with tonights_graph(PARAMS, doors, deliver(doors, 1, ring(9))) as graph:
        assert graph.num_nodes == 9
        assert graph.change.graph.tables.num_nodes == 10


def test_nothing_is_left_of_a_refused_delivery(doors: Doors, tmp_path: Path) -> None:
    publish(doors, deliver(doors, 0, ring(10)), tmp_path / "first")
    as_of = deliver(doors, 1, ring(3))
    with (
        pytest.raises(InvalidInput, match=r"minimum_edge_ratio: 3 edges are 0\.300"),
        tonights_graph(PARAMS, doors, as_of),
    ):
        pass
    assert len(doors.snapshots.list("demo")) == 1
    # The process's clone of the origin stays until the process ends.
    assert [path for path in (doors.environment.home / "tmp").iterdir() if not path.name.startswith("git-")] == []


def test_file_of_an_older_night_is_refused_but_a_retry_is_not(doors: Doors, tmp_path: Path) -> None:
    publish(doors, deliver(doors, 0, ring(10)), tmp_path / "first")
    second = deliver(doors, 1, ring(11))
    publication = publish(doors, second, tmp_path / "second")
    assert publish(doors, second, tmp_path / "again") == publication
    with (
        pytest.raises(InvalidInput, match=r"no_older_delivery: .*for 2026-01-01T00:00:00\+00:00 \(snapshot snap/demo/"),
        tonights_graph(PARAMS, doors, deliver(doors, 2, ring(10))),
    ):
        pass
    assert len(doors.snapshots.list("demo")) == 2


@pytest.mark.parametrize("with_nodes", [True, False])
def test_a_quiet_night_of_a_log_with_text_ids_makes_the_graph_of_the_night_before(
    doors: Doors, tmp_path: Path, with_nodes: bool
) -> None:
    if not with_nodes:
        doors = Doors(Environment(dict(doors.environment.values) | {"NCNC_SOURCE_NODES": ""}))
    params = SnapshotParams(graph="demo", kind="event_log", time_column="time", bipartite="warn")
    log = ring(10).astype(str).radd("n").assign(time=int(FIRST.timestamp()))
    (tmp_path / "first").mkdir()
    with tonights_graph(params, doors, deliver(doors, 0, log)) as graph:
        graph.publish(tmp_path / "first", doors)
        before = graph.content_id
    as_of = deliver(doors, 1, log)
    (tmp_path / "edges-20260102T000000Z.csv").write_text("source,target,time\n")
    with tonights_graph(params, doors, as_of) as graph:
        assert (graph.num_edges, graph.change.added, graph.content_id) == (10, 0, before)


def test_as_of_after_the_present_is_refused_before_anything_is_read(doors: Doors) -> None:
    mistyped = datetime(2062, 1, 2, 3, tzinfo=UTC)
    today = dataclasses.replace(doors, clock=lambda: FIRST)
    said = r"as-of 2062-01-02T03:00:00\+00:00 lies after the present, which is 2026-01-01T00:00:00.*set the clock right"
    with pytest.raises(InvalidInput, match=said), tonights_graph(PARAMS, today, mistyped):
        pass
    with pytest.raises(InvalidInput, match="lies after the present"):
        ingest(Params(snapshot=PARAMS), doors=today, as_of=FIRST + CLOCK_TOLERANCE + timedelta(seconds=1))


def test_clock_that_is_a_little_behind_the_schedulers_refuses_no_night(doors: Doors, tmp_path: Path) -> None:
    behind = dataclasses.replace(doors, clock=lambda: FIRST - timedelta(minutes=20))
    assert publish(behind, deliver(doors, 0, ring(10)), tmp_path / "first").tag.startswith("snap/demo/20260101")


def test_nights_of_a_simulation_may_lie_after_the_present(doors: Doors, tmp_path: Path) -> None:
    played = Environment({**doors.environment.values, "NCNC_SIMULATED_TIME": "1"})
    as_of = deliver(doors, 5, ring(10))
    assert publish(Doors(played, clock=lambda: FIRST), as_of, tmp_path / "played").tag.startswith("snap/demo/20260106")
