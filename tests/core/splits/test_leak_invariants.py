from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ncnc_core.config.choices import EvaluationNegative, RecordedNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits import leak_invariants as leak_invariants_module
from ncnc_core.splits.edge_split import split_edges
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.splits.known_nodes import nodes_known_by
from ncnc_core.splits.leak_invariants import NEGATIVES, Invariant, absent, leak_invariants, of_kind
from ncnc_core.splits.negatives import has_negative, uniform_pairs

ALIVE = torch.iinfo(torch.int64).max
NODES, DAYS = 60, 30


@dataclass(frozen=True)
class Pairs:
    train: Tensor
    valid: Tensor
    test: Tensor
    message_train: Tensor
    message_test: Tensor
    known_train: Tensor
    valid_negatives: Tensor
    test_negatives: Tensor
    test_first_seen: Tensor


class Case:
    """A sound split of a graph with removed edges, as it is published; tests break a part of it."""

    def __init__(self, method: str) -> None:
        g = torch.Generator().manual_seed(0)
        self.edges = torch.combinations(torch.arange(NODES), 2).T[:, torch.randperm(1770, generator=g)[:600]]
        self.first_seen = torch.arange(600) // 20 + 1  # days 1..30
        self.removed_at = torch.where(torch.rand(600, generator=g) < 0.1, DAYS, ALIVE)
        self.alive_since = self.first_seen.clone()
        split = split_edges(
            self.edges, self.first_seen, self.removed_at, as_of=DAYS, method=method, minimum_test_edges=1
        )
        self.cuts = (split.cut_train, split.cut_valid)
        negatives = uniform_pairs(500, pair_keys(self.edges, NODES).sort().values, NODES, g)
        self.pairs = Pairs(
            **{
                name: self.edges[:, getattr(split, name)]
                for name in ("train", "valid", "test", "message_train", "message_test", "known_train")
            },
            valid_negatives=negatives[:, :200],
            test_negatives=negatives[:, 200:],
            test_first_seen=self.first_seen[split.test],
        )

    def certificate(self, kinds: tuple[RecordedNegative, ...] = ()) -> dict[str, Invariant]:
        history = EdgeHistory.of(self.edges, self.first_seen, self.alive_since, self.removed_at, NODES)
        cut_train, cut_valid = self.cuts
        checks = leak_invariants(self.pairs, history, as_of=DAYS, cut_train=cut_train, cut_valid=cut_valid, kinds=kinds)
        return {check.name: check for check in checks}

    def add(self, side: str, pairs: Tensor) -> None:
        """Put the first of some pairs into a side where it does not belong, the other way round."""
        self.pairs = replace(self.pairs, **{side: torch.cat([getattr(self.pairs, side), pairs[:, :1].flip(0)], 1)})

    def drop(self, side: str) -> None:
        self.pairs = replace(self.pairs, **{side: getattr(self.pairs, side)[:, 1:]})

    def place(self, side: str) -> Tensor:
        """Return where the first pair of a side stands in the history."""
        edge = getattr(self.pairs, side)[:, :1]
        return (self.edges == edge).all(0).nonzero()[0]


@pytest.mark.parametrize("method", ["temporal", "hashed", "random"])
def test_sound_split_passes_with_something_checked_everywhere(method: str) -> None:
    certificate = Case(method).certificate()
    assert len(certificate) == (20 if method == "temporal" else 15)
    for check in certificate.values():
        assert check.passed, check
        assert check.checked > 0, check


@pytest.mark.parametrize("method", ["temporal", "hashed"])
def test_negatives_are_counted_alike_whole_in_parts_and_as_int32(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(method)
    case.add("valid_negatives", case.pairs.train[:, :1])  # one of the last part is an edge
    whole = case.certificate()
    narrow = {name: getattr(case.pairs, name).int() for name in NEGATIVES}
    case.pairs = replace(case.pairs, **narrow)
    monkeypatch.setattr(leak_invariants_module, "PAIRS_AT_ONCE", 7)
    assert case.certificate() == whole
    assert whole["evaluation_negatives_never_an_edge"].violations == 1


@pytest.mark.parametrize("method", ["temporal", "hashed"])
@pytest.mark.parametrize(
    ("side", "source", "name"),
    [
        ("train", "test", "train_valid_test_disjoint"),
        ("train", "valid", "train_valid_test_disjoint"),
        ("valid", "test", "train_valid_test_disjoint"),
        ("train", "train", "train_valid_test_disjoint"),  # given twice within one side
        ("message_test", "test", "test_pairs_not_in_test_messages"),
        ("message_train", "test", "test_pairs_not_in_training_messages"),
        ("message_train", "valid", "valid_pairs_not_in_training_messages"),
        ("known_train", "valid", "held_out_pairs_free_as_training_negatives"),
        ("known_train", "test", "held_out_pairs_free_as_training_negatives"),
    ],
)
def test_pair_planted_on_a_second_side_is_caught(method: str, side: str, source: str, name: str) -> None:
    case = Case(method)
    case.add(side, getattr(case.pairs, source))
    assert case.certificate()[name].violations == 1


@pytest.mark.parametrize(
    ("side", "day", "name"),
    [
        ("train", "after", "training_edges_not_after_train_cut"),
        ("message_train", "after", "training_edges_not_after_train_cut"),
        ("valid", "after", "valid_pairs_between_the_cuts"),
        ("valid", "before", "valid_pairs_between_the_cuts"),
        ("message_test", "after", "test_messages_alive_at_valid_cut"),
        ("known_train", "after", "training_negatives_avoid_only_what_was_known"),
        ("test", "before", "test_pairs_first_seen_after_valid_cut"),
    ],
)
def test_edge_from_the_wrong_side_of_its_cut_is_caught(side: str, day: str, name: str) -> None:
    case = Case("temporal")
    cut_train, cut_valid = case.cuts
    assert cut_train is not None
    assert cut_valid is not None
    wrong = case.first_seen > cut_valid if day == "after" else case.first_seen <= cut_train
    case.add(side, case.edges[:, wrong])
    if side == "test":
        case.pairs = replace(case.pairs, test_first_seen=torch.cat([case.pairs.test_first_seen, torch.tensor([1])]))
    assert case.certificate()[name].violations == 1


@pytest.mark.parametrize(
    ("side", "name"),
    [
        ("message_test", "test_messages_alive_at_valid_cut"),
        ("train", "training_edges_not_after_train_cut"),
        ("train", "training_pairs_alive_at_their_cut"),
        ("valid", "valid_pairs_alive_at_their_cut"),
    ],
)
def test_edge_that_came_back_after_its_cut_is_caught(side: str, name: str) -> None:
    case = Case("temporal")
    case.alive_since[case.place(side)] = DAYS
    assert case.certificate()[name].violations > 0


@pytest.mark.parametrize(
    ("side", "name"),
    [
        ("message_test", "test_messages_alive_at_valid_cut"),
        ("train", "training_pairs_alive_at_their_cut"),
        ("valid", "valid_pairs_alive_at_their_cut"),
        ("test", "test_pairs_alive"),
    ],
)
def test_edge_gone_by_its_cut_is_caught(side: str, name: str) -> None:
    case = Case("temporal")
    place = case.place(side)
    case.removed_at[place] = case.first_seen[place]
    assert case.certificate()[name].violations == 1


@pytest.mark.parametrize("side", ["train", "valid", "test"])
def test_removed_edge_as_positive_is_caught_where_no_time_divides_the_edges(side: str) -> None:
    case = Case("hashed")
    case.add(side, case.edges[:, case.removed_at == DAYS])
    if side == "test":
        case.pairs = replace(case.pairs, test_first_seen=torch.cat([case.pairs.test_first_seen, torch.tensor([1])]))
    name = {"train": "training_pairs_alive_at_their_cut", "valid": "valid_pairs_alive_at_their_cut"}
    assert case.certificate()[name.get(side, "test_pairs_alive")].violations == 1


def test_returning_edge_taken_as_fresh_is_caught() -> None:
    case = Case("temporal")
    case.first_seen[case.place("test")] = 2  # it was there on day 2
    certificate = case.certificate()
    assert certificate["test_pairs_first_seen_after_valid_cut"].violations == 1
    assert certificate["test_dates_are_those_of_the_snapshot"].violations == 1


@pytest.mark.parametrize("method", ["temporal", "hashed"])
def test_known_edge_that_training_may_draw_as_a_negative_is_caught(method: str) -> None:
    case = Case(method)
    living = case.edges[:, (case.removed_at == ALIVE) & (case.first_seen == 1)]
    keep = ~contains_keys(pair_keys(living, NODES).sort().values, pair_keys(case.pairs.known_train, NODES))
    missing = int((~keep).sum())
    case.pairs = replace(case.pairs, known_train=case.pairs.known_train[:, keep])
    assert case.certificate()["training_negatives_avoid_all_that_was_known"].violations == missing > 0


@pytest.mark.parametrize("which", ["living", "removed"])
@pytest.mark.parametrize("side", ["valid_negatives", "test_negatives"])
def test_negative_that_was_ever_an_edge_is_caught(which: str, side: str) -> None:
    case = Case("temporal")
    case.add(side, case.edges[:, (case.removed_at == ALIVE) == (which == "living")])
    assert case.certificate()["evaluation_negatives_never_an_edge"].violations == 1


def test_validation_negative_at_a_node_that_came_later_is_caught() -> None:
    case = Case("temporal")
    assert case.cuts[1] is not None
    of_node = (case.edges == 7).any(0)
    case.first_seen[of_node] = case.first_seen[of_node].clamp(min=case.cuts[1] + 1)
    found = case.certificate()["valid_negatives_join_nodes_known_by_the_valid_cut"]
    assert found.checked == case.pairs.valid_negatives.shape[1]
    assert found.violations == int((case.pairs.valid_negatives == 7).any(0).sum()) > 0


@pytest.mark.parametrize("position", [-1, NODES])
def test_validation_negative_at_no_node_is_not_taken_for_known(position: int) -> None:
    case = Case("temporal")
    case.add("valid_negatives", torch.tensor([[0], [position]]))
    assert case.certificate()["valid_negatives_join_nodes_known_by_the_valid_cut"].violations == 1


def with_historical(side: str) -> tuple[Case, Tensor]:
    """A case whose negatives are two to an edge, the second historical; and the removed edges that it may be."""
    case = Case("temporal")
    case.removed_at[case.removed_at == DAYS] = 2
    removed = case.edges[:, (case.removed_at == 2) & (case.first_seen <= 2)]
    count = 2 * getattr(case.pairs, side.removesuffix("_negatives")).shape[1]
    negatives = getattr(case.pairs, side)[:, :count]
    negatives = torch.cat([negatives, negatives], 1)[:, :count].clone()
    negatives[:, 1] = removed[:, 0].flip(0)
    case.pairs = replace(case.pairs, **{side: negatives})
    return case, removed


HISTORICAL: tuple[RecordedNegative, ...] = ("uniform", "historical")


@pytest.mark.parametrize("side", ["valid_negatives", "test_negatives"])
def test_historical_negative_may_be_an_edge_that_has_ended(side: str) -> None:
    case, _ = with_historical(side)
    certificate = case.certificate(HISTORICAL)
    assert certificate["evaluation_negatives_never_an_edge"].passed
    assert certificate["historical_negatives_ended_by_their_cut"].passed
    assert certificate["historical_negatives_ended_by_their_cut"].checked > 0
    assert case.certificate()["evaluation_negatives_never_an_edge"].violations == 1  # not among other kinds


@pytest.mark.parametrize("side", ["valid_negatives", "test_negatives"])
def test_ended_edge_in_the_share_of_another_kind_is_caught(side: str) -> None:
    case, removed = with_historical(side)
    getattr(case.pairs, side)[:, 2] = removed[:, 1]
    certificate = case.certificate(HISTORICAL)
    assert certificate["evaluation_negatives_never_an_edge"].violations == 1
    assert certificate["historical_negatives_ended_by_their_cut"].passed


@pytest.mark.parametrize("fault", ["living", "ended after the cut", "back again"])
@pytest.mark.parametrize("side", ["valid_negatives", "test_negatives"])
def test_historical_negative_that_is_an_edge_after_its_cut_is_caught(side: str, fault: str) -> None:
    case, removed = with_historical(side)
    place = (case.edges == removed[:, :1]).all(0)
    case.removed_at[place] = DAYS if fault == "ended after the cut" else ALIVE
    if fault == "back again":
        case.alive_since[place] = DAYS
    certificate = case.certificate(HISTORICAL)
    assert certificate["historical_negatives_ended_by_their_cut"].violations == 1
    assert certificate["evaluation_negatives_never_an_edge"].passed


def test_shares_that_do_not_divide_excuse_no_negative() -> None:
    assert of_kind("hard", ("uniform", "hard"), 8, 2).tolist() == [False, False, True, True] * 2
    assert not of_kind("hard", ("uniform", "hard"), 9, 2).any()
    assert not of_kind("hard", ("uniform",), 8, 2).any()
    assert of_kind("hard", ("hard",), 0, 0).shape == (0,)


def test_negative_of_a_node_with_itself_is_caught() -> None:
    case = Case("temporal")
    case.add("test_negatives", torch.tensor([[3], [3]]))
    assert case.certificate()["evaluation_negatives_join_two_nodes"].violations == 1


@pytest.mark.parametrize("position", [-1, NODES, 2**40])
def test_position_that_is_no_node_is_caught(position: int) -> None:
    case = Case("hashed")
    case.add("message_test", torch.tensor([[0], [position]]))
    certificate = case.certificate()
    assert certificate["positions_are_nodes"].violations == 1
    assert certificate["pairs_are_edges_of_the_snapshot"].violations == 1


def test_split_in_the_positions_of_another_id_map_is_caught() -> None:
    case = Case("hashed")
    shifted = {name: (getattr(case.pairs, name) + 1) % NODES for name in ("train", "valid", "test", "message_test")}
    case.pairs = replace(case.pairs, **shifted)
    found = case.certificate()["pairs_are_edges_of_the_snapshot"]
    assert found.violations > found.checked / 3


def test_absent_counts_what_is_present_in_either_direction_strangers_included() -> None:
    one = torch.ones(1, dtype=torch.int64)
    history = EdgeHistory.of(torch.tensor([[0], [1]]), one, one, one, 5)
    wanted = history.look_up(torch.tensor([[1, 0, 2, 3], [0, 1, 4, 4]]))
    edge, stranger = (history.look_up(torch.tensor(pair).unsqueeze(1)) for pair in ((0, 1), (4, 2)))
    assert absent("seen", wanted, edge) == Invariant("seen", 4, 2)
    assert absent("seen", wanted, stranger) == Invariant("seen", 4, 1)
    assert absent("seen", wanted, stranger, edge) == Invariant("seen", 4, 3)
    assert absent("seen", wanted) == Invariant("seen", 4, 0)


@st.composite
def histories(draw: st.DrawFn) -> EdgeHistory:
    """Edges that came on days 1 to 12, some of which went again, and some of those came back."""
    nodes = draw(st.integers(7, 14))
    every = torch.combinations(torch.arange(nodes), 2).T
    g = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    count = draw(st.integers(every.shape[1] // 2, every.shape[1] - 4))
    edges = every[:, torch.randperm(every.shape[1], generator=g)[:count]]
    days = draw(st.integers(1, 12))
    first_seen = torch.randint(1, days + 1, (count,), generator=g)
    back = torch.rand(count, generator=g) < draw(st.sampled_from([0.0, 0.3]))
    alive_since = torch.where(back, first_seen + torch.randint(1, 12, (count,), generator=g), first_seen).clamp(max=12)
    gone = torch.rand(count, generator=g) < draw(st.sampled_from([0.0, 0.3]))
    removed_at = alive_since + torch.randint(1, 12, (count,), generator=g)
    removed_at[~gone | (removed_at > 12)] = ALIVE
    return EdgeHistory.of(edges, first_seen, alive_since, removed_at, nodes)


KINDS: tuple[EvaluationNegative, ...] = ("uniform", "degree_matched", "hard", "historical")
SIDES = ("train", "valid", "test", "message_train", "message_test", "known_train")


@settings(max_examples=150, deadline=None)
@given(
    history=histories(),
    method=st.sampled_from(["auto", "temporal", "hashed", "random"]),
    snapshots=st.lists(st.integers(1, 12), max_size=4),
    most=st.none() | st.integers(1, 4),
    seed=st.integers(0, 2**63 - 1),
)
def test_whatever_came_went_and_came_back_a_split_keeps_every_invariant(
    history: EdgeHistory, method: str, snapshots: list[int], most: int | None, seed: int
) -> None:
    size = history.num_nodes
    edges = torch.stack([history.keys // size, history.keys % size])
    try:
        split = split_edges(
            edges, history.first_seen, history.removed_at, as_of=12, snapshot_times=snapshots, method=method,
            minimum_test_edges=2, valid_fraction=0.2, test_fraction=0.2, seed=seed, alive_since=history.alive_since,
            maximum_held_out=most,
        )  # fmt: skip
    except InvalidGraph:  # too few edges for a side, or dates too coarse
        return
    sides = {name: edges[:, getattr(split, name)] for name in SIDES}
    g = torch.Generator().manual_seed(1)
    for side, cut in (("valid", split.cut_train), ("test", split.cut_valid)):
        among = None if side == "test" or split.cut_valid is None else nodes_known_by(history, split.cut_valid)
        sides[side] = sides[side][:, has_negative(sides[side], history.keys, size, among)]
        ended = edges[:, history.removed_at <= next(time for time in (cut, split.cut_valid, 12) if time is not None)]
        graph = Adjacency.from_edges(sides["message_train" if side == "valid" else "message_test"], size)
        sides[f"{side}_negatives"] = evaluation_negatives(
            sides[side], 2 * len(KINDS), history.keys, g, kinds=KINDS, adjacency=graph, ended=ended, among=among
        )
    pairs = Pairs(**sides, test_first_seen=history.look_up(sides["test"]).first_seen)
    cuts = {"cut_train": split.cut_train, "cut_valid": split.cut_valid}
    found = leak_invariants(pairs, history, as_of=12, **cuts, kinds=KINDS)
    if most is not None:
        assert max(int(split.valid.sum()), int(split.test.sum())) <= most
    left_out = {"training_negatives_avoid_all_that_was_known"}  # of edges without a negative, which have no side here
    assert [item.name for item in found if not item.passed and item.name not in left_out] == []
