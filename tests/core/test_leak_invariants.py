from dataclasses import replace

import pytest
import torch

from ncnc_core.adjacency import pair_keys
from ncnc_core.edge_split import SplitEdges, split_edges
from ncnc_core.leak_invariants import Invariant, leak_invariants
from ncnc_core.negative_sampling import uniform_pairs

ALIVE = torch.iinfo(torch.int64).max
NODES = 60


class Case:
    """A sound split of a graph with removed edges, and what its certificate is made from; tests break a part of it."""

    def __init__(self, method: str) -> None:
        g = torch.Generator().manual_seed(0)
        self.edges = torch.combinations(torch.arange(NODES), 2).T[:, torch.randperm(1770, generator=g)[:600]]
        self.first_seen = torch.arange(600) // 20 + 1  # days 1..30
        self.removed_at = torch.where(torch.rand(600, generator=g) < 0.1, 30, ALIVE)
        self.split: SplitEdges = split_edges(
            self.edges, self.first_seen, self.removed_at, as_of=30, method=method, minimum_test_edges=1
        )
        self.alive_since = self.first_seen.clone()
        self.negatives = uniform_pairs(500, pair_keys(self.edges, NODES).sort().values, NODES, g)

    def certificate(self) -> dict[str, Invariant]:
        checks = leak_invariants(
            self.split,
            self.edges,
            self.first_seen,
            self.removed_at,
            as_of=30,
            num_nodes=NODES,
            evaluation_negatives=self.negatives,
            alive_since=self.alive_since,
        )
        return {check.name: check for check in checks}

    def add(self, side: str, among: torch.Tensor) -> None:
        """Put the first edge of `among` into a side where it does not belong."""
        mask = getattr(self.split, side).clone()
        mask[among.nonzero()[0]] = True
        self.split = replace(self.split, **{side: mask})


@pytest.mark.parametrize("method", ["temporal", "hashed", "random"])
def test_sound_split_passes_with_something_checked_everywhere(method: str) -> None:
    certificate = Case(method).certificate()
    assert len(certificate) == (12 if method == "temporal" else 8)
    for check in certificate.values():
        assert check.passed, check
        assert check.checked > 0, check


@pytest.mark.parametrize("method", ["temporal", "hashed"])
@pytest.mark.parametrize(
    ("side", "source", "name"),
    [
        ("train", "test", "train_valid_test_disjoint"),
        ("train", "valid", "train_valid_test_disjoint"),
        ("valid", "test", "train_valid_test_disjoint"),
        ("message_test", "test", "test_pairs_not_in_test_messages"),
        ("message_train", "test", "test_pairs_not_in_training_messages"),
        ("message_train", "valid", "valid_pairs_not_in_training_messages"),
        ("known_train", "valid", "held_out_pairs_free_as_training_negatives"),
        ("known_train", "test", "held_out_pairs_free_as_training_negatives"),
    ],
)
def test_edge_planted_on_a_second_side_is_caught(method: str, side: str, source: str, name: str) -> None:
    case = Case(method)
    case.add(side, getattr(case.split, source))
    assert case.certificate()[name].violations == 1


@pytest.mark.parametrize("reversed_", [False, True])
def test_test_edge_given_twice_is_caught_in_either_direction(reversed_: bool) -> None:
    case = Case("temporal")
    here, there = case.split.test.nonzero()[0], case.split.train.nonzero()[0]
    case.edges[:, there] = case.edges[:, here].flip(0) if reversed_ else case.edges[:, here]
    certificate = case.certificate()
    assert certificate["train_valid_test_disjoint"].violations == 1
    assert certificate["test_pairs_not_in_test_messages"].violations == 1


@pytest.mark.parametrize(
    ("side", "name"),
    [
        ("train", "training_edges_not_after_train_cut"),
        ("message_train", "training_edges_not_after_train_cut"),
        ("valid", "valid_pairs_between_the_cuts"),
        ("message_test", "test_messages_alive_at_valid_cut"),
    ],
)
def test_edge_from_after_its_cut_is_caught(side: str, name: str) -> None:
    case = Case("temporal")
    case.add(side, case.first_seen > case.split.cut_valid)
    assert case.certificate()[name].violations == 1


def test_valid_edge_from_before_the_train_cut_is_caught() -> None:
    case = Case("temporal")
    case.add("valid", case.first_seen <= case.split.cut_train)
    assert case.certificate()["valid_pairs_between_the_cuts"].violations == 1


def test_message_edge_gone_by_the_cut_is_caught() -> None:
    case = Case("temporal")
    case.removed_at[case.split.message_test.nonzero()[0]] = 3
    assert case.certificate()["test_messages_alive_at_valid_cut"].violations == 1


def test_message_edge_that_came_back_after_the_cut_is_caught() -> None:
    case = Case("temporal")
    case.alive_since[case.split.message_test.nonzero()[0]] = 30
    assert case.certificate()["test_messages_alive_at_valid_cut"].violations == 1


def test_training_edge_that_came_back_after_the_cut_is_caught() -> None:
    case = Case("temporal")
    case.alive_since[case.split.train.nonzero()[0]] = 30
    assert case.certificate()["training_edges_not_after_train_cut"].violations == 1


def test_returning_edge_taken_as_fresh_is_caught() -> None:
    case = Case("temporal")
    case.first_seen[case.split.test.nonzero()[0]] = 2  # it was there on day 2
    assert case.certificate()["test_pairs_first_seen_after_valid_cut"].violations == 1


def test_removed_edge_as_test_positive_is_caught() -> None:
    case = Case("hashed")
    case.add("test", case.removed_at == 30)
    assert case.certificate()["test_pairs_alive"].violations == 1


@pytest.mark.parametrize("which", ["living", "removed"])
def test_negative_that_was_ever_an_edge_is_caught(which: str) -> None:
    case = Case("temporal")
    edge = ((case.removed_at == ALIVE) == (which == "living")).nonzero()[0]
    case.negatives[:, :1] = case.edges[:, edge].flip(0)
    assert case.certificate()["evaluation_negatives_never_an_edge"].violations == 1


def test_negative_of_a_node_with_itself_is_caught() -> None:
    case = Case("temporal")
    case.negatives[1, 3] = case.negatives[0, 3]
    assert case.certificate()["evaluation_negatives_join_two_nodes"].violations == 1
