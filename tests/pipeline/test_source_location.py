from datetime import UTC, datetime

import pytest

from pipeline.source_location import fill_query, is_database, public

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
        ("https://host/e.csv?sig=s3cret", "https://host/e.csv?..."),
        ("sqlite:////folder/file.db#t", "sqlite:////folder/file.db#t"),
        ("folder/e-*.csv", "folder/e-*.csv"),
    ],
)
def test_a_location_is_named_without_its_credentials(location: str, named: str) -> None:
    assert public(location) == named
    assert is_database(location) == location.startswith(("postgresql", "sqlite"))
