from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.sampling.overlaps import DrawnOverlap, GraphView, KeyedLists, OverlapPlan, draw_overlap

SIZE = 8

# A ring of eight with the chord 0-4.
RING = torch.tensor([[i, (i + 1) % SIZE] for i in range(SIZE)] + [[0, 4]]).T
PAIRS = np.array([[0, 3, 2], [2, 1, 0]])  # 0-2 twice


def plan(depth: int, *, completes: bool = True, common: bool = True, keep: int | None = None) -> OverlapPlan:
    return OverlapPlan(common, depth, completes, keep, True, 0.0, False)


def drawn(wanted: OverlapPlan, seed: int = 0) -> DrawnOverlap:
    adjacency = Adjacency.from_edges(RING, SIZE)
    untouched = np.zeros(SIZE, dtype=np.bool_)
    view = GraphView(adjacency.row_pointer.numpy(), adjacency.column.numpy(), np.zeros(0, dtype=np.int64), untouched)
    return draw_overlap(view, PAIRS, wanted, None, seed)


def as_dict(lists: KeyedLists | None) -> dict[tuple[int, int], list[int]]:
    assert lists is not None
    assert (np.diff(lists.keys) > 0).all()
    return {
        (int(key) // SIZE, int(key) % SIZE): lists.node[a:b].tolist()
        for key, a, b in zip(lists.keys, lists.row_pointer[:-1], lists.row_pointer[1:], strict=True)
    }


def test_each_unordered_pair_has_its_common_neighbors_once() -> None:
    overlap = drawn(plan(0))
    assert as_dict(overlap.common) == {(0, 2): [1], (1, 3): [2]}
    assert overlap.exclusive is None
    assert overlap.joined is not None
    assert overlap.joined.tolist() == [False, False]


def test_pairs_that_are_edges_are_told_from_the_others_and_from_removed_ones() -> None:
    adjacency = Adjacency.from_edges(RING, SIZE)
    pointer, column = adjacency.row_pointer.numpy(), adjacency.column.numpy()
    removed = np.array([pointer[0], pointer[1]])  # 1 and 0 are the first neighbours of each other
    view = GraphView(pointer, column, removed, np.arange(SIZE) < 2)
    overlap = draw_overlap(view, np.array([[4, 1, 1, 3], [0, 0, 3, 2]]), plan(0), None, 0)
    assert overlap.common is not None
    assert overlap.joined is not None
    found = dict(zip(overlap.common.keys.tolist(), overlap.joined.tolist(), strict=True))
    assert found == {0 * SIZE + 4: True, 0 * SIZE + 1: False, 1 * SIZE + 3: False, 2 * SIZE + 3: True}


def test_completion_draws_inner_pairs_level_by_level() -> None:
    """Of (0, 2), 0 alone has 4 and 7, 2 alone 3: the inner pairs are (2, 4), (2, 7) and (0, 3)."""
    overlap = drawn(plan(1))
    one_sided = as_dict(overlap.exclusive)
    assert one_sided == {(0, 2): [4, 7], (2, 0): [3], (1, 3): [0], (3, 1): [4]}
    assert as_dict(overlap.common).keys() == {(0, 2), (1, 3), (2, 4), (2, 7), (0, 3), (1, 4)}
    deeper = drawn(plan(2))
    assert as_dict(deeper.exclusive).items() > one_sided.items()
    assert {(2, 4), (4, 2), (0, 3), (3, 0)} < as_dict(deeper.exclusive).keys()


def test_one_sided_neighbors_without_completion_make_no_inner_pairs() -> None:
    overlap = drawn(plan(1, completes=False))
    assert as_dict(overlap.common).keys() == {(0, 2), (1, 3)}
    assert as_dict(overlap.exclusive)[0, 2] == [4, 7]


def test_kept_neighbors_alone_make_inner_pairs_and_weigh_for_the_others() -> None:
    overlap = drawn(plan(1, keep=1))
    kept = as_dict(overlap.exclusive)[0, 2]
    assert len(kept) == 1
    assert (2, kept[0]) in as_dict(overlap.common)
    assert overlap.exclusive is not None
    assert overlap.exclusive.weight[overlap.exclusive.keys.tolist().index(2)] == 2


def test_predictor_that_reads_no_neighbors_has_none_drawn() -> None:
    assert drawn(plan(0, common=False)) == DrawnOverlap(None, None, None)


def plan_of(training: bool = False, **changes: Any) -> OverlapPlan:
    return OverlapPlan.of(LinkNetwork(ModelConfig(hidden_channels=4, **changes), num_features=3).train(training))


@pytest.mark.parametrize(
    ("changes", "common", "depth", "completes", "keep"),
    [
        ({"predictor": "gae"}, False, 0, False, None),
        ({"predictor": "gae", "pair_structure": True}, True, 0, False, None),
        ({"predictor": "gae_cn"}, True, 0, False, None),
        ({"predictor": "ncn"}, True, 0, False, None),
        ({"predictor": "ncn_diff"}, True, 1, False, None),
        ({"predictor": "ncnc", "completion_depth": 2, "completion_max_neighbors": 5}, True, 2, True, 5),
        ({"predictor": "ncnc", "completion_alpha": 0.0}, True, 0, True, 16),  # switched off: nothing to complete
    ],
)
def test_plan_holds_what_the_predictor_asks_for(
    changes: dict[str, Any], common: bool, depth: int, completes: bool, keep: int | None
) -> None:
    found = plan_of(**changes)
    assert (found.common, found.one_sided_depth, found.completes, found.keep) == (common, depth, completes, keep)


def test_edges_are_dropped_in_training_alone() -> None:
    dropping = {"predictor": "ncn", "predictor_edge_dropout": 0.25, "symmetric_edge_dropout": True}
    assert plan_of(training=True, **dropping).edge_dropout == 0.25
    assert plan_of(training=True, **dropping).symmetric_edge_dropout
    assert plan_of(**dropping).edge_dropout == 0.0


@pytest.mark.parametrize("as_published", [False, True])
def test_known_edge_completes_itself_only_as_published(as_published: bool) -> None:
    assert plan_of(score_known_edges_as_published=as_published).skip_other is not as_published


def test_two_step_neighborhoods_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"predictor ncn2 has no sampled mode.*Set predictor: ncnc or ncn"):
        plan_of(predictor="ncn2")
