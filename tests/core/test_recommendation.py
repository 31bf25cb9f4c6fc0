from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor

from ncnc_core import recommendation
from ncnc_core.adjacency import Adjacency
from ncnc_core.errors import InvalidGraph
from ncnc_core.recommendation import Candidates, Recommendation, candidates_of, recommend_links

# 0 - 1 - 2 - 3 - 4 in a row, 5 hangs on 0 and 2, 6 is alone.
GRAPH = Adjacency.from_edges(torch.tensor([[0, 1, 2, 3, 0, 2], [1, 2, 3, 4, 5, 5]]), 7)
IDS = list("abcdefg")


def by_number(pairs: Tensor) -> Tensor:
    """Score a pair by the number of its second node."""
    return pairs[1].float()


def recommended(nodes: list[int], k: object, **options: object) -> list[tuple[str, str]]:
    settings: dict[str, object] = {"exclude_known": True, "candidates": None, **options}
    found = recommend_links(by_number, GRAPH, nodes, k, IDS, **settings)  # type: ignore[arg-type]
    return [(str(row.source), str(row.target)) for row in found]


def test_best_scored_partners_come_first_without_known_ones_and_oneself() -> None:
    assert recommended([0], 3) == [("a", "g"), ("a", "e"), ("a", "d")]
    assert recommended([6, 0], 1) == [("g", "f"), ("a", "g")]


def test_known_partners_are_marked_where_they_are_asked_for() -> None:
    found = recommend_links(by_number, GRAPH, [0], 2, IDS, exclude_known=False, candidates=None)
    assert found.rows == (Recommendation("a", "g", 1, 6.0, False), Recommendation("a", "f", 2, 5.0, True))


def test_where_fewer_are_left_all_of_them_are_returned() -> None:
    assert len(recommended([2], 100)) == 7 - 1 - 3


def test_ties_stay_in_the_order_of_the_nodes() -> None:
    found = recommend_links(
        lambda pairs: torch.zeros(pairs.shape[1]), GRAPH, [0], 3, IDS, exclude_known=True, candidates=None
    )
    assert [row.target for row in found] == ["c", "d", "e"]


@pytest.mark.parametrize(("candidates", "expected"), [("all", [2, 3, 4, 6]), ("near", [2])])
def test_candidates_are_all_or_those_two_steps_away(
    monkeypatch: pytest.MonkeyPatch, candidates: Candidates, expected: list[int]
) -> None:
    monkeypatch.setattr(recommendation, "BUSIEST", 1)  # node 2, which is near anyway
    assert candidates_of(GRAPH, 0, exclude_known=True, candidates=candidates).tolist() == expected


def test_busy_nodes_are_candidates_of_everyone() -> None:
    assert candidates_of(GRAPH, 6, exclude_known=True, candidates="near").tolist() == [0, 1, 2, 3, 4, 5]


def test_of_many_near_nodes_those_with_most_shared_neighbours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "BUSIEST", 0)
    # From 0 over 1, 2, 3: node 4 is reached three times, 5 twice, 6 once.
    graph = Adjacency.from_edges(torch.tensor([[0, 0, 0, 1, 2, 3, 1, 2, 3], [1, 2, 3, 4, 4, 4, 5, 5, 6]]), 7)
    assert candidates_of(graph, 0, exclude_known=True, candidates="near").tolist() == [4, 5, 6]
    monkeypatch.setattr(recommendation, "NEAR_AT_MOST", 2 + 1)  # 0 itself is reached most often, and is left out
    assert candidates_of(graph, 0, exclude_known=True, candidates="near").tolist() == [4, 5]


def test_walks_are_counted_in_bounded_pieces_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = candidates_of(GRAPH, 0, exclude_known=False, candidates="near")
    monkeypatch.setattr(recommendation, "ENTRIES_AT_ONCE", 1)
    assert torch.equal(candidates_of(GRAPH, 0, exclude_known=False, candidates="near"), whole)


def test_a_large_graph_is_searched_near_by_and_a_small_one_all_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "BUSIEST", 0)
    monkeypatch.setattr(recommendation, "EVERY_NODE_UP_TO", 6)
    assert recommended([0], 9) == [("a", "c")]
    monkeypatch.setattr(recommendation, "EVERY_NODE_UP_TO", 7)
    assert len(recommended([0], 9)) == 4


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "3", None, np.int64(0)])
def test_what_is_no_whole_number_from_one_is_refused(k: object) -> None:
    message = rf"at least one candidate a node, but k is {re.escape(repr(k))}\. Ask for k=1 or more, a whole number"
    with pytest.raises(InvalidGraph, match=message):
        recommended([0], k)


def test_whole_numbers_of_every_kind_count_candidates() -> None:
    for k in (np.int32(2), torch.tensor(2)):
        assert recommended([0], k) == recommended([0], 2)


def test_another_word_for_the_candidates_is_refused_with_the_two() -> None:
    with pytest.raises(InvalidGraph, match=r"candidates is 'all' or 'near', but it is 'far'\. Give one of them"):
        recommended([0], 1, candidates="far")


def test_rows_come_as_a_frame_by_node_and_as_text() -> None:
    found = recommend_links(by_number, GRAPH, [0, 6], 2, IDS, exclude_known=True, candidates="all")
    frame = found.to_frame()
    assert list(frame.columns) == ["source", "target", "rank", "score", "known"]
    assert frame["target"].tolist() == ["g", "e", "f", "e"]
    assert [row.target for row in found.of("g")] == ["f", "e"]
    assert str(found).splitlines()[0] == "a - g: rank 1, logit 6.000"
    assert len(found) == 4
