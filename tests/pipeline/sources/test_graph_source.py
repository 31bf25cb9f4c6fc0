import gzip
from datetime import UTC, datetime
from pathlib import Path

import fsspec  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InvalidInput, NotDelivered, OutsideTrouble
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.location import fill
from tests.fixtures.small_graphs import nodes_of, square, triangle_with_tail

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())


def write(table: pd.DataFrame, path: Path) -> str:
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return str(path)


def read(edges: str | Path, nodes: str | None = None, params: SnapshotParams | None = None) -> Delivery:
    scratch = Path(str(edges)).parent / "scratch"
    return GraphSource(str(edges), nodes, params or SnapshotParams(), scratch).read(AS_OF)


@pytest.mark.parametrize("name", ["edges.parquet", "edges.csv", "edges.csv.gz"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    delivery = read(write(triangle_with_tail(), tmp_path / name))
    assert delivery.ids[delivery.low].tolist() == [10, 10, 20, 30]
    assert delivery.ids[delivery.high].tolist() == [20, 30, 30, 40]
    assert delivery.rows.read == 4
    assert delivery.ids.dtype == np.int64
    assert not delivery.ids_are_text


@pytest.mark.parametrize("name", ["edges.parquet", "edges.csv"])
def test_ids_may_be_strings(tmp_path: Path, name: str) -> None:
    delivery = read(write(square(), tmp_path / name))
    assert delivery.ids.tolist() == ["a", "b", "c", "d"]
    assert delivery.ids_are_text


def test_strings_of_digits_stay_strings_in_a_typed_file(tmp_path: Path) -> None:
    table = triangle_with_tail().astype(str)
    assert read(write(table, tmp_path / "edges.parquet")).ids.tolist() == ["10", "20", "30", "40"]


def test_location_takes_the_date_of_the_night(tmp_path: Path) -> None:
    write(triangle_with_tail(), tmp_path / "edges-2026-01-02.parquet")
    delivery = read(tmp_path / "edges-{date}.parquet")
    assert (delivery.num_edges, delivery.dated) == (4, True)
    assert not read(tmp_path / "edges-2026-01-02.parquet").dated
    assert fill("s3://b/{as_of}.csv", AS_OF) == "s3://b/20260102T000000Z.csv"
    with pytest.raises(InvalidInput, match=r"field \{dat\}. Use \{date\} or \{as_of\}"):
        fill("edges-{dat}.csv", AS_OF)


def test_location_may_be_an_fsspec_url(tmp_path: Path) -> None:
    write(triangle_with_tail(), tmp_path / "edges.parquet")
    delivery = GraphSource(f"file://{tmp_path}/edges.parquet", None, SnapshotParams(), tmp_path / "scratch").read(AS_OF)
    assert len(delivery.low) == 4


def test_file_that_did_not_come_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(NotDelivered, match=r"did not deliver .*missing-2026-01-02\.csv.*night waits") as caught:
        read(tmp_path / "missing-{date}.csv")
    assert caught.value.exit_code == 66


def test_scratch_copies_are_gone_afterwards(tmp_path: Path) -> None:
    read(write(triangle_with_tail(), tmp_path / "edges.csv"))
    assert list((tmp_path / "scratch").iterdir()) == []


def test_digest_is_of_the_bytes_of_both_files(tmp_path: Path) -> None:
    edges, nodes = (
        write(triangle_with_tail(), tmp_path / "e.csv"),
        write(nodes_of(triangle_with_tail()), tmp_path / "n.csv"),
    )
    first = read(edges, nodes).sha256
    assert read(edges, nodes).sha256 == first
    assert read(edges).sha256 != first
    (tmp_path / "n.csv").write_text((tmp_path / "n.csv").read_text() + "\n")
    assert read(edges, nodes).sha256 != first


BAD_FILES = [
    ("e.csv", b"", r"e\.csv is empty \(0 bytes\)\. Deliver the whole file"),
    ("e.csv", b"source,target\n", r"e\.csv is empty \(a header, but no row\)"),
    ("e.parquet", b"PAR1 no parquet", r"e\.parquet cannot be read: .*Deliver a whole file"),
    (
        "e.csv",
        b"source,target\n1,2\n3\n4,5\n",
        r"e\.csv cannot be read: .*Line: 3; .*Columns: 2 Found: 1\. Deliver a whole",
    ),
    ("e.csv", b"source,target\n1,2\n3,4,5\n", r"e\.csv cannot be read: .*Line: 3; Original Line: 3,4,5; .*Found: 3\."),
    ("e.csv", b"source,target\n" + b"1,2\n" * 30000 + b"3", r"e\.csv cannot be read: .*Line: 30002; .*Found: 1\. Del"),
    ("e.csv", b"source,target\na,b\nc,d\xe9\n", r"e\.csv is not UTF-8: .*encoded as UTF-8"),
    ("e.csv", b'source,target\na,b\nc,"d', r"e\.csv cannot be read: .*Line: 3; .*unterminated quote"),
    ("e.csv", "source,target\n1,2\n".encode("utf-16"), r"e\.csv is not UTF-8: .*encoded as UTF-8"),
    ("e.csv", b"\nsource,target\n1,2\n", r"e\.csv, line 1 is blank \(''\)\. Deliver .*header in that line"),
    (
        "e.csv.gz",
        b"source,target\n1,2\n",
        r"e\.csv\.gz cannot be read: Not a gzipped.*Deliver a whole \.gz file",
    ),
    (
        "e.csv.gz",
        gzip.compress(b"source,target\n" + b"1,2\n" * 99, mtime=0)[:-9],
        r"e\.csv\.gz cannot be read.*Deliver a whole",
    ),
    ("e.json", b"[]", r"e\.json has no format known here\. Deliver one of \.parquet, \.jsonl, .*\.csv, \.csv\.gz"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES)
def test_bad_file_is_refused_with_a_remedy(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read(tmp_path / name)


def test_full_dump_from_the_future_is_refused(tmp_path: Path) -> None:
    path = write(pd.DataFrame({"source": [1, 2], "target": [2, 3], "time": [NOW, NOW + 1]}), tmp_path / "e.parquet")
    with pytest.raises(
        InvalidInput,
        match=r"row 2: time is \d+ \(2026-01-02T00:00:01\+00:00\), after the as-of 2026-01-02T00:00:00\+00:00.*UTC",
    ):
        read(path, params=SnapshotParams(time_column="time"))


def test_event_log_waits_with_later_events_and_keeps_row_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame({"source": [1, 2, 3], "target": [2, 3, 4], "time": [NOW, NOW + 1, NOW - 1]})
    params = SnapshotParams(time_column="time", kind="event_log")
    delivery = read(write(table, tmp_path / "e.parquet"), params=params)
    assert delivery.num_edges == 2
    assert delivery.rows.later == 1
    table["time"] += 10**9
    with pytest.raises(InvalidInput, match=r"3 events, all after the as-of.*in seconds"):
        read(write(table, tmp_path / "e.parquet"), params=params)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_node_table_brings_ids_and_features(tmp_path: Path, suffix: str) -> None:
    edges = write(triangle_with_tail(), tmp_path / f"e.{suffix}")
    nodes = write(nodes_of(triangle_with_tail()), tmp_path / f"n.{suffix}")
    delivery = read(edges, nodes, SnapshotParams(feature_columns=("rank", "square")))
    assert delivery.nodes is not None
    assert delivery.nodes.ids.tolist() == [10, 20, 30, 40]
    assert delivery.nodes.features is not None
    assert delivery.nodes.features.tolist() == [[0, 0], [1, 1], [2, 4], [3, 9]]
    assert delivery.nodes.features.dtype == np.float32


BAD_NODES = [
    ({"node": [10, 20, 10], "rank": [0, 1, 2]}, r"n\.parquet, row 3: node 10 is there already.*leave out"),
    ({"node": [10, 20, 30], "rank": [0, np.nan, 2]}, r"n\.parquet, row 2: rank is .*which is no.*Fill the value"),
    ({"node": [10, 20, 30], "rank": [0, 1, np.inf]}, r"n\.parquet, row 3: rank is inf.*not finite"),
    ({"node": [10, 20, 30], "rnk": [0, 1, 2]}, r"no column 'rank'.*snapshot\.feature_columns.*nearest: rnk"),
    ({"node": ["10", "20", "30"], "rank": [0, 1, 2]}, r"strings in 'node', but the edge table's ids are integers"),
]


@pytest.mark.parametrize(("columns", "message"), BAD_NODES)
def test_bad_node_table_is_refused(tmp_path: Path, columns: dict[str, list[object]], message: str) -> None:
    edges = write(triangle_with_tail(), tmp_path / "e.parquet")
    nodes = write(pd.DataFrame(columns), tmp_path / "n.parquet")
    with pytest.raises(InvalidInput, match=message):
        read(edges, nodes, SnapshotParams(feature_columns=("rank",)))


def test_broken_node_table_is_named_rather_than_the_edge_table(tmp_path: Path) -> None:
    edges = write(triangle_with_tail(), tmp_path / "e.csv")
    (tmp_path / "n.csv").write_text("node,rank\n10,1\n20\n")
    with pytest.raises(InvalidInput, match=rf"^{tmp_path}/n\.csv cannot be read: .*Line: 3; .*Found: 1"):
        read(edges, str(tmp_path / "n.csv"))


def test_features_without_a_node_table_are_refused(tmp_path: Path) -> None:
    edges = write(triangle_with_tail(), tmp_path / "e.csv")
    with pytest.raises(
        InvalidInput, match=r"feature_columns is rank, but no node table.*NCNC_SOURCE_NODES .*--nodes.*\[\]"
    ):
        read(edges, params=SnapshotParams(feature_columns=("rank",)))


@pytest.mark.parametrize(
    "location",
    ["nowhere://bob:s3cret@host/e.csv", "nowhere://host/e.json?sig=s3cret", "nowhere://bob:s3cret@host/{dat}.csv"],
)
def test_no_error_shows_the_credentials_of_a_source(tmp_path: Path, location: str) -> None:
    source = GraphSource(location, None, SnapshotParams(), tmp_path / "scratch")
    with pytest.raises((InvalidInput, OutsideTrouble), match=r"nowhere://host/") as caught:
        source.read(AS_OF)
    assert "s3cret" not in str(caught.value)
    assert "bob" not in str(caught.value)


def test_delivery_is_named_without_credentials(tmp_path: Path) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe("/s3cret@host/e.csv", b"source,target\n1,2\n")
    delivery = GraphSource("memory://s3cret@host/e.csv", None, SnapshotParams(), tmp_path / "scratch").read(AS_OF)
    assert delivery.edges_file == "memory://host/e.csv"
