from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.asked_table import asked_table, id_column, no_id

LARGE = 2**53 + 1  # the first whole number that no floating-point number is


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (pd.Series([10, 20]), [10, 20]),
        (pd.Series([10, None]), [10, None]),  # floats
        (pd.Series([LARGE, pd.NA], dtype="Int64"), [LARGE, None]),
        (pd.Series([10, None, pd.NA, float("nan"), pd.NaT], dtype=object), [10, None, None, None, None]),
        (pd.Series(["10", " 007 ", None]), [10, 7, None]),  # a CSV column of text
        (np.array([LARGE, None], dtype=object), [LARGE, None]),
        (np.array(10), [10]),  # one pair alone
        ([np.int64(10), np.uint64(2**63)], [10, 2**63]),
        (pd.Series(["anna", True, 1.5, [1], LARGE * 1.0], dtype=object), ["anna", True, 1.5, [1], float(LARGE)]),
    ],
)
def test_whole_numbers_are_read_exactly_whatever_they_came_as(values: Any, read: list[object]) -> None:
    asked = pd.DataFrame({"source": values}) if isinstance(values, pd.Series) else {"source": values}
    assert asked_table(asked, ids_are_text=False)["source"].tolist() == read


def test_rows_are_counted_from_0_whatever_the_index_was() -> None:
    given = pd.DataFrame({"source": [5, 6]}, index=[7, 7])
    found = asked_table(given, ids_are_text=False)
    assert found["source"].tolist() == [5, 6]
    assert found.index.tolist() == [0, 1]


def test_text_ids_stay_as_they_are() -> None:
    given = pd.DataFrame({"source": ["007", "7", None, 7, 7.0]}, dtype=object)
    assert asked_table(given, ids_are_text=True)["source"].tolist() == ["007", "7", None, 7, 7.0]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (10, ""),
        ("anna", ""),
        (None, "is missing"),
        (True, "is True, which is neither a whole number nor text"),  # equal to 1, but no node
        (1.5, "is 1.5, which is neither"),
        ([1], "is [1], which is neither"),
        (float(LARGE), "came as the floating-point number 9007199254740992.0, which may stand for another"),
    ],
)
def test_what_is_no_id_says_why(value: object, reason: str) -> None:
    assert no_id(value).startswith(reason)
    assert bool(no_id(value)) == bool(reason)


@pytest.mark.parametrize("cell", [[0.5, 1.0], np.array([0.5, 1.0]), "[0.5, 1.0]", ["0.5", "1.0"]])
def test_features_are_lists_of_numbers_however_they_came(cell: object) -> None:
    given = pd.DataFrame({"source": [1, 2], "source_features": pd.Series([cell, None], dtype=object)})
    assert asked_table(given, ids_are_text=False)["source_features"].tolist() == [[0.5, 1.0], None]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"source": [1, 2], "target": [1]}, r"source has 2, target has 1\. Give each row a value"),
        (np.array([[1, 2]]), r"a table with named columns, but got ndarray\. Pass a DataFrame"),
        ([1, 2], r"a table with named columns, but got list"),
        ({"source": [1], "source_features": ["many"]}, r"row 0, counted from 0, holds 'many'\. Give a list"),
        (pd.DataFrame([[1, 2]], columns=["source", "source"]), r"two columns named 'source'\. Give each its own name"),
    ],
)
def test_what_is_no_table_is_refused(asked: Any, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        asked_table(asked, ids_are_text=False)


def test_a_column_of_ids_is_exact_beside_a_missing_one() -> None:
    assert id_column([LARGE, None]).dtype == "Int64"
    assert id_column([LARGE, None]).tolist()[0] == LARGE
    assert id_column([1, 2]).dtype == "int64"
    assert id_column([2**70, None]).tolist() == [2**70, None]
    assert id_column(["a", None]).tolist() == ["a", None]
