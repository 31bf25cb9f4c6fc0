from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, StepError
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.location import fill, fill_query, is_database

AS_OF = datetime(2026, 1, 2, 3, tzinfo=UTC)


def test_a_query_keeps_its_own_braces() -> None:
    filled = fill_query("SELECT '{1,2}' WHERE day = '{date}' AND at < '{as_of}'", AS_OF)
    assert filled == "SELECT '{1,2}' WHERE day = '2026-01-02' AND at < '20260102T030000Z'"


@pytest.mark.parametrize(
    ("location", "database"),
    [("postgresql://host/db#t", True), ("sqlite:////f.db#t", True), ("s3://b/e.csv", False), ("e.csv", False)],
)
def test_a_database_is_told_from_a_file(location: str, database: bool) -> None:
    assert is_database(location) == database


def test_a_field_in_a_password_is_not_shown() -> None:
    with pytest.raises(InvalidInput, match=r"s3://bucket/e\.csv has the field \{\.\.\.\}\. Use \{date\}"):
        fill("s3://key:s3{cret}@bucket/e.csv", AS_OF)


@pytest.mark.parametrize(
    "location",
    [
        "postgresql://bob:s3cret#x@127.0.0.1:1/graph",
        "POSTGRESQL://bob:s3cret/x@127.0.0.1:1/graph#edges",
        "s3://bob:s3cret/x@bucket/e.csv",
        "https://bob:x@s3cret@127.0.0.1:1/e.csv",
    ],
)
def test_no_refusal_shows_how_a_source_is_logged_in_to(tmp_path: Path, location: str) -> None:
    with pytest.raises(StepError, match=r"(names no table|has no format known here|did not deliver)") as caught:
        GraphSource(location, None, SnapshotParams(), tmp_path).read(AS_OF)
    assert "s3cret" not in str(caught.value)
    assert "bob" not in str(caught.value)
    assert caught.value.__cause__ is None
