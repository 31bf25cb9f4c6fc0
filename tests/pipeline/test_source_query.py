from __future__ import annotations

import pytest

from pipeline.errors import InvalidInput
from pipeline.source_query import one_statement


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "duckdb"])
@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1; -- the end;", "SELECT 1"),
        ("SELECT ';' AS \"a;b\" /* ; */", "SELECT ';' AS \"a;b\" /* ; */"),
        ("selec nothing", "selec nothing"),  # the database says what is wrong with it
    ],
)
def test_a_query_of_one_statement_is_kept(query: str, kept: str, dialect: str) -> None:
    assert one_statement("snapshot.edge_query", query, dialect) == kept


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT 1; DELETE FROM e",
            r"snapshot\.edge_query has a semicolon within it, before 'DELETE FROM e'",
        ),
        ("SELECT 1) x; DROP TABLE e; SELECT (1", r"before 'DROP TABLE e; SELECT \(1'\. Write one SELECT"),
        ("SELECT 'a", r"snapshot\.edge_query cannot be read: .*End each string and comment"),
    ],
)
def test_a_query_of_more_is_refused(query: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        one_statement("snapshot.edge_query", query, "sqlite")
