import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipeline.checks.data_checks import DataChecks
from pipeline.collection.references import references_from
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput, NothingToDo, OutsideTrouble
from pipeline.graphs.change_summary import ChangeSummary
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.ingest.tonights_graph import ingest
from pipeline.ledger.entries import NightEntry
from pipeline.params.params import Params, TrainParams
from pipeline.params.snapshot import SnapshotParams
from pipeline.records.chain import GraphSnapshot
from pipeline.runs.folder import RunFolder
from pipeline.snapshots.retention import Policy
from pipeline.snapshots.snapshot_store import SnapshotStore
from pipeline.steps.snapshot import run
from tests.fixtures.publishing import begin_a_second
from tests.fixtures.small_graphs import reversed_and_shuffled, ring

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class Nights:
    """The snapshot step of consecutive nights, on a data repository of their own."""

    def __init__(self, root: Path, graph: str, tracking_uri: str) -> None:
        self.root, self.graph, self.tracking_uri = root, graph, tracking_uri
        self.params = Params(snapshot=SnapshotParams(graph=graph, bipartite="warn"))  # rings of an even size
        self.doors = self.machine("home")
        environment = self.doors.environment
        SnapshotStore.create(environment.data_repository, environment.dvc_remote)

    def machine(self, home: str) -> Doors:
        return Doors(
            Environment(
                {
                    "NCNC_HOME": str(self.root / home),
                    "NCNC_DATA_REPOSITORY": str(self.root / "graph-data.git"),
                    "NCNC_DVC_REMOTE": str(self.root / "dvc-remote"),
                    "NCNC_SOURCE_EDGES": str(self.root / "edges-{date}.parquet"),
                    "MLFLOW_TRACKING_URI": self.tracking_uri,
                }
            )
        )

    def deliver(self, night: int, edges: pd.DataFrame) -> None:
        edges.to_parquet(self.root / f"edges-{self.as_of(night):%Y-%m-%d}.parquet")

    def read_from(self, location: str) -> None:
        values = {**self.doors.environment.values, "NCNC_SOURCE_EDGES": str(self.root / location)}
        self.doors = Doors(Environment(values))

    def as_of(self, night: int) -> datetime:
        return FIRST + timedelta(days=night)

    def folder(self, night: int, doors: Doors | None = None) -> RunFolder:
        used = doors or self.doors
        name = f"{self.graph}-{self.as_of(night):%Y%m%dT%H%M%SZ}"
        return RunFolder(used.environment.home / "runs" / name, used.registry)

    def run(self, night: int, params: Params | None = None, doors: Doors | None = None) -> GraphSnapshot:
        return run(self.folder(night, doors), params or self.params, doors=doors or self.doors, as_of=self.as_of(night))

    def complete(self, snapshot: GraphSnapshot) -> None:
        self.doors.ledger.append(
            NightEntry(
                graph=self.graph,
                run_name=snapshot.run_name,
                as_of=snapshot.as_of,
                at=FIRST,
                outcome="kept",
                reason="a test",
                completed=True,
                run_key=snapshot.run_key,
            )
        )

    def collect(self) -> tuple[str, ...]:
        """Collect all that may go, as if everything were an hour old; return the tags."""
        policy = Policy(keep_last=1, keep_days=0, grace_hours=0)
        later = Doors(self.doors.environment, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
        collector, said = later.snapshots.collector, references_from(later)
        plan = collector.plan(policy, said, lambda *_: None)
        collector.collect(plan.id, policy, said, reason="test", minutes=5, progress=lambda *_: None)
        return plan.collected

    def tags(self) -> list[str]:
        return [item.tag for item in self.doors.snapshots.list(self.graph)]


@pytest.fixture
def nights(tmp_path: Path, graph: str, tracking_uri: str) -> Nights:
    return Nights(tmp_path, graph, tracking_uri)


def test_night_publishes_its_graph_and_opens_its_run(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    record = nights.run(0)
    assert (record.num_nodes, record.num_edges, record.added_edges, record.previous_tag) == (10, 10, 10, None)
    assert nights.tags() == [record.tag]
    folder = nights.folder(0)
    assert read_graph(folder.path / "snapshot").tables.num_nodes == 10
    assert folder.frozen_params() == nights.params
    # Another machine, with an empty home, finds the record and the parameters through MLflow.
    elsewhere = nights.folder(0, nights.machine("elsewhere"))
    assert elsewhere.get(GraphSnapshot) == record
    assert elsewhere.frozen_params() == nights.params
    nights.deliver(1, ring(12))
    second = nights.run(1)
    assert (second.previous_tag, second.previous_as_of) == (record.tag, record.as_of)
    assert (second.added_edges, second.removed_edges) == (3, 1)


def test_checks_and_changes_are_kept_with_the_run(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    nights.deliver(1, ring(12))
    nights.run(0)
    record = nights.run(1)
    folder, registry = nights.folder(1), nights.doors.registry
    assert DataChecks.read(folder.path).checks == record.checks
    assert ChangeSummary.read(folder.path).edges.added == record.added_edges == 3
    run_id = folder.require_mlflow_run()
    for name in ("data_checks.json", "data_checks.txt", "change_report.json", "night_report.md"):
        assert registry.runs.fetch_file(run_id, nights.root / name, name)
        assert (nights.root / name).read_bytes() == (folder.path / name).read_bytes()
    logged = registry.server.client.get_run(run_id).data.metrics
    assert logged["graph.edges.added"] == 3.0
    assert logged["graph.edge_ratio"] == pytest.approx(1.2)


def test_checks_of_a_refused_night_are_left_in_its_folder_until_the_next_try(nights: Nights) -> None:
    nights.deliver(0, ring(100))
    nights.run(0)
    nights.deliver(1, ring(35))
    with pytest.raises(InvalidInput, match=r"minimum_edge_ratio"):
        nights.run(1)
    path = nights.folder(1).path
    assert DataChecks.read(path).reasons[0].startswith("minimum_edge_ratio: 35 edges")
    assert ChangeSummary.read(path).edges.removed == 66
    assert "REFUSE" in (path / "data_checks.txt").read_text()
    (nights.root / "edges-2026-01-02.parquet").unlink()
    with pytest.raises(OutsideTrouble):
        nights.run(1)
    assert list(path.glob("*")) == []


def test_step_is_safe_to_run_twice(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    first = nights.run(0)
    (nights.root / "edges-2026-01-01.parquet").unlink()
    assert nights.run(0) == first
    assert nights.run(0, doors=nights.machine("elsewhere")) == first
    assert len(nights.tags()) == 1


def test_try_that_died_after_publishing_is_taken_up(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    nights.deliver(1, ring(11))
    nights.run(0)
    tag = ingest(nights.params, doors=nights.doors, as_of=nights.as_of(1)).tag  # published, but no record was left
    record = nights.run(1)
    assert record.tag == tag
    assert record.added_edges == 2
    assert len(nights.tags()) == 2


def test_newest_night_is_run_again_after_a_collection_and_the_next_one_goes_on(nights: Nights) -> None:
    for night in range(3):
        nights.deliver(night, ring(10 + night))
        if night == 2:
            begin_a_second()
        ingest(nights.params, doors=nights.doors, as_of=nights.as_of(night))
    tags, elsewhere = nights.tags(), nights.machine("elsewhere")
    assert nights.collect() == (tags[0],)
    assert ingest(nights.params, doors=elsewhere, as_of=nights.as_of(2)).tag == tags[2]
    assert nights.run(2, doors=elsewhere).previous_tag == tags[1]
    nights.deliver(3, ring(13))
    assert nights.run(3, doors=elsewhere).previous_tag == tags[2]


def test_unchanged_graph_is_skipped_after_a_completed_night(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    first = nights.run(0)
    nights.complete(first)
    nights.deliver(1, reversed_and_shuffled(ring(10)))
    with pytest.raises(
        NothingToDo, match=rf"unchanged since night {nights.graph}-20260101.*ended kept.*{first.snapshot_id}"
    ) as caught:
        nights.run(1)
    assert caught.value.exit_code == 99
    assert nights.tags() == [first.tag]
    assert nights.doors.registry.runs.find(nights.graph, nights.folder(1).name) is None
    assert nights.run(0) == first


def test_unchanged_graph_still_trains_after_a_failed_night_or_with_new_parameters(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    nights.complete(nights.run(0))
    nights.deliver(1, ring(11))
    nights.run(1)  # and then its training fails: the ledger's last completed night is the first
    nights.deliver(2, reversed_and_shuffled(ring(11)))
    third = nights.run(2)
    assert third.added_edges == third.removed_edges == 0
    nights.complete(third)
    nights.deliver(3, ring(11).iloc[::-1])  # bytes of its own: those of night 1 would be an old file
    other = nights.params.model_copy(update={"train": TrainParams(selection_metric="auc")})
    assert nights.run(3, other).run_key != third.run_key
    assert len(nights.tags()) == 4


def test_redelivered_bytes_are_refused_where_an_unchanged_graph_is_not(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    nights.run(0)
    nights.deliver(1, ring(10))
    with pytest.raises(InvalidInput, match=r"new_delivery: .*edges-2026-01-02\.parquet.*redelivered"):
        nights.run(1)
    unchanged = nights.params.model_copy(
        update={"snapshot": SnapshotParams(graph=nights.graph, bipartite="warn", identical_delivery="unchanged")}
    )
    nights.run(1, unchanged)


def test_refused_night_changes_nothing_and_the_next_is_held_against_the_last_good_one(nights: Nights) -> None:
    nights.deliver(0, ring(100))
    first = nights.run(0)
    nights.deliver(1, ring(35))
    with pytest.raises(InvalidInput, match=r"minimum_edge_ratio: 35 edges are 0\.350 of the 100"):
        nights.run(1)
    assert nights.tags() == [first.tag]
    assert nights.doors.registry.runs.find(nights.graph, nights.folder(1).name) is None
    nights.deliver(2, ring(101))
    assert nights.run(2).previous_tag == first.tag


def test_source_that_did_not_deliver_is_trouble_outside(nights: Nights) -> None:
    with pytest.raises(OutsideTrouble, match=r"did not deliver .*edges-2026-01-01\.parquet"):
        nights.run(0)


def test_source_that_stopped_an_old_file_and_an_unchanged_graph_are_told_apart(nights: Nights) -> None:
    params = Params(snapshot=SnapshotParams(graph=nights.graph, max_source_age_hours=30, bipartite="warn"))
    nights.deliver(0, ring(10))
    nights.complete(nights.run(0, params))
    # The same graph, written anew: nothing to do.
    nights.deliver(1, reversed_and_shuffled(ring(10)))
    with pytest.raises(NothingToDo, match=r"graph is unchanged") as unchanged:
        nights.run(1, params)
    # The same bytes under a new date: the source sent an old file again.
    nights.deliver(1, ring(10))
    with pytest.raises(InvalidInput, match=r"new_delivery: .*redelivered an old file") as redelivered:
        nights.run(1, params)
    # A new file of a graph that changed, but written three days before the night: the source did not deliver.
    nights.deliver(1, ring(11))
    file = nights.root / "edges-2026-01-02.parquet"
    written = (nights.as_of(1) - timedelta(days=3)).timestamp()
    os.utime(file, (written, written))
    with pytest.raises(OutsideTrouble, match=r"did not deliver: .*72\.0 hours before .*allows 30\. Ask") as stopped:
        nights.run(1, params)
    assert [caught.value.exit_code for caught in (unchanged, redelivered, stopped)] == [99, 2, 66]
    os.utime(file)
    assert nights.run(1, params).added_edges == 2


def test_of_a_log_too_a_source_that_stopped_an_old_file_and_a_quiet_night_are_told_apart(nights: Nights) -> None:
    snapshot = SnapshotParams(graph=nights.graph, kind="event_log", time_column="time")
    params = Params(snapshot=snapshot)
    nights.read_from("events-{date}.csv")
    files = [nights.root / f"events-{nights.as_of(night):%Y-%m-%d}.csv" for night in range(3)]
    start = int(nights.as_of(0).timestamp())
    ring(11).assign(time=start).to_csv(files[0], index=False)
    nights.complete(nights.run(0, params))
    # A header and no row: nothing happened, or where that is not to be believed, the source did not deliver.
    files[1].write_text("source,target,time\n")
    with pytest.raises(NothingToDo, match=r"graph is unchanged") as quiet:
        nights.run(1, params)
    assert warnings(nights, 1) == {"newest_event": "none since 2026-01-01 00:00:00+00:00"}
    aged = Params(snapshot=snapshot.model_copy(update={"max_source_age_hours": 20}))
    with pytest.raises(
        OutsideTrouble, match=r"did not deliver: it says nothing new since 2025-12-31.*48\.0"
    ) as stopped:
        nights.run(1, aged)
    # The last night's file under tonight's name, and one from further back.
    files[1].write_bytes(files[0].read_bytes())
    with pytest.raises(
        InvalidInput, match=r"new_delivery: .*events-2026-01-02\.csv.*redelivered an old"
    ) as redelivered:
        nights.run(1, params)
    assert [caught.value.exit_code for caught in (quiet, stopped, redelivered)] == [99, 66, 2]
    pd.DataFrame({"source": [0], "target": [5], "time": [start + 60]}).to_csv(files[1], index=False)
    nights.complete(nights.run(1, params))
    files[2].write_bytes(files[0].read_bytes())
    with pytest.raises(InvalidInput, match=r"no_older_delivery: .*delivered for 2026-01-01.*redelivered an old file"):
        nights.run(2, params)


def test_one_log_for_all_nights_may_stay_as_it_is(nights: Nights) -> None:
    params = Params(snapshot=SnapshotParams(graph=nights.graph, kind="event_log", time_column="time"))
    nights.read_from("log.csv")
    file = nights.root / "log.csv"
    start = int(nights.as_of(0).timestamp())
    ahead = pd.DataFrame({"source": [0], "target": [5], "time": [start + 36 * 3600]})
    pd.concat([ring(11).assign(time=start), ahead]).to_csv(file, index=False)
    nights.complete(nights.run(0, params))
    with pytest.raises(NothingToDo, match=r"graph is unchanged"):
        nights.run(1, params)
    assert warnings(nights, 1) == {"newest_event": "2026-01-01 00:00:00+00:00"}
    assert nights.run(2, params).added_edges == 1  # the same bytes, but an event came due


def warnings(nights: Nights, night: int) -> dict[str, str]:
    """The checks that a night failed without being refused, and what they saw."""
    checks = DataChecks.read(nights.folder(night).path).checks
    return {item.name: item.observed for item in checks if not item.passed}


def test_log_is_read_on_from_the_last_snapshot_and_a_quiet_night_is_no_fault(nights: Nights) -> None:
    params = Params(
        snapshot=SnapshotParams(
            graph=nights.graph,
            kind="event_log",
            time_column="time",
            late_window_hours=1,
            bipartite="warn",
            warn_only=("degree_shift",),
        )
    )
    start = int(nights.as_of(0).timestamp())
    log = ring(10).assign(time=start)
    nights.deliver(0, log)
    nights.complete(nights.run(0, params))
    more = pd.DataFrame({"source": [0, 1], "target": [5, 6], "time": [start + 60, start - 1800]})
    nights.deliver(1, pd.concat([log.iloc[1:], more]))  # a new event, a late one; what is known need not come again
    second = nights.run(1, params)
    assert (second.num_edges, second.added_edges, second.removed_edges) == (12, 2, 0)
    nights.complete(second)
    nights.deliver(2, pd.concat([log, more]))
    with pytest.raises(NothingToDo, match=r"graph is unchanged"):
        nights.run(2, params)
    strict = params.model_copy(update={"snapshot": params.snapshot.model_copy(update={"max_source_age_hours": 24})})
    with pytest.raises(OutsideTrouble, match=r"did not deliver: it says nothing new since 2026-01-01T23:.*25\.0"):
        nights.run(2, strict)


def test_night_before_the_newest_snapshot_is_refused(nights: Nights) -> None:
    nights.deliver(1, ring(10))
    nights.run(1)
    nights.deliver(0, ring(11))
    with pytest.raises(InvalidInput, match=r"time_order: the as-of 2026-01-01.*newest snapshot, 2026-01-02"):
        nights.run(0)


def test_ingested_history_starts_no_run(nights: Nights) -> None:
    nights.deliver(0, ring(10))
    publication = ingest(nights.params, doors=nights.doors, as_of=nights.as_of(0))
    assert nights.tags() == [publication.tag]
    assert nights.doors.registry.runs.find(nights.graph, nights.folder(0).name) is None
    nights.deliver(1, ring(11))
    assert nights.run(1).previous_tag == publication.tag


def test_run_folder_of_another_graph_is_refused(nights: Nights) -> None:
    other = nights.params.model_copy(update={"snapshot": SnapshotParams(graph="other")})
    with pytest.raises(
        InvalidInput,
        match=rf"{nights.graph}-20260101T000000Z is for graph {nights.graph}, but snapshot\.graph .* is other",
    ):
        nights.run(0, other)


def test_as_of_needs_a_time_zone(nights: Nights) -> None:
    with pytest.raises(
        InvalidInput, match=r"2026-01-01T00:00:00 has no time zone\. Pass it as 2026-01-01T00:00:00\+00:00"
    ):
        run(nights.folder(0), nights.params, doors=nights.doors, as_of=datetime(2026, 1, 1))  # noqa: DTZ001
