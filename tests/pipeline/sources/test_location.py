from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, StepError
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.location import fill, fill_query, is_database, public, public_text

AS_OF = datetime(2026, 1, 2, 3, tzinfo=UTC)


def test_a_query_keeps_its_own_braces() -> None:
    filled = fill_query("SELECT '{1,2}' WHERE day = '{date}' AND at < '{as_of}'", AS_OF)
    assert filled == "SELECT '{1,2}' WHERE day = '2026-01-02' AND at < '20260102T030000Z'"


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("postgresql://bob:s3cret@host/db#schema.table", "postgresql://host/db#schema.table"),
        ("postgresql://bob:s3/c@ret@host/db?sslkey=x#t", "postgresql://host/db?...#t"),
        ("s3://key:s3cret@bucket/e.csv", "s3://bucket/e.csv"),
        ("s3://key:s3/cret@bucket/e.csv", "s3://bucket/e.csv"),
        ("https://host/e.csv?sig=s3cret", "https://host/e.csv?..."),
        ("https://host/e.csv?sig=s3)c'r\"et", "https://host/e.csv?..."),
        ("https://bob:s3@cret@host/e.csv", "https://host/e.csv"),
        ("https://bob:s3?cr#et@host/e.csv", "https://host/e.csv"),
        ("https://host:8080/e.csv?by=a@b", "https://host:8080/e.csv?..."),
        ("POSTGRESQL://bob:s3c/ret@host/db", "POSTGRESQL://host/db"),
        ("postgresql://host/db?user=bob&password=s3)c ret#t", "postgresql://host/db?...#t"),
        ("file:///folder/me@here/e.csv", "file:///folder/me@here/e.csv"),
        ("sqlite:////folder/file.db#t", "sqlite:////folder/file.db#t"),
        ("folder/e-*.csv", "folder/e-*.csv"),
    ],
)
def test_a_location_is_named_without_its_credentials(location: str, named: str) -> None:
    assert public(location) == named
    assert is_database(location) == location.startswith(("postgresql", "sqlite"))


@pytest.mark.parametrize(
    ("location", "said", "shown"),
    [
        ("postgresql://pg:s3c/ret@h/db", 'invalid integer value "s3c" for port of "pg"', 'value "***" for port of ***'),
        ("postgresql://h/db?user=bob&password=hun)ter2", 'failed for "bob" with hun)ter2', "failed for *** with ***"),
        ("postgresql://h/db?password=hun&ter2", 'missing "=" in "ter2"', 'missing "=" in "***"'),
        ("postgresql://bob:p%40ss@h/db", "no host ss, nor p@ss", "no host ***, nor ***"),
        ("s3://AKIA:se/cret@bucket/e.csv", 'Invalid bucket name "AKIA:se"', 'Invalid bucket name "***:***"'),
        ("https://u:p@ss@h/f.csv", "404, url=https://u:p@ss@h/f.csv", "404, url=https://h/f.csv"),
        ("https://h/f.csv?sig=a)b", "403, url='https://h/f.csv?sig=a)b'", "403, url='https://h/f.csv?..."),
        ("https://h/f.csv?sig=a)b", "403 url='https://i/f.csv?sig=a)b' said", "403 url='https://i/f.csv?... said"),
    ],
)
def test_what_a_client_says_is_shown_without_any_part_of_a_secret(location: str, said: str, shown: str) -> None:
    assert shown in public_text(said, location)


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
