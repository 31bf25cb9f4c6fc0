from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from ncnc_airflow.earlier_nights import night_of

START = datetime(2026, 1, 10, 12, tzinfo=UTC)


def test_a_run_without_a_logical_date_is_the_night_of_its_start() -> None:
    night = datetime(2026, 1, 9, 3, tzinfo=UTC)
    assert night_of(SimpleNamespace(logical_date=night, run_after=START)) == night  # type: ignore[arg-type]
    assert night_of(SimpleNamespace(logical_date=None, run_after=START)) == START  # type: ignore[arg-type]
