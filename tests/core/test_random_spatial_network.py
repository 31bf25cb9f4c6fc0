import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.random_spatial_network import NetworkDay, RandomSpatialNetworkConfig, evolve, network_on
from ncnc_core.splits.negatives import corrupted_negatives

SMALL = RandomSpatialNetworkConfig(num_nodes=400)


@pytest.fixture(scope="module")
def week() -> list[NetworkDay]:
    return list(itertools.islice(evolve(RandomSpatialNetworkConfig()), 7))


def pairs_of(day: NetworkDay) -> set[tuple[int, int]]:
    return set(map(tuple, day.edges.T.tolist()))


def distances(day: NetworkDay, pairs: np.ndarray) -> np.ndarray:
    apart = np.abs(day.positions[pairs[0]] - day.positions[pairs[1]])
    return np.hypot(*np.minimum(apart, 1 - apart).T)


def first_time_pairs(week: list[NetworkDay]) -> torch.Tensor:
    before = set().union(*map(pairs_of, week[:-1]))
    return torch.tensor(sorted(pairs_of(week[-1]) - before)).T


def test_same_seed_gives_the_same_days_and_another_seed_others() -> None:
    once, again, other = (network_on(replace(SMALL, seed=seed), 3) for seed in (1, 1, 2))
    for field in ("node_ids", "features", "edges", "formed_at"):
        assert np.array_equal(getattr(once, field), getattr(again, field))
    assert pairs_of(once) != pairs_of(other)


def test_global_generators_are_neither_read_nor_moved() -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    network_on(SMALL, 1)
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def test_days_follow_each_other_and_nodes_keep_their_places(week: list[NetworkDay]) -> None:
    for before, after in itertools.pairwise(week):
        count = len(before.node_ids)
        assert (after.day, after.as_of) == (before.day + 1, before.as_of + 86_400)
        assert len(after.node_ids) == count + 15
        assert np.array_equal(after.node_ids[:count], before.node_ids)
        assert np.array_equal(after.features[:count], before.features)


def test_edges_are_unique_sorted_and_join_two_known_nodes(week: list[NetworkDay]) -> None:
    for day in week:
        source, target = day.edges
        assert (source < target).all()
        assert target.max() < len(day.node_ids)
        assert (np.diff(source * 2**32 + target) > 0).all()
        assert day.edges.shape[1] == len(day.formed_at)


def test_edge_keeps_its_date_while_it_lives_and_new_ones_date_from_the_day(week: list[NetworkDay]) -> None:
    for before, after in itertools.pairwise(week):
        dates = dict(zip(map(tuple, before.edges.T.tolist()), before.formed_at.tolist(), strict=True))
        for pair, date in zip(map(tuple, after.edges.T.tolist()), after.formed_at.tolist(), strict=True):
            assert dates[pair] == date if pair in dates else before.as_of < date <= after.as_of


def test_every_night_brings_enough_first_time_edges_for_a_test_and_takes_some_away(week: list[NetworkDay]) -> None:
    ever = pairs_of(week[0])
    for before, after in itertools.pairwise(week):
        assert len(pairs_of(after) - ever) >= 300
        assert len(pairs_of(before) - pairs_of(after)) >= 300
        ever |= pairs_of(after)


def test_network_is_in_balance() -> None:
    config = replace(SMALL, daily_arrivals=0.0, num_nodes=2000)
    start, later = (network_on(config, day) for day in (0, 40))
    assert later.edges.shape[1] == pytest.approx(start.edges.shape[1], rel=0.03)
    ages = [(day.as_of - day.formed_at).mean() / 86_400 for day in (start, later)]
    assert ages == pytest.approx([32.8, 32.8], rel=0.08)  # -1 / log(1 - 0.03) days


def test_edges_are_as_frequent_as_the_formula_says() -> None:
    # Counted over all pairs, by distance and by the product of the expected degrees.
    config = replace(SMALL, num_nodes=1500)
    day = network_on(config, 0)
    pairs = np.stack(np.triu_indices(1500, 1))
    distance, length = distances(day, pairs), config.kernel_length
    product = day.expected_degrees[pairs[0]] * day.expected_degrees[pairs[1]]
    kernel = np.where(distance < 5 * length, np.exp(-distance / length) / (2 * np.pi * length**2), 0)
    rate = product / (1500 * config.mean_degree) * (0.95 * kernel + 0.05)
    joined = np.zeros((1500, 1500), dtype=bool)
    joined[tuple(day.edges)] = True
    seen, expected = joined[tuple(pairs)], -np.expm1(-rate)
    for bins in (np.digitize(distance / length, [0.5, 1, 2, 3, 5]), np.digitize(product, [30, 60, 150, 500])):
        for one in np.unique(bins):
            wanted = expected[bins == one].sum()
            assert abs(seen[bins == one].sum() - wanted) < 5 * np.sqrt(wanted)


def test_degrees_have_a_tail_and_the_mean_is_near_ten(week: list[NetworkDay]) -> None:
    degree = np.bincount(week[0].edges.flatten())
    assert 8 < degree.mean() < 11
    assert degree.max() > 5 * degree.mean()


def test_features_are_float32_finite_and_tell_near_from_far(week: list[NetworkDay]) -> None:
    day = week[0]
    assert day.features.dtype == np.float32
    assert day.features.shape == (3000, 33)
    assert np.isfinite(day.features).all()
    pairs = np.random.default_rng(0).integers(3000, size=(2, 200_000))
    likeness = (day.features[pairs[0], :-1] * day.features[pairs[1], :-1]).sum(1)
    near = distances(day, pairs) < RandomSpatialNetworkConfig().kernel_length
    assert likeness[near].mean() > 8
    assert abs(likeness[~near].mean()) < 2
    assert np.corrcoef(day.features[:, -1], np.log(day.expected_degrees))[0, 1] > 0.7


def test_common_neighbors_are_decent_on_new_edges_and_leave_room_for_a_model(week: list[NetworkDay]) -> None:
    before, after = week[-2], week[-1]
    count = len(after.node_ids)
    fresh, adjacency = first_time_pairs(week), Adjacency.from_edges(torch.from_numpy(before.edges), count)
    every = torch.cat([pair_keys(torch.from_numpy(day.edges), count) for day in week]).unique()
    negatives = corrupted_negatives(
        fresh, 50, every, torch.Generator().manual_seed(0), num_nodes=count, kind="degree_matched",
        degree=adjacency.degree,
    )  # fmt: skip
    assert not contains_keys(every, pair_keys(negatives, count)).any()

    def likeness(pairs: torch.Tensor) -> torch.Tensor:
        features = torch.from_numpy(after.features)
        return (features[pairs[0], :-1] * features[pairs[1], :-1]).sum(1) + features[pairs, -1].sum(0)

    scorers = {name: lambda pairs, score=score: score(adjacency, pairs) for name, score in HEURISTICS.items()}
    mrr = {
        name: reciprocal_ranks(score(fresh), score(negatives).view(-1, 50)).mean().item()
        for name, score in {**scorers, "features": likeness}.items()
    }

    assert mrr["common_neighbors"] > 0.3
    assert mrr["features"] > 1.3 * max(mrr[name] for name in HEURISTICS)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"num_nodes": 5}, r"network of 5 nodes .* Take at least 10 nodes"),
        ({"num_nodes": 40, "mean_degree": 20.0}, r"mean degree 20\.0.*below a quarter"),
        ({"daily_removal": 0.0}, r"daily_removal 0\.0 must lie within \(0, 1\).*Change"),
        ({"hop_fraction": 1.5}, r"hop_fraction 1\.5 within \[0, 1\].*Change"),
        ({"daily_arrivals": -0.1}, r"daily_arrivals -0\.1 must not be negative.*Change"),
        ({"degree_exponent": 2.0}, r"degree_exponent 2\.0 must be above 2.*Raise"),
        ({"kernel_nodes": 0.0}, r"kernel_nodes 0\.0 above 0.*Raise"),
    ],
)
def test_configuration_out_of_bounds_is_refused(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(InvalidGraph, match=named):
        RandomSpatialNetworkConfig(**wrong)
