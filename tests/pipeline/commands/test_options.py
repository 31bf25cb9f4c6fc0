from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipeline.commands.options import given, in_utc, name_of
from pipeline.errors import InvalidInput


def test_as_of_is_taken_as_utc_to_the_second() -> None:
    assert in_utc(datetime(2026, 1, 1, 3, 0, 0, 5)) == datetime(2026, 1, 1, 3, tzinfo=UTC)  # noqa: DTZ001
    ahead = timezone(timedelta(hours=2))
    assert in_utc(datetime(2026, 1, 1, 3, tzinfo=ahead)) == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_bytes_that_are_no_utf8_are_refused_before_they_reach_the_ledger() -> None:
    latin = b"d\xe9faut".decode(errors="surrogateescape")
    with pytest.raises(InvalidInput, match=r"--reason is not UTF-8: 'd\\udce9faut'\. Write it again"):
        given(latin)
    with pytest.raises(InvalidInput, match="--who is not UTF-8"):
        name_of(latin)
    assert (given(" défaut "), name_of("rené")) == ("défaut", "rené")
