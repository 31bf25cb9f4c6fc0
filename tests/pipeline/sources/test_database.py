from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, NotDelivered, OutsideTrouble, StepError
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource
from tests.fixtures.local_services import free_port, postgres_schema, postgres_url

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())


class Table:
    """A table of one of the two databases: where it lies, and how it is made."""

    def __init__(self, location: Callable[[str], str], run: Callable[[str], None], scratch: Path) -> None:
        self.location, self.run, self.scratch = location, run, scratch

    def read(
        self, table: str, params: SnapshotParams | None = None, nodes: str | None = None, since: datetime | None = None
    ) -> Delivery:
        nodes_at = self.location(nodes) if nodes else None
        source = GraphSource(self.location(table), nodes_at, params or SnapshotParams(), self.scratch)
        return source.read(AS_OF, since)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Table]:
    url = postgres_url()
    with postgres_schema(url) as (schema, run):
        yield Table(lambda table: f"{url}#{schema}.{table}" if table else url, run, tmp_path)


@pytest.fixture
def sqlite(tmp_path: Path) -> Table:
    path = tmp_path / "graph data.db"

    def run(statement: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.executescript(statement)

    run("")
    return Table(lambda table: f"sqlite:///{path}#{table}" if table else f"sqlite:///{path}", run, tmp_path)


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest) -> Table:
    found: Table = request.getfixturevalue(request.param)
    return found


def pairs(delivery: Delivery) -> list[tuple[object, object]]:
    return list(zip(delivery.ids[delivery.low].tolist(), delivery.ids[delivery.high].tolist(), strict=True))


def test_a_table_gives_its_pairs_whatever_its_row_order(database: Table) -> None:
    database.run("CREATE TABLE one (source BIGINT, target BIGINT)")
    database.run("INSERT INTO one VALUES (10, 20), (30, 20), (30, 30)")
    database.run("CREATE TABLE other (target BIGINT, extra TEXT, source BIGINT)")
    database.run("INSERT INTO other VALUES (30, 'x', 30), (20, 'y', 30), (20, NULL, 10)")
    one, other = database.read("one"), database.read("other")
    assert pairs(one) == [(10, 20), (20, 30)]
    assert one.rows.first_self_loop == "30 - 30"  # a table's rows have no numbers
    assert one.sha256 == other.sha256
    database.run("INSERT INTO other VALUES (40, 'z', 10)")
    assert database.read("other").sha256 != one.sha256


def test_names_are_quoted(database: Table) -> None:
    database.run('CREATE TABLE "Order" ("From" TEXT, "to ""x""" TEXT)')
    database.run("INSERT INTO \"Order\" VALUES ('a', 'b')")
    params = SnapshotParams(source_column="From", target_column='to "x"')
    assert pairs(database.read("Order", params)) == [("a", "b")]


def test_a_bad_value_is_named_without_a_row(database: Table) -> None:
    database.run("CREATE TABLE edges (source BIGINT, target BIGINT)")
    database.run("INSERT INTO edges VALUES (1, 2), (3, -4)")
    with pytest.raises(InvalidInput, match=r"#[a-z0-9_.]*edges: target is -4, which is negative.*Mend the row"):
        database.read("edges")


def test_what_is_wrong_with_a_question_is_said_with_a_remedy(database: Table) -> None:
    database.run("CREATE TABLE edges (sorce BIGINT, target BIGINT)")
    with pytest.raises(InvalidInput, match=r"no column 'source'.*snapshot\.source_column.*nearest: sorce"):
        database.read("edges")
    with pytest.raises(InvalidInput, match=r"cannot be read: .*nosuch.*url#schema\.table"):
        database.read("nosuch")
    with pytest.raises(InvalidInput, match=r"cannot be read: .*syntax error.*one SELECT"):
        database.read("", SnapshotParams(edge_query="selec nothing"))
    with pytest.raises(InvalidInput, match=r"names no table.*url#schema\.table, or set snapshot\.edge_query"):
        database.read("")
    with pytest.raises(InvalidInput, match=r"names a table, and a query is given too.*snapshot\.edge_query"):
        database.read("edges", SnapshotParams(edge_query="SELECT 1"))


def test_an_empty_table_is_refused(database: Table) -> None:
    database.run("CREATE TABLE edges (source BIGINT, target BIGINT)")
    with pytest.raises(InvalidInput, match=r"edges is empty.*and run again"):
        database.read("edges")


def test_a_query_takes_the_date_of_the_night(database: Table) -> None:
    database.run("CREATE TABLE edges (a BIGINT, b BIGINT, day TEXT)")
    database.run("INSERT INTO edges VALUES (1, 2, '2026-01-02'), (3, 4, '2026-01-01')")
    query = "SELECT a AS source, b AS target FROM {schema}edges WHERE day = '{date}';"
    schema = database.location("x").partition("#")[2].removesuffix("x")
    assert pairs(database.read("", SnapshotParams(edge_query=query.replace("{schema}", schema)))) == [(1, 2)]


def test_what_is_named_for_the_night_and_not_there_yet_is_waited_for(database: Table) -> None:
    with pytest.raises(NotDelivered, match=r"did not deliver .*edges_2026-01-02.*the night waits for it"):
        database.read("edges_{date}")  # a table of its own for each night
    database.run('CREATE TABLE "edges_2026-01-02" (source BIGINT, target BIGINT, day TEXT)')
    with pytest.raises(NotDelivered, match=r"edges_2026-01-02: it has no row for the night yet"):
        database.read("edges_{date}")  # made, and not filled yet
    schema = database.location("x").partition("#")[2].removesuffix("x")
    query = f"SELECT source, target FROM {schema}\"edges_2026-01-02\" WHERE day = '{{date}}'"
    with pytest.raises(NotDelivered, match="it has no row for the night yet"):
        database.read("", SnapshotParams(edge_query=query))  # a partition of the night
    database.run("INSERT INTO \"edges_2026-01-02\" VALUES (1, 2, '2026-01-02')")
    for found in (database.read("edges_{date}"), database.read("", SnapshotParams(edge_query=query))):
        assert pairs(found) == [(1, 2)]


def test_a_query_writes_nothing(database: Table) -> None:
    database.run("CREATE TABLE edges (source BIGINT, target BIGINT)")
    schema = database.location("x").partition("#")[2].removesuffix("x")
    query = f"SELECT 1 AS source, 2 AS target; DELETE FROM {schema}edges"
    with pytest.raises(InvalidInput, match=r"snapshot\.edge_query has a semicolon within it, before 'DELETE"):
        database.read("", SnapshotParams(edge_query=query))
    query = f"SELECT 1 AS source, 2 AS target) x; DELETE FROM {schema}edges; SELECT * FROM (SELECT 1"
    with pytest.raises(InvalidInput, match=r"snapshot\.edge_query has a semicolon within it"):
        database.read("", SnapshotParams(edge_query=query))


def test_nodes_of_the_same_database_bring_features_and_times(database: Table) -> None:
    database.run("CREATE TABLE edges (source BIGINT, target BIGINT)")
    database.run("INSERT INTO edges VALUES (1, 2)")
    database.run("CREATE TABLE nodes (node BIGINT, rank NUMERIC(10, 3), since BIGINT)")
    database.run(f"INSERT INTO nodes VALUES (2, 1.5, {NOW}), (1, -2, {NOW - 5})")
    params = SnapshotParams(feature_columns=("rank",), node_time_column="since")
    nodes = database.read("edges", params, nodes="nodes").nodes
    assert nodes is not None
    assert nodes.features is not None
    assert nodes.times is not None
    found = zip(nodes.ids.tolist(), nodes.features[:, 0].tolist(), nodes.times.tolist(), strict=True)
    assert sorted(found) == [(1, -2, NOW - 5), (2, 1.5, NOW)]
    database.run(f"INSERT INTO nodes VALUES (3, 0, {NOW + 1})")
    with pytest.raises(InvalidInput, match=rf"nodes: since is {NOW + 1} .*, after the as-of 2026.*would leak"):
        database.read("edges", params, nodes="nodes")


@pytest.mark.parametrize(
    "kind", ["BIGINT", "DOUBLE PRECISION", "TEXT", "TIMESTAMP", "TIMESTAMPTZ", "NUMERIC(20, 3)", "DATE"]
)
def test_a_log_is_read_from_the_watermark_on(postgres: Table, kind: str) -> None:
    dates = ["2025-12-20", "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03"]
    postgres.run(f"CREATE TABLE events (source BIGINT, target BIGINT, time {kind})")
    for number, date in enumerate(dates):
        stamp = int(datetime.fromisoformat(f"{date}T00:00Z").timestamp())
        value = f"'{date} 00:00:00+00'" if kind in ("TEXT", "TIMESTAMP", "TIMESTAMPTZ", "DATE") else stamp
        postgres.run(f"INSERT INTO events VALUES ({number}, 9, {value})")
    params = SnapshotParams(kind="event_log", time_column="time", late_window_hours=24)
    found = postgres.read("events", params, since=datetime(2026, 1, 1, tzinfo=UTC))
    assert pairs(found) == [(2, 9), (3, 9)]
    assert (found.rows.read, found.rows.late, found.rows.later) == (2, 1, 0)


@pytest.mark.parametrize("kind", ["INTEGER", "TEXT"])
def test_a_log_in_sqlite_is_read_from_the_watermark_on(sqlite: Table, kind: str) -> None:
    sqlite.run(f"CREATE TABLE events (source BIGINT, target BIGINT, time {kind})")
    values = [NOW - 90_000, NOW - 10, NOW + 10]
    sqlite.run("INSERT INTO events VALUES " + ", ".join(f"({n}, 9, {value})" for n, value in enumerate(values)))
    params = SnapshotParams(kind="event_log", time_column="time", late_window_hours=0)
    assert pairs(sqlite.read("events", params, since=datetime(2026, 1, 1, tzinfo=UTC))) == [(1, 9)]


def test_an_event_without_a_time_is_refused_on_every_night(database: Table) -> None:
    database.run("CREATE TABLE events (source BIGINT, target BIGINT, time BIGINT)")
    database.run(f"INSERT INTO events VALUES (1, 2, {NOW}), (3, 4, NULL)")
    params = SnapshotParams(kind="event_log", time_column="time")
    with pytest.raises(InvalidInput, match=r"events: time is None, which is no time"):
        database.read("events", params, since=datetime(2026, 1, 1, tzinfo=UTC))


def test_postgres_types_are_read_as_they_are_meant(postgres: Table) -> None:
    postgres.run("CREATE TABLE edges (source NUMERIC(20, 0), target NUMERIC)")
    postgres.run("INSERT INTO edges VALUES (9007199254740993, 2)")
    assert postgres.read("edges").ids.tolist() == [2, 9007199254740993]
    postgres.run("INSERT INTO edges VALUES (1, 2.5)")
    with pytest.raises(InvalidInput, match=r"target is Decimal\('2\.50*'\), which is no node id"):
        postgres.read("edges")
    postgres.run("CREATE TABLE keys (source UUID, target UUID)")
    postgres.run("INSERT INTO keys VALUES ('00000000-0000-0000-0000-00000000000b', '0000000000000000000000000000000a')")
    assert postgres.read("keys").ids.tolist() == [f"00000000-0000-0000-0000-00000000000{end}" for end in "ab"]
    postgres.run("CREATE TABLE wrong (source INTEGER[], target INTEGER[])")
    postgres.run("INSERT INTO wrong VALUES ('{1}', '{2}')")
    with pytest.raises(InvalidInput, match=r"holds column 'source' as array.*Ids are int64"):
        postgres.read("wrong")


def test_a_column_of_two_types_in_sqlite_is_refused(sqlite: Table) -> None:
    sqlite.run("CREATE TABLE edges (source, target)")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
    sqlite.run(f"{numbers} INSERT INTO edges SELECT i, i + 1 FROM n")
    sqlite.run("INSERT INTO edges VALUES ('x', 1)")
    with pytest.raises(InvalidInput, match=r"cannot be read: .*expected INT64.*every column has one type"):
        sqlite.read("edges")


def test_a_server_that_does_not_answer_is_waited_for(tmp_path: Path) -> None:
    location = f"postgresql://127.0.0.1:{free_port()}/graph#edges"
    with pytest.raises(NotDelivered, match=r"postgresql://127\.0\.0\.1:\d+/graph does not answer.*tries again"):
        GraphSource(location, None, SnapshotParams(), tmp_path).read(AS_OF)
    with pytest.raises(NotDelivered, match=r"did not deliver .*nosuch\.db: there is no file.*sqlite:////whole"):
        GraphSource(f"sqlite:///{tmp_path}/nosuch.db#edges", None, SnapshotParams(), tmp_path).read(AS_OF)


def test_a_server_that_turns_us_away_is_not_waited_for(tmp_path: Path) -> None:
    url = postgres_url().rpartition("/")[0]
    with pytest.raises(OutsideTrouble, match=r"does not let us in .*nosuch.*does not exist") as caught:
        GraphSource(f"{url}/nosuch#edges", None, SnapshotParams(), tmp_path).read(AS_OF)
    assert not isinstance(caught.value, NotDelivered)


@pytest.mark.parametrize(
    "location",
    [
        "postgresql://bob:s3cret@127.0.0.1:1/graph#edges",
        "postgresql://bob:s3cret@127.0.0.1:1/graph?sslmode=s3cret#edges",
        "postgresql://bob:s3cret%2F@127.0.0.1:1/graph?application_name=s3cret#edges",
        "postgresql://bob:pa s3cret %zz@127.0.0.1:1/graph#edges",
        "postgresql://bob:pa#s3cret@127.0.0.1:1/graph#edges",
        "postgresql://bob:pa/s3cret@127.0.0.1:1/graph#edges",
        "postgresql://127.0.0.1:1/graph?user=bob&password=s3cret#edges",
        "postgresql://127.0.0.1:1/graph?user=bob&password=s3cret)s3cret#edges",
        "postgresql://bob:s3cret/x@127.0.0.1:1/graph#edges",
    ],
)
def test_no_message_shows_how_a_database_is_logged_in_to(
    tmp_path: Path, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(StepError) as caught:
        GraphSource(location, None, SnapshotParams(), tmp_path).read(AS_OF)
    assert "s3cret" not in str(caught.value) + caplog.text
    assert "bob" not in str(caught.value) + caplog.text
    assert caught.value.__suppress_context__


def test_a_table_is_named_without_credentials(postgres: Table) -> None:
    postgres.run("CREATE TABLE edges (source BIGINT, target BIGINT)")
    postgres.run("INSERT INTO edges VALUES (1, 2)")
    delivery = postgres.read("edges")
    assert "@" not in delivery.edges_file
    assert delivery.edges_file.endswith(".edges")
