from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput
from pipeline.sources.query import OwnersQuery
from pipeline.sources.taking import TableRequest, Taking
from pipeline.sources.window import Window

NEEDED = [("source_column", "source"), ("target_column", "target")]
QUERY = OwnersQuery("snapshot.edge_query", "SELECT source, target FROM links;")


@pytest.fixture
def taking(tmp_path: Path) -> Iterator[Taking]:
    with ExitStack() as stack:
        yield Taking(tmp_path, stack)


@pytest.fixture
def database(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "graph.db") as connection:
        connection.execute("CREATE TABLE links (source INTEGER, target INTEGER)")
        connection.execute("INSERT INTO links VALUES (1, 2)")
    connection.close()
    return f"sqlite:///{tmp_path / 'graph.db'}"


def request(location: str, query: OwnersQuery | None = None, *, name: str = "edges") -> TableRequest:
    return TableRequest(name, location, query, NEEDED, ("source", "target"))


def test_a_table_and_a_query_are_read_from_one_database_that_is_opened_once(taking: Taking, database: str) -> None:
    table, answer = taking.take(request(f"{database}#links")), taking.take(request(database, QUERY, name="nodes"))
    assert [taken.files[0].path.name for taken in (table, answer)] == ["edges.parquet", "nodes.parquet"]
    assert not table.numbered  # rows of a database have no numbers
    assert list(taking.databases) == [database]


@pytest.mark.parametrize(
    ("place", "query", "message"),
    [
        (
            "#links",
            QUERY,
            r"names a table, and a query is given too\. .*url#schema\.table, or set snapshot\.edge",
        ),
        ("", None, r"names no table\. Either write the location as url#schema\.table, or set snapshot\.edge_query"),
    ],
)
def test_a_database_is_asked_for_a_table_or_with_a_query(
    taking: Taking, database: str, place: str, query: OwnersQuery | None, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        taking.take(request(database + place, query))


def test_a_local_parquet_file_stays_in_place_only_where_a_window_of_it_is_read(taking: Taking, tmp_path: Path) -> None:
    (tmp_path / "log.parquet").write_bytes(b"not opened here")
    whole = request(str(tmp_path / "log.parquet"))
    part = TableRequest("edges", whole.location, None, NEEDED, whole.ids, ("time", Window(0, 9)))
    asked = TableRequest("edges", whole.location, QUERY, NEEDED, whole.ids, ("time", Window(0, 9)))
    found = [taking.take(one).files[0].path.name for one in (whole, part, asked)]
    assert found == ["edges-00000.parquet", "log.parquet", "edges-00000.parquet"]
