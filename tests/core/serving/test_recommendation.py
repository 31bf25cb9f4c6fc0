from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.serving import recommendation, shortlist
from ncnc_core.serving.recommendation import Recommendation, recommend_links, shortlist_size

# 0 - 1 - 2 - 3 - 4 in a row, 5 hangs on 0 and 2, 6 is alone.
GRAPH = Adjacency.from_edges(torch.tensor([[0, 1, 2, 3, 0, 2], [1, 2, 3, 4, 5, 5]]), 7)
IDS = list("abcdefg")


def by_number(pairs: Tensor) -> Tensor:
    """Score a pair by the numbers of its nodes: for one of them, by the other's."""
    return pairs.sum(0).float()


def recommended(nodes: list[int], k: object, **options: object) -> list[tuple[str, str]]:
    settings: dict[str, object] = {"exclude_known": True, "candidates": None, **options}
    found = recommend_links(by_number, GRAPH, torch.tensor(nodes), k, IDS, **settings)  # type: ignore[arg-type]
    return [(str(row.source), str(row.target)) for row in found]


def test_best_scored_partners_come_first_without_known_ones_and_oneself() -> None:
    assert recommended([0], 3) == [("a", "g"), ("a", "e"), ("a", "d")]
    assert recommended([6, 0], 1) == [("g", "f"), ("a", "g")]


def test_known_partners_are_marked_where_they_are_asked_for() -> None:
    found = recommend_links(by_number, GRAPH, torch.tensor([0]), 2, IDS, exclude_known=False, candidates=None)
    assert found.rows == (Recommendation("a", "g", 1, 6.0, False), Recommendation("a", "f", 2, 5.0, True))


def test_where_fewer_are_left_all_of_them_are_returned() -> None:
    assert len(recommended([2], 100)) == 7 - 1 - 3


def test_ties_stay_in_the_order_of_the_nodes() -> None:
    found = recommend_links(
        lambda pairs: torch.zeros(pairs.shape[1]), GRAPH, torch.tensor([0]), 3, IDS, exclude_known=True, candidates=None
    )
    assert [row.target for row in found] == ["c", "d", "e"]


def test_a_shortlist_offers_fewer_than_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "NEAR_PER_LINK", 0)
    assert recommended([0], 9, candidates="all") == [("a", "g"), ("a", "e"), ("a", "d"), ("a", "c")]
    assert recommended([0], 9, candidates=1) == [("a", "c")]  # the busiest: a third of one is no near one
    assert recommended([0], 9, candidates=np.int64(3)) == [("a", "e"), ("a", "d"), ("a", "c")]


def test_a_large_graph_is_searched_by_shortlist_and_a_small_one_all_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shortlist_size(None, recommendation.EVERY_NODE_UP_TO) is None
    assert shortlist_size(None, recommendation.EVERY_NODE_UP_TO + 1) == recommendation.SHORTLIST
    monkeypatch.setattr(shortlist, "NEAR_PER_LINK", 0)
    monkeypatch.setattr(recommendation, "SHORTLIST", 1)
    monkeypatch.setattr(recommendation, "EVERY_NODE_UP_TO", 6)
    assert recommended([0], 9) == [("a", "c")]


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "3", None, np.int64(0)])
def test_what_is_no_whole_number_from_one_is_refused(k: object) -> None:
    message = rf"at least one candidate a node, but k is {re.escape(repr(k))}\. Ask for k=1 or more, a whole number"
    with pytest.raises(InvalidGraph, match=message):
        recommended([0], k)


def test_whole_numbers_of_every_kind_count_candidates() -> None:
    for k in (np.int32(2), torch.tensor(2)):
        assert recommended([0], k) == recommended([0], 2)


def test_another_word_for_the_candidates_is_refused_with_the_two() -> None:
    for candidates in ("far", 0, 2.5):
        message = rf"candidates is 'all' or how many.*but it is {candidates!r}\. Ask for candidates=1 or more"
        with pytest.raises(InvalidGraph, match=message):
            recommended([0], 1, candidates=candidates)


def test_rows_come_as_a_frame_by_node_and_as_text() -> None:
    found = recommend_links(by_number, GRAPH, torch.tensor([0, 6]), 2, IDS, exclude_known=True, candidates="all")
    frame = found.to_frame()
    assert list(frame.columns) == ["source", "target", "rank", "score", "known"]
    assert frame["target"].tolist() == ["g", "e", "f", "e"]
    assert [row.target for row in found.of("g")] == ["f", "e"]
    assert str(found).splitlines()[0] == "a - g: rank 1, logit 6.000"
    assert len(found) == 4
