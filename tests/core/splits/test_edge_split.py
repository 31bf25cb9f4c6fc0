from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.splits.edge_split import SplitEdges, fixed_split, hashed_share, split_edges

ALIVE = torch.iinfo(torch.int64).max
Tables = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def random_tables(nodes: int = 300, days: int = 30, seed: int = 0) -> Tables:
    """A graph that grew evenly over the days 1..days, a fifth of its edges gone again, some of those within a day."""
    g = torch.Generator().manual_seed(seed)
    edges = Adjacency.from_edges(torch.randint(nodes, (2, 3000), generator=g), nodes).edges()
    first_seen = torch.randint(1, days + 1, (edges.shape[1],), generator=g)
    removed_at = first_seen + torch.randint(1, days, (edges.shape[1],), generator=g)
    removed_at[(torch.rand(edges.shape[1], generator=g) > 0.2) | (removed_at > days)] = ALIVE
    return edges, first_seen, removed_at


def one_dump(count: int = 1000) -> Tables:
    edges, *_ = random_tables()
    edges = edges[:, :count]
    return edges, torch.ones(count, dtype=torch.int64), torch.full((count,), ALIVE)


def test_temporal_split_follows_the_calendar() -> None:
    # columns: an old edge; old, gone before c1; old, gone in the valid window; valid; valid, gone in the test window;
    # fresh; fresh, gone again; returning (kept its first date)
    first_seen = torch.tensor([1, 1, 1, 6, 6, 9, 9, 1])
    removed_at = torch.tensor([ALIVE, 3, 6, ALIVE, 9, ALIVE, 10, ALIVE])
    edges = torch.stack([torch.zeros(8, dtype=torch.int64), torch.arange(1, 9)])

    split = split_edges(
        edges, first_seen, removed_at, as_of=10, snapshot_times=[8], method="temporal", valid_fraction=0.4,
        minimum_test_edges=1,
    )  # fmt: skip

    assert (split.cut_train, split.cut_valid) == (1, 8)
    assert split.test.nonzero().flatten().tolist() == [5]
    assert split.valid.nonzero().flatten().tolist() == [3, 4]  # true at c2, though one has gone since
    assert split.train.nonzero().flatten().tolist() == [0, 1, 2, 7]  # alive at c1
    assert torch.equal(split.message_train, split.train)
    assert split.message_test.nonzero().flatten().tolist() == [0, 3, 4, 7]  # alive at c2
    assert split.known_train.nonzero().flatten().tolist() == [0, 1, 2, 7]


def test_auto_is_temporal_where_dates_allow_it_and_says_so() -> None:
    split = split_edges(*random_tables(), as_of=30)
    assert split.method == "temporal"
    assert "first seen after 1970-01-01T00:00:27Z" in split.reason
    assert split.test.sum() >= 200


def test_first_full_dump_is_hashed_and_says_so() -> None:
    split = split_edges(*one_dump(), as_of=1)
    assert split.method == "hashed"
    assert split.reason.startswith("every living edge has one date (a first full dump), so each edge has its side")
    assert split.cut_train is None
    assert split.cut_valid is None
    assert torch.equal(split.message_test, split.train)


def test_second_night_of_a_full_dump_tests_on_what_is_new_and_validates_on_a_hashed_share() -> None:
    edges, first_seen, removed_at = one_dump(2000)
    first_night = split_edges(edges[:, :1700], first_seen[:1700], removed_at[:1700], as_of=1)
    first_seen[1700:] = 2

    split = split_edges(edges, first_seen, removed_at, as_of=2, snapshot_times=[1])

    assert (split.method, split.cut_train, split.cut_valid) == ("temporal", None, 1)
    assert split.test.nonzero().flatten().tolist() == list(range(1700, 2000))
    assert torch.equal(split.valid[:1700], first_night.valid)  # what validated the champion still validates
    assert torch.equal(split.message_test, first_seen == 1)
    assert torch.equal(split.train, split.message_test & ~split.valid)
    assert torch.equal(split.known_train, split.train)


def test_hashed_side_is_for_ever_whatever_comes_and_goes() -> None:
    edges, first_seen, removed_at = one_dump()
    before = split_edges(edges, first_seen, removed_at, as_of=1, method="hashed")
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(1))
    more = torch.cat([edges.flip(0)[:, order], torch.stack([torch.arange(500), torch.full((500,), 10**9)])], dim=1)

    after = split_edges(more, torch.ones(1500, dtype=torch.int64), torch.full((1500,), ALIVE), as_of=1, method="hashed")

    for side in ("train", "valid", "test"):
        assert torch.equal(getattr(after, side)[:1000], getattr(before, side)[order])


def test_hash_is_splitmix64() -> None:
    def mix(value: np.ndarray) -> np.ndarray:
        value = value + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))

    edges = torch.randint(2**40, (2, 500), generator=torch.Generator().manual_seed(0))
    low, high = edges.min(0).values.numpy().astype(np.uint64), edges.max(0).values.numpy().astype(np.uint64)
    expected = (mix(mix(low + mix(np.array([7], dtype=np.uint64))) + high) >> np.uint64(11)).astype(np.float64) / 2**53

    assert hashed_share(edges, 7).tolist() == expected.tolist()
    assert mix(np.array([0], dtype=np.uint64))[0] == 0xE220A8397B1DCDAF  # the first published output for seed 0


def test_hashed_shares_are_even_also_on_the_edges_of_one_node_and_change_with_the_seed() -> None:
    star = torch.stack([torch.zeros(20_000, dtype=torch.int64), torch.arange(1, 20_001)])
    shares = hashed_share(star, 0)
    counts = torch.histc(shares, bins=20, min=0, max=1)
    assert ((counts - 1000).square().sum() / 1000).item() < 45  # chi-squared with 19 degrees of freedom
    assert torch.corrcoef(torch.stack([shares, hashed_share(star, 1)]))[0, 1].abs() < 0.03


@pytest.mark.parametrize("method", ["hashed", "random"])
def test_fractions_are_met(method: str) -> None:
    split = split_edges(*one_dump(2000), as_of=1, method=method, valid_fraction=0.2, test_fraction=0.1, seed=3)
    sizes = [int(side.sum()) for side in (split.train, split.valid, split.test)]
    assert sum(sizes) == 2000
    assert sizes == pytest.approx([1400, 400, 200], abs=1 if method == "random" else 45)
    assert torch.equal(split.message_train, split.message_test)


def test_random_split_is_that_of_its_seed_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    once, again, other = (split_edges(*one_dump(), as_of=1, method="random", seed=seed).test for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("method", ["temporal", "hashed", "random"])
@pytest.mark.parametrize("seed", range(3))
def test_split_never_shares_an_edge_between_train_and_test(method: str, seed: int) -> None:
    edges, first_seen, removed_at = random_tables(seed=seed)
    split: SplitEdges = split_edges(edges, first_seen, removed_at, as_of=30, snapshot_times=[20, 28], method=method)
    keys = pair_keys(edges, 300)
    sides = [set(keys[side].tolist()) for side in (split.train, split.valid, split.test, split.message_test)]
    train, valid, test, messages = sides
    assert not train & valid
    assert not (train | valid | messages) & test


def test_temporal_where_impossible_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"one date .*Set split\.method to auto or hashed"):
        split_edges(*one_dump(), as_of=1, method="temporal")


def test_edges_from_the_future_are_refused() -> None:
    edges, first_seen, removed_at = one_dump()
    first_seen[5] = 90_000
    with pytest.raises(InvalidGraph, match=r"1 edges are first seen after .*1970-01-02T01:00:00Z.*Leave them out"):
        split_edges(edges, first_seen, removed_at, as_of=1)


@pytest.mark.parametrize("count", [0, 3])
def test_graph_too_small_to_split_is_refused(count: int) -> None:
    with pytest.raises(InvalidGraph, match=r"leaves \d train, 0 valid.*Deliver a larger graph"):
        split_edges(*one_dump(count), as_of=1)


def test_edge_that_was_away_at_the_cut_is_no_message_no_positive_and_no_training_edge() -> None:
    edges = torch.combinations(torch.arange(40), 2).T[:, :600]
    first_seen = torch.arange(600) // 200 + 1  # days 1, 2, 3
    removed_at = torch.full((600,), ALIVE)
    alive_since = first_seen.clone()
    alive_since[:150] = 3  # there on day 1, away on day 2, back on day 3
    split = split_edges(
        edges,
        first_seen,
        removed_at,
        as_of=3,
        snapshot_times=[1, 2],
        method="temporal",
        minimum_test_edges=1,
        alive_since=alive_since,
    )
    assert split.cut_valid == 2
    away = torch.arange(600) < 150
    for side in (split.message_test, split.message_train, split.train, split.valid, split.test):
        assert not side[away].any()
    assert split.message_test.sum() == 400 - 150


def test_fixed_split_is_that_of_its_lists_and_training_avoids_the_rest() -> None:
    edges, *_ = one_dump(10)
    split = fixed_split(
        edges, edges[:, :4].flip(0), edges[:, [6, 5]], edges[:, 8:9], num_nodes=300, reason="three files"
    )
    assert (split.method, split.reason, split.cut_train, split.cut_valid) == ("fixed", "three files", None, None)
    assert split.train.nonzero().flatten().tolist() == [0, 1, 2, 3]
    assert split.valid.nonzero().flatten().tolist() == [5, 6]
    assert split.test.nonzero().flatten().tolist() == [8]
    assert torch.equal(split.message_train, split.train)
    assert torch.equal(split.message_test, split.train)
    assert split.known_train.nonzero().flatten().tolist() == [0, 1, 2, 3, 4, 7, 9]


def test_fixed_split_with_an_empty_side_is_refused() -> None:
    edges, *_ = one_dump(10)
    with pytest.raises(InvalidGraph, match=r"fixed split leaves 4 train, 2 valid and 0 test edges"):
        fixed_split(edges, edges[:, :4], edges[:, 4:6], edges[:, :0], num_nodes=300, reason="")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    draw=st.integers(0, 2**32),
    sizes=st.lists(st.integers(15, 60), min_size=2, max_size=5),
)
def test_hashed_edge_has_one_side_over_all_nights_of_a_growing_graph(seed: int, draw: int, sizes: list[int]) -> None:
    g = torch.Generator().manual_seed(draw)
    edges, removed_at = torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    sides: dict[tuple[int, int], str] = {}
    for night, nodes in enumerate(np.cumsum(sizes).tolist(), start=1):
        # Nodes come at the end, edges in any order and direction; a fifth of those there go, and some come back.
        new = torch.randint(nodes, (2, 8 * nodes), generator=g)
        edges = Adjacency.from_edges(torch.cat([edges, new], 1), nodes).edges()
        edges = edges[:, torch.randperm(edges.shape[1], generator=g)]
        removed_at = torch.where(torch.rand(edges.shape[1], generator=g) < 0.2, night, ALIVE)
        split = split_edges(
            torch.where(torch.rand(edges.shape[1], generator=g) < 0.5, edges, edges.flip(0)),
            torch.ones(edges.shape[1], dtype=torch.int64), removed_at, as_of=night, method="hashed", seed=seed,
        )  # fmt: skip
        for side in ("train", "valid", "test"):
            for pair in edges[:, getattr(split, side)].T.tolist():
                assert sides.setdefault(tuple(pair), side) == side
        held_out = {pair for pair, side in sides.items() if side != "train"}
        assert not held_out & {tuple(pair) for pair in edges[:, split.message_test].T.tolist()}


@pytest.mark.parametrize("method", ["hashed", "random", "temporal"])
def test_of_too_many_held_out_edges_those_of_the_least_hashes_judge_and_the_others_take_no_part(
    method: Literal["hashed", "random", "temporal"],
) -> None:
    edges, first_seen, removed_at = random_tables()
    every, few = (
        split_edges(
            edges, first_seen, removed_at, as_of=30, snapshot_times=[25], method=method, seed=5, maximum_held_out=most
        )
        for most in (None, 20)
    )
    assert (int(few.valid.sum()), int(few.test.sum())) == (20, 20)
    for side in ("valid", "test"):
        all_of_them, kept = getattr(every, side), getattr(few, side)
        assert not (kept & ~all_of_them).any()
        shares = hashed_share(edges, 5)
        if method != "random":
            assert shares[kept].max() < shares[all_of_them & ~kept].min()
        name = "validation" if side == "valid" else "test"
        assert f"; of {int(all_of_them.sum())} {name} edges 20 were drawn (split.maximum_held_out_edges)" in few.reason
    assert torch.equal(few.train, every.train)
    assert torch.equal(few.message_train, every.message_train)
    assert torch.equal(few.message_test, every.message_test)
    until = 30 if few.cut_train is None else few.cut_train
    left_out = (every.valid | every.test) & ~few.valid & ~few.test & (first_seen <= until)
    assert torch.equal(few.known_train, every.known_train | left_out)


def test_a_split_within_its_maximum_is_as_it_was() -> None:
    every = split_edges(*random_tables(), as_of=30, snapshot_times=[25])
    most = max(int(every.valid.sum()), int(every.test.sum()))
    again = split_edges(*random_tables(), as_of=30, snapshot_times=[25], maximum_held_out=most)
    assert again.reason == every.reason
    assert all(torch.equal(getattr(again, name), getattr(every, name)) for name in ("valid", "test", "known_train"))


def test_an_edge_that_was_left_out_while_the_graph_was_large_never_trains_before_it_tests() -> None:
    edges, first_seen, removed_at = one_dump(2000)
    large = split_edges(edges, first_seen, removed_at, as_of=1, method="hashed", maximum_held_out=50)
    small = split_edges(
        edges[:, :600], first_seen[:600], removed_at[:600], as_of=1, method="hashed", maximum_held_out=50
    )
    assert not (large.train[:600] & (small.test | small.valid)).any()
    assert (small.test & ~large.test[:600]).any()  # it was left out before
