from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.node_ids import NodePlaces, Positions
from ncnc_core.inputs.pairs import pair_ends, pair_positions, paired_positions

KNOWN = NodePlaces(["a", "b", "c", "d"])
NUMBERS = NodePlaces([30, 10, 20])


@pytest.mark.parametrize(
    "pairs",
    [
        Positions(torch.tensor([[0, 1, 2], [1, 2, 3]])),
        Positions(np.array([[0, 1, 2], [1, 2, 3]], dtype=np.int32)),
        Positions(np.array([[0, 1], [1, 2], [2, 3]])),  # one edge a row
        Positions([(0, 1), (1, 2), (2, 3)]),
        Positions(pd.DataFrame({"source": [0, 1, 2], "target": [1, 2, 3]})),
        [["a", "b"], ["b", "c"], ["c", "d"]],
        np.array([["a", "b", "c"], ["b", "c", "d"]]),
        np.array([["a", "b", "c"], ["b", "c", "d"]], dtype=object),
        pd.DataFrame({"source": ["a", "b", "c"], "target": ["b", "c", "d"]}),
    ],
    ids=["tensor", "array", "rows", "list", "table-of-positions", "text-list", "text-array", "objects", "table"],
)
def test_every_form_of_pairs_gives_the_same_positions(pairs: object) -> None:
    assert pair_positions(pairs, KNOWN).tolist() == [[0, 1, 2], [1, 2, 3]]


def test_two_rows_win_in_an_array_of_two_by_two_and_a_list_holds_pairs() -> None:
    both = [[0, 1], [2, 3]]
    assert pair_ends(np.array(both)).values.tolist() == [[0, 1], [2, 3]]
    assert pair_ends(both).values.tolist() == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    "pairs",
    [
        torch.tensor([[30], [20]]),
        np.array([[30], [20]]),
        [(30, 20)],
        pd.DataFrame({"source": [30], "target": [20]}),
        Positions([(0, 2)]),
    ],
)
def test_whole_numbers_are_ids_in_every_form_and_positions_where_it_is_said(pairs: object) -> None:
    assert pair_positions(pairs, NUMBERS).tolist() == [[0], [2]]


def test_positions_given_as_ids_are_refused_with_what_to_write() -> None:
    with pytest.raises(
        InvalidGraph,
        match=r"name 2 nodes of 2 .*first: 0\).*Whole numbers are ids\. If these are positions, 0 to 2",
    ):
        pair_positions(torch.tensor([[0], [2]]), NUMBERS)
    with pytest.raises(InvalidGraph, match=r"whose ids are text.*If these are positions, 0 to 3"):
        pair_positions([(0, 3)], KNOWN)
    with pytest.raises(InvalidGraph, match=r"Positions are whole numbers, but these are text \(first: 'a'\)"):
        pair_positions(Positions([("a", "b")]), KNOWN)


def test_where_the_ids_are_the_positions_both_are_the_same() -> None:
    pairs = torch.tensor([[0, 1], [2, 3]])
    same = NodePlaces(range(4))
    assert pair_positions(pairs, same) is pairs
    assert pair_positions(pairs.numpy(), same).tolist() == pairs.tolist()
    assert pair_positions([(0, 2), (1, 3)], NodePlaces([0, 1, 2, 3])).tolist() == pairs.tolist()


@pytest.mark.parametrize("pairs", [[], np.zeros((2, 0)), np.zeros((0, 2), dtype=np.int64), torch.zeros(2, 0)])
def test_no_pairs_are_no_pairs_whatever_their_type(pairs: object) -> None:
    assert pair_positions(pairs, KNOWN).shape == (2, 0)


def test_missing_column_is_named_with_the_remedy() -> None:
    with pytest.raises(InvalidGraph, match=r"no column 'target', only \['source', 'to'\]\. Name the columns.*target="):
        pair_ends(pd.DataFrame({"source": [1], "to": [2]}))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (np.array([[0.0, 1.0], [2.0, 3.0]]), r"place 0 of the array holds 0\.0 \(float\)\. Convert them; a missing"),
        (torch.tensor([[0.5], [1.0]]), r"holds 0\.5 \(float\)"),
        (np.array([[True], [False]]), r"holds True \(bool\)"),
        (
            pd.DataFrame({"source": [1, None], "target": [2, 3]}),
            r"column 'source' holds 1\.0 \(float\).*drop those rows",
        ),
        (pd.DataFrame({"source": ["a", None], "target": ["b", "c"]}), r"place 1 of column 'source' holds nan"),
        (pd.DataFrame({"source": ["a", 1], "target": ["b", "c"]}), r"column 'source' mixes them.*numbers to text"),
        (pd.DataFrame({"source": ["a"], "target": [1]}), r"column 'source' holds object and column 'target' int64"),
        ([(0, 1), (0, 1, 2)], r"item 1 is \(0, 1, 2\)\. Give pairs"),
        (["ab"], r"item 0 is 'ab'"),
        ([("a", 1)], r"the list mixes them \(first: 'a'\)"),
        (np.zeros((3, 4), dtype=np.int64), r"\[2, pairs\] or \[pairs, 2\], but got \[3, 4\]\. Put the two ends"),
        (np.arange(4), r"but got \[4\]"),
        ({"a": "b"}, r"not as dict\. Convert"),
        ("ab", r"not as str"),
    ],
)
def test_what_is_no_pair_is_refused_with_its_place(pairs: object, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        pair_ends(pairs)


def test_unknown_ids_are_counted_and_the_first_is_named() -> None:
    with pytest.raises(InvalidGraph, match=r"The pairs name 2 nodes of 3 .*first: 'x'.*4 nodes, whose ids are text"):
        pair_positions([("a", "x"), ("y", "x")], KNOWN)


def test_a_pair_of_a_node_with_itself_has_no_score() -> None:
    with pytest.raises(
        InvalidGraph, match=r"1 of 2 pairs join a node with itself \(first: place 1, position 2\).*Leave"
    ):
        pair_positions(Positions(torch.tensor([[0, 2], [1, 2]])), KNOWN)
    with pytest.raises(InvalidGraph, match=r"join a node with itself"):
        pair_positions([("b", "b")], KNOWN)


def test_tensors_of_positions_are_taken_as_they_are() -> None:
    pairs = torch.tensor([[0, 1], [2, 3]])
    assert pair_positions(Positions(pairs), KNOWN) is pairs


def test_two_sequences_of_ids_become_pairs_and_must_be_of_one_length() -> None:
    assert paired_positions(["a", "b"], np.array(["c", "d"]), KNOWN).tolist() == [[0, 1], [2, 3]]
    with pytest.raises(InvalidGraph, match=r"2 sources and 1 targets\. Give one target a source"):
        paired_positions(["a", "b"], ["c"], KNOWN)


class Asked(NodePlaces):
    """Counts the ids that are looked up: one by one they took ten seconds for a million pairs of text."""

    asked = 0

    def find(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        self.asked += len(ids)
        return super().find(ids)


@pytest.mark.parametrize("count", [3, 20_000])
@pytest.mark.parametrize("form", [str, int])
def test_few_ends_and_many_are_told_apart_alike(form: type, count: int) -> None:
    drawn = np.random.default_rng(0).integers(1000, 1050, (2, count))
    ends = pair_ends([(form(u), form(v)) for u, v in drawn.T.tolist()])
    distinct, place = ends.distinct
    assert sorted(distinct.tolist()) == sorted({form(one) for one in drawn.reshape(-1).tolist()})
    assert distinct[place].tolist() == ends.values.tolist()
    known = Asked([form(one) for one in range(1000, 1050)])
    assert (ends.positions(known, "pairs").tolist(), known.asked) == ((drawn - 1000).tolist(), len(distinct))
