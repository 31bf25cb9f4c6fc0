from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.early_times import said_of_early
from pipeline.sources.graph_source import GraphSource

AS_OF = datetime(2024, 3, 1, tzinfo=UTC)
DATES = [date(2024, 1, 1) + timedelta(days=number) for number in range(69)]
LOG = SnapshotParams(kind="event_log", time_column="day", late_window_hours=0)
DUMP = SnapshotParams(time_column="day")


def written(folder: Path, days: object, suffix: str, name: str = "events") -> str:
    table = pd.DataFrame({"source": range(len(DATES)), "target": range(1, len(DATES) + 1), "day": days})
    path = folder / f"{name}.{suffix}"
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path, index=False)
    return str(path)


def read(location: str, params: SnapshotParams, *, since: datetime | None = None) -> Delivery:
    return GraphSource(location, None, params, Path(location).parent / "scratch").read(AS_OF, since)


UNITS = {
    "dates": (
        [int(f"{day:%Y%m%d}") for day in DATES],
        r"20240101'?, which as unix seconds is 1970-08-23",
        "2024-01-01",
    ),
    "days": ([(day - date(1970, 1, 1)).days for day in DATES], r"19723'?, which as unix seconds is 1970", "2024-01-01"),
    "years": ([2024 - number for number in range(len(DATES))], r"2024'?, which as unix seconds is 1970", "year 2024"),
    "steps": (list(range(len(DATES))), r"0'?, which as unix seconds is 1970-01-01 00:00:00", "Deliver unix seconds"),
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("params", [LOG, DUMP], ids=["log", "dump"])
def test_times_in_another_unit_than_seconds_are_refused(
    tmp_path: Path, unit: str, suffix: str, params: SnapshotParams
) -> None:
    values, said, meant = UNITS[unit]
    with pytest.raises(InvalidInput, match=rf"row 1: day is '?{said}.*{meant}.*timestamps.*\(69 such rows\)"):
        read(written(tmp_path, values, suffix), params)


def test_dates_as_digits_are_read_after_a_query_has_made_times_of_them(tmp_path: Path) -> None:
    query = "SELECT source, target, strptime(CAST(day AS VARCHAR), '%Y%m%d') AS day FROM delivered"
    params = LOG.model_copy(update={"edge_query": query})
    for suffix in ("csv", "parquet"):
        found = read(written(tmp_path, UNITS["dates"][0], suffix), params)
        assert (found.rows.kept, found.rows.later) == (
            61,
            8,
        )  # 2024-03-01 is the 61st day, the rest is for later nights


def test_times_that_truly_are_of_the_seventies_are_taken_as_timestamps(tmp_path: Path) -> None:
    query = "SELECT source, target, to_timestamp(CAST(day AS DOUBLE)) AS day FROM delivered"
    seconds = [86_400 * number for number in range(len(DATES))]
    with pytest.raises(InvalidInput, match=r"to_timestamp in such a query"):
        read(written(tmp_path, seconds, "csv"), DUMP)
    found = read(written(tmp_path, seconds, "csv"), DUMP.model_copy(update={"edge_query": query}))
    assert found.time is not None
    assert found.time.tolist() == seconds
    texts = written(tmp_path, [f"1971-01-01 00:00:{number % 60:02d}" for number in range(len(DATES))], "csv")
    assert read(texts, DUMP).rows.kept == len(DATES)


def test_some_early_times_among_later_ones_are_taken(tmp_path: Path) -> None:
    values = [0, 20_240_101, *[int(AS_OF.timestamp()) - number for number in range(len(DATES) - 2)]]
    assert read(written(tmp_path, values, "parquet"), DUMP).rows.kept == len(DATES)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_log_whose_unit_changes_later_is_no_quiet_night(tmp_path: Path, suffix: str) -> None:
    since = AS_OF - timedelta(days=1)
    with pytest.raises(InvalidInput, match=r"as unix seconds is 1970-08-23.*2024-01-01, written YYYYMMDD"):
        read(written(tmp_path, UNITS["dates"][0], suffix), LOG, since=since)
    quiet = [int(AS_OF.timestamp()) - 10 * 86_400] * len(DATES)
    assert read(written(tmp_path, quiet, suffix), LOG, since=since).rows.kept == 0


def test_number_that_looks_like_nothing_known_is_only_read_out() -> None:
    assert said_of_early(99_999_999).startswith("as unix seconds is 1973-03-03 09:46:39, and the whole column")
    assert "looks like" not in said_of_early(99_999_999)
