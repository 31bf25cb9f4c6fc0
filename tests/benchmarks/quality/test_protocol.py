from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.quality.protocol import (
    FEATURELESS,
    OFFICIAL_DDI,
    PLANETOID,
    PROTOCOLS,
    Exam,
    LearningSide,
    SatTwice,
    distinct_non_edges,
    divide,
)
from ncnc_core.graph.adjacency import Adjacency, pair_keys


def random_graph(num_nodes: int, num_edges: int) -> Data:
    edges = distinct_non_edges(num_edges, torch.empty(2, 0, dtype=torch.int64), num_nodes, torch.Generator())
    return Data(edge_index=Adjacency.from_edges(edges, num_nodes).edges(), num_nodes=num_nodes)


def keys(pairs: Tensor, num_nodes: int) -> set[int]:
    return set(pair_keys(pairs, num_nodes).tolist())


def taught(learning: LearningSide) -> set[int]:
    """Every pair that stands anywhere on the learning side."""
    values = [getattr(learning, field.name) for field in dataclasses.fields(learning) if field.name != "features"]
    return set().union(
        *(keys(value, learning.num_nodes) for value in values if isinstance(value, Tensor)),
        learning.training_data().forbidden_keys.tolist(),
    )


def asked(exam: Exam, num_nodes: int) -> set[int]:
    """Every pair of an exam, seen by grading it."""
    seen: list[Tensor] = []
    exam.grade(lambda pairs: seen.append(pairs) or torch.zeros(pairs.shape[1]))  # type: ignore[func-returns-value]
    return keys(seen[0], num_nodes)


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "train", "valid", "valid_negatives", "test"),
    [
        ("cora", 2708, 5278, 3696, 527, 1055, 1055),
        ("citeseer", 3327, 4552, 3187, 455, 910, 910),
        ("usair", 332, 2126, 1489, 212, 212, 425),
    ],
)
def test_the_split_has_the_published_sizes(
    name: str, nodes: int, edges: int, train: int, valid: int, valid_negatives: int, test: int
) -> None:
    learning, exam = divide(random_graph(nodes, edges), PROTOCOLS[name], seed=3)
    found = (learning.train_edges, learning.valid_edges, learning.valid_negatives)
    assert [side.shape[1] for side in found] == [train, valid, valid_negatives]
    assert exam.sizes == (test, test)


def test_no_pair_of_the_exam_stands_on_the_learning_side() -> None:
    learning, exam = divide(random_graph(60, 300), FEATURELESS, seed=0)
    questions = asked(exam, 60)
    assert len(questions) == 120
    assert taught(learning) & questions == set()
    leaking = dataclasses.replace(learning, train_edges=torch.tensor([[5], [7]]))
    assert taught(leaking) & {5 * 60 + 7} != set()  # the check sees a pair that was smuggled in


def test_the_sides_make_up_the_graph_and_negatives_are_no_edges() -> None:
    data = random_graph(60, 300)
    learning, exam = divide(data, FEATURELESS, seed=1)
    edges, negatives = keys(data.edge_index, 60), keys(learning.valid_negatives, 60)
    train, valid, questions = keys(learning.train_edges, 60), keys(learning.valid_edges, 60), asked(exam, 60)
    assert train | valid | (questions & edges) == edges
    assert (len(train), len(valid), len(questions & edges), len(negatives)) == (210, 30, 60, 30)
    assert not negatives & (edges | questions)


def test_half_of_validation_is_an_exam_for_the_other() -> None:
    learning, _ = divide(random_graph(60, 300), PLANETOID, seed=0)  # 30 validation edges, 60 negatives
    first, judge = learning.halves()
    assert (first.valid_edges.shape[1], first.valid_negatives.shape[1], first.valid_hits_at) == (15, 30, 50)
    assert (judge.sizes, judge.hits_at) == ((15, 30), 50)
    judge.hits_at = 1  # it has fewer than 50 negatives
    questions = asked(judge, 60)
    assert taught(first) & questions == set()
    assert keys(first.valid_edges, 60) | keys(first.valid_negatives, 60) | questions == keys(
        torch.cat([learning.valid_edges, learning.valid_negatives], 1), 60
    )


def test_halves_of_sorted_negatives_are_of_one_kind() -> None:
    learning, _ = divide(random_graph(60, 300), PLANETOID, 0)
    ordered = learning.valid_negatives[:, learning.valid_negatives[0].argsort()]
    first, _ = replace(learning, valid_negatives=ordered).halves()
    assert not set(first.valid_negatives[0].tolist()) <= set(ordered[0, : ordered.shape[1] // 2].tolist())


def test_a_seed_gives_one_split_and_another_seed_another() -> None:
    data = random_graph(60, 300)
    first, again, other = (divide(data, PLANETOID, seed)[0] for seed in (4, 4, 5))
    assert torch.equal(first.train_edges, again.train_edges)
    assert torch.equal(first.valid_negatives, again.valid_negatives)
    assert not torch.equal(first.train_edges, other.train_edges)


def test_the_official_split_is_taken_as_it_is() -> None:
    pairs = torch.arange(8).view(2, 4)
    sides = {"valid_edges": pairs + 1, "valid_negatives": pairs + 2, "test_edges": pairs, "test_negatives": pairs + 3}
    data = Data(edge_index=pairs + 4, num_nodes=12, **sides)
    learning, exam = divide(data, OFFICIAL_DDI, seed=9)
    assert torch.equal(learning.train_edges, pairs + 4)
    assert torch.equal(learning.valid_negatives, pairs + 2)
    assert exam.sizes == (4, 4)


def test_an_exam_is_graded_once() -> None:
    exam = Exam(torch.tensor([[0, 1], [2, 3]]), torch.tensor([[4, 5], [6, 7]]), hits_at=1)
    # Scores 0, 1, 4, 1.5: the best negative has 4, so no positive is above it; with a flipped scorer, both are.
    assert exam.grade(lambda pairs: pairs[0].double()) == 0.0
    with pytest.raises(SatTwice, match=r"graded before. Choose on validation, then grade the one choice"):
        exam.grade(lambda pairs: pairs[0].double())


def test_hits_are_the_share_above_the_kth_negative() -> None:
    exam = Exam(torch.tensor([[9, 3], [0, 0]]), torch.tensor([[8, 2], [0, 0]]), hits_at=2)
    assert exam.grade(lambda pairs: pairs[0].double()) == 1.0  # above 2
    exam = Exam(torch.tensor([[9, 3], [0, 0]]), torch.tensor([[8, 2], [0, 0]]), hits_at=1)
    assert exam.grade(lambda pairs: pairs[0].double()) == 0.5  # above 8


def test_negatives_are_different_uniform_and_in_random_order() -> None:
    edges = torch.tensor([[0, 1, 2], [1, 2, 3]])
    every = distinct_non_edges(12, edges, 6, torch.Generator().manual_seed(0))  # all of the 15 - 3 there are
    assert len(keys(every, 6)) == 12
    assert (every[0] < every[1]).all()
    assert not keys(every, 6) & keys(edges, 6)
    drawn = [
        tuple(distinct_non_edges(1, edges, 6, torch.Generator().manual_seed(seed)).flatten()) for seed in range(200)
    ]
    assert len({(int(u), int(v)) for u, v in drawn}) == 12
