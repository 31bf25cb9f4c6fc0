from __future__ import annotations

import numpy as np
import pytest

from ncnc_core.near_nodes import NearNodes
from ncnc_core.random_spatial_network import RandomSpatialNetworkConfig

PLACES = RandomSpatialNetworkConfig(num_nodes=100, hop_fraction=0.0)
# 0 to 2 are near each other, 3 is far from all (the kernel is cut at 0.49 here), 4 is near and not active.
POSITIONS = np.array([[0.5, 0.5], [0.52, 0.5], [0.54, 0.5], [0.0, 0.0], [0.51, 0.5]])
DEGREES = np.full(5, 10.0)
ACTIVE = np.array([0, 1, 2, 3])


def drawn(near: NearNodes, row: int, chance: np.ndarray, count: int = 4000) -> np.ndarray:
    found = near.drawn(np.full(count, row), chance, np.random.default_rng(0))
    return np.bincount(found + 1, minlength=6) / count  # the first is the share of -1


def test_near_nodes_are_drawn_and_neither_far_nor_inactive_ones() -> None:
    shares = drawn(NearNodes.among(ACTIVE, PLACES, POSITIONS, DEGREES), 0, np.ones(5))
    assert (shares > 0).tolist() == [False, False, True, True, False, False]
    assert shares[2] > shares[3]  # the nearer one


def test_degree_counts() -> None:
    degrees = np.array([10.0, 10.0, 100.0, 10.0, 10.0])
    shares = drawn(NearNodes.among(ACTIVE, PLACES, POSITIONS, degrees), 0, np.ones(5))
    assert shares[3] > 5 * shares[2]


def test_chance_counts_among_the_candidates() -> None:
    even, heeded = (
        drawn(NearNodes.among(ACTIVE, PLACES, POSITIONS, DEGREES), 0, np.array([1.0, 1.0, chance, 1.0, 1.0]))
        for chance in (1.0, 9.0)
    )
    assert heeded[3] > even[3] + 0.2


def test_who_has_nobody_near_finds_nobody() -> None:
    assert drawn(NearNodes.among(ACTIVE, PLACES, POSITIONS, DEGREES), 3, np.ones(5))[0] == 1
    lonely = NearNodes.among(np.array([3]), PLACES, POSITIONS, DEGREES)
    assert drawn(lonely, 3, np.ones(5))[0] == 1


@pytest.mark.parametrize("row", [0, 3])
def test_hops_ignore_distance_and_never_lead_back(row: int) -> None:
    hops = RandomSpatialNetworkConfig(num_nodes=100, hop_fraction=1.0)
    shares = drawn(NearNodes.among(ACTIVE, hops, POSITIONS, DEGREES), row, np.ones(5))
    assert shares[[0, *(ACTIVE[row != ACTIVE] + 1)]] == pytest.approx(0.25, abs=0.03)
    assert shares[row + 1] == 0
