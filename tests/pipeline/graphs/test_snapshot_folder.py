import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.graphs.snapshot_folder import read_graph, write_folder
from pipeline.graphs.tables import CanonicalGraph, content_id
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from pipeline.records.manifest import write_manifest
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, square, triangle_with_tail

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class Nights:
    """Consecutive nights of one graph, each written beside the one before."""

    def __init__(self, root: Path) -> None:
        self.root, self.number = root, 0
        self.graph: CanonicalGraph | None = None
        self.folder: Path | None = None

    def next(self, edges: pd.DataFrame, nodes: pd.DataFrame | None = None) -> Path:
        as_of = FIRST + timedelta(days=self.number)
        previous = read_graph(self.folder) if self.folder else None
        before = int((as_of - timedelta(days=1)).timestamp()) if previous else None
        change = build(
            delivered(edges, nodes),
            SnapshotParams(),
            as_of=int(as_of.timestamp()),
            previous=previous,
            previous_as_of=before,
        )
        folder = self.root / f"night{self.number}"
        folder.mkdir()
        write_folder(change.graph, folder, as_of=as_of, previous=previous, previous_folder=self.folder)
        self.graph, self.folder, self.number = change.graph, folder, self.number + 1
        return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("graph", [triangle_with_tail(), square()])
@pytest.mark.parametrize("with_nodes", [True, False])
def test_what_is_written_is_read_back(tmp_path: Path, graph: pd.DataFrame, with_nodes: bool) -> None:
    nights = Nights(tmp_path)
    for edges in (graph, graph.iloc[:2], graph.iloc[1:]):
        folder = nights.next(edges, nodes_of(graph) if with_nodes else None)
    written, read = nights.graph, read_graph(folder)
    assert written is not None
    assert read.node_departed_at.tolist() == written.node_departed_at.tolist()
    assert read.node_first_seen.tolist() == written.node_first_seen.tolist()
    for name in ("node_ids", "edges", "first_seen", "removed_at", "alive_since"):
        assert getattr(read.tables, name).tolist() == getattr(written.tables, name).tolist()
        assert getattr(read.tables, name).dtype == getattr(written.tables, name).dtype
    assert (read.tables.features is not None) == with_nodes
    assert content_id(read) == content_id(written)
    assert read_graph(folder).tables.num_nodes == 4


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    graph = triangle_with_tail()
    assert digests(Nights(tmp_path / "a").next(graph, nodes_of(graph))) == digests(
        Nights(tmp_path / "b").next(graph.iloc[::-1], nodes_of(graph).iloc[::-1])
    )


def test_old_buckets_keep_their_bytes_and_only_new_edges_make_a_file(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    graph = triangle_with_tail()
    first = digests(nights.next(graph))
    second = digests(nights.next(graph))
    assert second == first
    third = digests(nights.next(pd.concat([graph, pd.DataFrame({"source": [40], "target": [50]})])))
    assert set(third) - set(first) == {"edges/20260103T000000Z.parquet", "nodes/20260103T000000Z.parquet"}
    assert third["edges/20260101T000000Z.parquet"] == first["edges/20260101T000000Z.parquet"]
    table = pq.read_table(tmp_path / "night2" / "edges" / "20260103T000000Z.parquet")
    assert table.to_pylist() == [{"source": 40, "target": 50, "first_seen": 1767398400}]


def test_returning_edge_leaves_its_removals_partition(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    graph = triangle_with_tail()
    nights.next(graph)
    nights.next(graph.iloc[2:])
    path = nights.next(graph.iloc[1:]) / "removals" / "20260102T000000Z.parquet"
    assert pq.read_table(path).to_pylist() == [{"source": 10, "target": 20, "removed_at": 1767312000}]
    last = nights.next(graph)
    assert not (last / "removals").exists()


def test_when_an_edge_came_back_is_kept_and_read_again(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    graph = triangle_with_tail()
    nights.next(graph)
    nights.next(graph.iloc[1:])
    back = nights.next(graph)
    partition = back / "returns" / "20260103T000000Z.parquet"
    assert pq.read_table(partition).to_pylist() == [{"source": 10, "target": 20, "returned_at": 1767398400}]
    tables = read_graph(back).tables
    assert sorted(tables.alive_since.tolist()) == [1767225600] * 3 + [1767398400]
    assert set(tables.first_seen.tolist()) == {1767225600}
    same = nights.next(graph) / "returns" / "20260103T000000Z.parquet"
    assert same.read_bytes() == partition.read_bytes()


def test_living_edges_are_buckets_minus_removals_for_a_plain_reader(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.next(triangle_with_tail())
    folder = nights.next(triangle_with_tail().iloc[1:])
    edges, removals = pd.read_parquet(folder / "edges"), pd.read_parquet(folder / "removals")
    joined = edges.merge(removals, on=["source", "target"], how="left", indicator=True)
    living = joined[joined["_merge"] == "left_only"][["source", "target"]]
    assert living.to_numpy().tolist() == [[10, 30], [20, 30], [30, 40]]


def test_manifest_is_what_sha256sum_checks(tmp_path: Path) -> None:
    folder = Nights(tmp_path).next(triangle_with_tail())
    answer = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["edges/20260101T000000Z.parquet: OK", "nodes/20260101T000000Z.parquet: OK"]


def test_night_that_changes_one_feature_stores_one_row_of_it(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    graph, nodes = triangle_with_tail(), nodes_of(triangle_with_tail())
    first = digests(nights.next(graph, nodes))
    folder = nights.next(graph, nodes.assign(rank=[0.0, 9.0, 2.0, 3.0]))
    assert set(digests(folder)) - set(first) == {"features/20260102T000000Z.parquet"}
    table = pq.read_table(folder / "features" / "20260102T000000Z.parquet")
    assert table.to_pylist() == [{"node": 20, "since": 1767312000, "x": [9.0, 1.0]}]
    history = read_graph(folder).tables.history
    assert history is not None
    assert (history.columns, history.node.tolist()) == (("rank", "square"), [0, 1, 2, 3, 1])


def test_features_of_other_columns_leave_the_earlier_ones_behind(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    graph, nodes = triangle_with_tail(), nodes_of(triangle_with_tail())
    nights.next(graph, nodes)
    folder = nights.next(graph, nodes[["node", "square"]])
    assert [path.name for path in (folder / "features").iterdir()] == ["20260102T000000Z.parquet"]
    features = read_graph(folder).tables.features
    assert features is not None
    assert features[:, 0].tolist() == [0, 1, 4, 9]


def test_node_that_left_is_a_row_of_its_own_until_it_is_back(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    graph = triangle_with_tail()
    first = digests(nights.next(graph))
    gone = nights.next(graph.iloc[:3])
    rows = pq.read_table(gone / "departures" / "20260102T000000Z.parquet").to_pylist()
    assert rows == [{"node": 40, "departed_at": 1767312000}]
    assert digests(gone)["nodes/20260101T000000Z.parquet"] == first["nodes/20260101T000000Z.parquet"]
    assert not (nights.next(graph) / "departures").exists()


def test_layout_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    pq.write_table(pa.table({"node": [1], "living": [True]}), tmp_path / "old" / "nodes.parquet")
    with pytest.raises(InvalidInput, match=r"old has no nodes/.*earlier version.*snapshots init.*ingest"):
        read_graph(tmp_path / "old")


def test_edge_to_a_node_that_is_not_there_is_found_on_reading(tmp_path: Path) -> None:
    folder = Nights(tmp_path).next(triangle_with_tail())
    pq.write_table(
        pa.table({"source": [10], "target": [77], "first_seen": [0]}), folder / "edges" / "20260102T000000Z.parquet"
    )
    write_manifest(folder)
    with pytest.raises(TamperedRecord, match=r"edges/ names 1 nodes that nodes/ lacks\. Fetch"):
        read_graph(folder)


def test_removal_of_an_edge_that_is_not_there_is_found_on_reading(tmp_path: Path) -> None:
    folder = Nights(tmp_path).next(triangle_with_tail())
    (folder / "removals").mkdir()
    pq.write_table(
        pa.table({"source": [10], "target": [40], "removed_at": [0]}), folder / "removals" / "20260102T000000Z.parquet"
    )
    with pytest.raises(TamperedRecord, match=r"removals/ names 1 edges that edges/ lacks"):
        read_graph(folder)
