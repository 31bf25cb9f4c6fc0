from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.node_ids import (
    NodePlaces,
    Positions,
    clean_ids,
    id_array,
    kind_of,
    positions_of,
    require_one_id_each,
)


@pytest.mark.parametrize(
    "ids", [30, np.int64(30), torch.tensor(30), np.array(30), torch.tensor([30]), np.array([30]), [torch.tensor(30)]]
)
def test_one_id_of_any_kind_is_found(ids: object) -> None:
    assert positions_of(ids, NodePlaces([10, 30])).tolist() == [1]


def test_one_text_is_one_id_and_not_its_letters() -> None:
    assert positions_of("ab", NodePlaces(["a", "b", "ab"])).tolist() == [2]


def test_ids_in_rows_and_columns_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"one row, but got the shape \[1, 2\]\. Flatten them"):
        positions_of(np.array([[10, 30]]), NodePlaces([10, 30]))


def test_ids_of_numpy_pandas_and_tensors_become_plain_values() -> None:
    for given in (
        np.array([3, 1], dtype=np.int32),
        pd.Index([3, 1]),
        torch.tensor([3, 1]),
        range(3, 0, -2),
        [np.int64(3), 1],
    ):
        ids = clean_ids(given, "ids")
        assert ids == [3, 1]
        assert {type(one) for one in ids} == {int}
    assert [type(one) for one in clean_ids(np.array(["x", "y"]), "ids")] == [str, str]


def test_each_node_has_one_id_of_its_own() -> None:
    require_one_id_each(["a", "b"], 2)
    with pytest.raises(InvalidGraph, match=r"3 node ids, 2 of them different, for 3 nodes\. Give each node one id"):
        require_one_id_each(["a", "b", "a"], 3)


def test_unknown_ids_are_counted_and_the_first_is_named() -> None:
    known = NodePlaces(["a", "b"])
    with pytest.raises(InvalidGraph, match=r"1 of 2 node ids are unknown to the model \(first: 7\).*Correct the ids"):
        positions_of(["a", 7], known)
    with pytest.raises(InvalidGraph, match=r"\(first: 0\).*If these are positions, 0 to 1, say so: Positions"):
        positions_of([0, 1], known)


def test_one_or_more_positions_are_checked_and_taken() -> None:
    known = NodePlaces([10, 30, 20])
    assert positions_of(Positions([2, 0]), known).tolist() == [2, 0]
    assert positions_of(Positions(torch.tensor(1)), known).tolist() == [1]
    for wrong, first in (([0, 3], "3"), ([-1], "-1"), ([True], "True"), ([0.5], "0.5"), (["a"], "'a'")):
        with pytest.raises(InvalidGraph, match=rf"from 0 to 2, but .*\(first: {first}\)\. Correct them"):
            positions_of(Positions(wrong), known)


@pytest.mark.parametrize("ids", [["x", "y", "z"], [7, 3, 2**62], [0, 1, 2], range(3)])
def test_ids_are_found_where_they_stand(ids: list[str] | list[int]) -> None:
    known = NodePlaces(ids)
    wanted = id_array([ids[2], ids[0], ids[0], ids[1]], "test")
    assert known.find(wanted).tolist() == [2, 0, 0, 1]
    other = id_array(["q"] if isinstance(ids[0], str) else [99], "test")
    assert known.find(other).tolist() == [-1]
    assert known.are_positions == (list(ids) == [0, 1, 2])
    assert kind_of(ids) == ("text" if isinstance(ids[0], str) else "whole numbers")


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64, np.uint64, object])
def test_ids_of_every_integer_type_come_back(dtype: type) -> None:
    assert clean_ids(np.array([5, 200], dtype=np.uint8).astype(dtype), "ids") == [5, 200]


@pytest.mark.parametrize(
    "ids", [np.array([5, 2**63], dtype=np.uint64), [5, 2**63], [5, -(2**70)], pd.Series([5, 2**63], dtype="uint64")]
)
def test_numbers_beyond_64_bits_are_refused_and_not_wrapped(ids: object) -> None:
    with pytest.raises(InvalidGraph, match=r"at most 9223372036854775807 .*ids holds -?\d{19,}\. Convert them all"):
        clean_ids(ids, "ids")
    assert clean_ids(["5", str(2**63)], "ids") == ["5", "9223372036854775808"]
