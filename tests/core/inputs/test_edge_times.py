from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.edge_times import edge_times, require_one_unit

DAYS = [1_772_323_200, 1_772_409_600]  # 1 and 2 March 2026 in unix seconds
TEXT = ["2026-03-01", "2026-03-02"]


@pytest.mark.parametrize(
    "given",
    [
        np.array(TEXT, dtype="datetime64[D]"),
        np.array(TEXT, dtype="datetime64[ns]"),
        TEXT,
        np.array(TEXT),
        np.array(TEXT, dtype=object),
        ["2026-03-01T01:00:00+01:00", "2026-03-02T00:00:00+00:00"],
        [date(2026, 3, 1), date(2026, 3, 2)],
        [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, 5, tzinfo=timezone(timedelta(hours=5)))],
        pd.to_datetime(pd.Series(TEXT)),
        pd.to_datetime(pd.Series(TEXT)).dt.tz_localize("UTC"),
        pd.Series(TEXT, dtype="string"),
    ],
    ids=lambda given: f"{type(given).__module__}-{getattr(given, 'dtype', type(given[0]).__name__)}",
)  # fmt: skip
def test_dates_of_every_form_become_unix_seconds(given: object) -> None:
    found = edge_times(given, 2)
    assert found is not None
    assert found.dtype == torch.int64
    assert found.tolist() == DAYS


@pytest.mark.parametrize(
    "given",
    [
        [3, -5], (3, -5), np.array([3, -5], dtype=np.int32), torch.tensor([3, -5]), pd.Series([3, -5], dtype="Int64"),
        pd.Series([3, -5], dtype=object), [3.0, -5.0], np.array([3.25, -4.75]), torch.tensor([3.5, -4.5]),
    ],
)  # fmt: skip
def test_numbers_are_taken_as_they_are_without_fractions(given: object) -> None:
    found = edge_times(given, 2)
    assert found is not None
    assert found.tolist() == [3, -5]


def test_no_times_are_none_and_those_of_no_edges_are_empty() -> None:
    assert edge_times(None, 5) is None
    for empty in ([], torch.zeros(0), np.array([], dtype="datetime64[s]")):
        found = edge_times(empty, 0)
        assert found is not None
        assert found.shape == (0,)


def test_what_is_read_may_be_written_to() -> None:
    given = np.array([1, 2])
    given.flags.writeable = False
    found = edge_times(given, 2)
    assert found is not None
    found += 1
    assert given.tolist() == [1, 2]


@pytest.mark.parametrize(
    "given",
    [
        [1.0, float("nan")],
        [1.0, float("inf")],
        np.array(["2026-03-01", "NaT"], dtype="datetime64[s]"),
        ["2026-03-01", None],
        [5, None],
        pd.Series([5, None], dtype="Int64"),
    ],
)
def test_a_time_that_is_missing_is_refused_with_its_place(given: object) -> None:
    with pytest.raises(InvalidGraph, match=r"1 of 2 edges have no time \(first: place 1\)\. Leave them out, or give"):
        edge_times(given, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 2, 3], r"time has the shape \[3\] for 2 edges\. Give one time an edge"),
        (torch.zeros(2, 1), r"time has the shape \[2, 1\] for 2 edges"),
        (5, r"time has the shape \[\] for 2 edges"),
        (["2026-03-01", "spring"], r"time holds '2026-03-01'.*no date\. Give whole numbers, or dates"),
        ([object(), object()], r"which is no date"),
        ([True, False], r"time holds bool, such as .*\. Give whole numbers, or dates"),
    ],
)
def test_what_is_no_time_is_refused(given: object, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        edge_times(given, 2)


def test_fractions_that_tell_most_times_apart_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"differ by fractions \(0\.125 is one\).*Multiply them, or give dates"):
        edge_times([0.125, 0.25, 0.5, 0.75, 1.5], 5)
    found = edge_times([1.25, 2.5, 3.75, 4.0, 4.5], 5)
    assert found is not None
    assert found.tolist() == [1, 2, 3, 4, 4]


@pytest.mark.parametrize("given", [[0, DAYS[0]], [DAYS[0] * 1000, -1, 0], ["1970-01-01", "2026-03-01"]])
def test_zero_among_times_of_today_is_no_time(given: list[object]) -> None:
    with pytest.raises(
        InvalidGraph, match=r"have the time (0|-1) \(first: place [01]\).*Leave these edges out, or give"
    ):
        edge_times(given, len(given))


@pytest.mark.parametrize("given", [[0, 1, 2], [0, 0], [-5, DAYS[0]], [DAYS[0], DAYS[1]], [19700101, 20260301]])
def test_zero_that_is_a_step_and_years_before_1970_are_times(given: list[int]) -> None:
    found = edge_times(given, len(given))
    assert found is not None
    assert found.tolist() == given


@pytest.mark.parametrize(
    ("known", "new"),
    [
        ((DAYS[0], DAYS[1]), 7),  # dates, and a count
        ((0, 120), DAYS[1]),  # a count, and a date
        ((DAYS[0] * 1000, DAYS[1] * 1000), DAYS[1]),  # milliseconds, and a date
    ],
)
def test_new_times_in_another_unit_than_the_known_ones_are_refused(known: tuple[int, int], new: int) -> None:
    with pytest.raises(
        InvalidGraph, match=rf"time holds {new}, and .* from {known[0]} to {known[1]}: .*in the unit of"
    ):
        require_one_unit(known, torch.tensor([new]))


@pytest.mark.parametrize(
    ("known", "new"),
    [
        ((0, 120), [121, 10**6]),
        ((DAYS[0], DAYS[1]), [DAYS[0] - 10**9, DAYS[1] + 10**9]),
        ((-10, DAYS[0]), [5]),  # some known ones are of before 1980 themselves
        ((0, 1), []),
    ],
)
def test_new_times_in_the_unit_of_the_known_ones_are_taken(known: tuple[int, int], new: list[int]) -> None:
    require_one_unit(known, torch.tensor(new, dtype=torch.int64))
