"""A graph that changes every day, to show the pipeline on: a Random Spatial Network whose edges come and go.

Source of the network: Lang, De Sterck, Kaiser, Miller, Random Spatial Networks: Small Worlds without Clustering,
Traveling Waves, and Hop-and-Spread Disease Dynamics, arXiv:1702.01252 (2017). Nodes lie uniformly in the unit square
(here without borders) and have expected degrees k; u and v are joined with rate k_u k_v f(distance) / (n mean(k)),
where the kernel f integrates to one. The life of the edges is ours: see `evolve`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ncnc_core.errors import InvalidGraph

DAY_SECONDS = 86_400
KERNEL_LENGTHS = 5.0  # the kernel is cut off there: exp(-5) leaves 4 % of an exponential's mass in the plane outside
FIRST_NODE_ID = 10_001


@dataclass(frozen=True)
class RandomSpatialNetworkConfig:
    """What the network looks like and how fast it changes; every field changes the graph."""

    seed: int = 0
    num_nodes: int = 3000
    mean_degree: float = 12.0  # in the formula; near pairs saturate at one edge, so it comes out a fifth lower
    degree_exponent: float = 2.8  # of the expected degrees' power-law tail, which is cut at 20 times the smallest
    kernel_nodes: float = 6.0  # nodes expected within one kernel length; fewer makes more triangles
    hop_fraction: float = 0.05  # of the edges, those that ignore distance
    daily_removal: float = 0.03  # chance of an edge to vanish within a day
    daily_arrivals: float = 0.005  # new nodes a day, as a share of num_nodes
    num_waves: int = 16  # spatial features are a cosine and a sine per wave
    feature_noise: float = 0.5  # of the position the features see, in kernel lengths; of the log-degree, in e-folds
    start: int = 1_735_689_600  # unix seconds at which day 0 ends: 2025-01-01T00:00:00Z

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            InvalidGraph: a field is out of bounds.
        """
        if self.num_nodes < 10 or not 0 < self.mean_degree < self.num_nodes / 4:
            raise InvalidGraph(
                f"A network of {self.num_nodes} nodes cannot have mean degree {self.mean_degree}. "
                f"Take at least 10 nodes, and a mean degree above 0 and below a quarter of them."
            )
        if not (0 < self.daily_removal < 1 and 0 <= self.hop_fraction <= 1 and self.daily_arrivals >= 0):
            raise InvalidGraph(
                f"daily_removal {self.daily_removal} must lie within (0, 1), hop_fraction {self.hop_fraction} within "
                f"[0, 1], and daily_arrivals {self.daily_arrivals} must not be negative. Change the one that is not."
            )
        if self.degree_exponent <= 2 or self.kernel_nodes <= 0:
            raise InvalidGraph(
                f"degree_exponent {self.degree_exponent} must be above 2 and kernel_nodes {self.kernel_nodes} above 0. "
                f"Raise them."
            )

    @property
    def kernel_length(self) -> float:
        """The distance over which edges become e times rarer; the side of the square is 1."""
        return math.sqrt(self.kernel_nodes / (math.pi * self.num_nodes))


@dataclass(frozen=True, eq=False)
class NetworkDay:
    """The network at the end of a day.

    node_ids [n] int64 and features [n, f] float32 by position; edges [2, e] positions, source < target, sorted;
    formed_at [e] unix seconds. positions [n, 2] and expected_degrees [n] are the truth behind the features.
    """

    day: int
    as_of: int
    node_ids: NDArray[np.int64]
    features: NDArray[np.float32]
    edges: NDArray[np.int64]
    formed_at: NDArray[np.int64]
    positions: NDArray[np.float64]
    expected_degrees: NDArray[np.float64]


def evolve(config: RandomSpatialNetworkConfig) -> Iterator[NetworkDay]:
    """Yield day 0, 1, 2, ... without end, the same for the same configuration.

    Each edge vanishes with chance `daily_removal` a day, and each absent pair forms at the rate that keeps the network
    as the formula has it, so that a pair may return. Arriving nodes bring the edges they are due. Day 0 is already in
    balance: its edges have the ages such a life gives them. Cost: O(nodes * kernel_nodes * KERNEL_LENGTHS^2) a day.
    """
    network = _Network(config)
    while True:
        yield network.at_end_of_day()
        network.pass_day()


def network_on(config: RandomSpatialNetworkConfig, day: int) -> NetworkDay:
    """Return the network at the end of one day, by passing through all the days before it."""
    return next(state for state in evolve(config) if state.day == day)


class _Network:
    """The network as it stands; every day has a generator of its own, seeded by the configuration and the day."""

    def __init__(self, config: RandomSpatialNetworkConfig) -> None:
        self.config = config
        self.day = 0
        self.random = np.random.default_rng([config.seed, 0])
        self.waves = wave_vectors(config, self.random)
        self.positions = np.empty((0, 2))
        self.expected_degrees = np.empty(0)
        self.features = np.empty((0, 2 * config.num_waves + 1), dtype=np.float32)
        self.add_nodes(config.num_nodes)
        self.keys = np.union1d(self._near_edges(1.0), self._far_edges(1.0))  # sorted, source * 2^32 + target
        lifetime = -DAY_SECONDS / math.log1p(-config.daily_removal)
        self.formed_at = config.start - self.random.exponential(lifetime, len(self.keys)).astype(np.int64)

    @property
    def as_of(self) -> int:
        return self.config.start + self.day * DAY_SECONDS

    def at_end_of_day(self) -> NetworkDay:
        ids = np.arange(FIRST_NODE_ID, FIRST_NODE_ID + len(self.positions))
        edges = np.stack([self.keys >> 32, self.keys & (2**32 - 1)])
        truth = (self.positions, self.expected_degrees)
        return NetworkDay(self.day, self.as_of, ids, self.features, edges, self.formed_at, *truth)

    def pass_day(self) -> None:
        config, settled = self.config, len(self.positions)
        self.random = np.random.default_rng([config.seed, self.day + 1])
        stays = self.random.random(len(self.keys)) >= config.daily_removal
        self.add_nodes(round(config.daily_arrivals * config.num_nodes))
        fresh = np.union1d(
            self._near_edges(config.daily_removal, settled), self._far_edges(config.daily_removal, settled)
        )
        fresh = np.setdiff1d(fresh, self.keys, assume_unique=True)  # what vanishes today does not return today
        born = self.as_of + 1 + self.random.integers(DAY_SECONDS, size=len(fresh))
        keys = np.concatenate([self.keys[stays], fresh])
        order = keys.argsort()
        self.keys, self.formed_at = keys[order], np.concatenate([self.formed_at[stays], born])[order]
        self.day += 1

    def add_nodes(self, count: int) -> None:
        drawn = draw_nodes(self.config, self.waves, self.random, count)
        self.positions = np.concatenate([self.positions, drawn.positions])
        self.expected_degrees = np.concatenate([self.expected_degrees, drawn.expected_degrees])
        self.features = np.concatenate([self.features, drawn.features])

    def _near_edges(self, turnover: float, settled: int = 0) -> NDArray[np.int64]:
        """Draw the keys of edges by the kernel: all that new nodes are due, a day's turnover between settled ones."""
        low, high, rate = near_pairs(self.config, self.positions, self.expected_degrees)
        due = -np.expm1(-rate)
        # In balance, as many form as vanish: (1 - due) * chance = due * turnover.
        chance = np.where(high >= settled, due, turnover * np.expm1(rate))
        formed = self.random.random(len(chance)) < chance
        return np.sort((low[formed] << 32) | high[formed])

    def _far_edges(self, turnover: float, settled: int = 0) -> NDArray[np.int64]:
        """Draw the keys of edges that ignore distance, ends in proportion to the expected degrees."""
        weights = self.expected_degrees
        total, fresh = weights.sum(), weights[settled:].sum()
        per_pair = self.config.hop_fraction / (self.config.num_nodes * self.config.mean_degree)
        between = self.random.poisson(per_pair * turnover * (total - fresh) ** 2 / 2)
        arriving = self.random.poisson(per_pair * fresh * (total - fresh / 2))
        first = np.concatenate(
            [self._draw(weights[:settled], between), settled + self._draw(weights[settled:], arriving)]
        )
        second = np.concatenate([self._draw(weights[:settled], between), self._draw(weights, arriving)])
        low, high = np.minimum(first, second), np.maximum(first, second)
        return np.unique((low[low < high] << 32) | high[low < high])

    def _draw(self, weights: NDArray[np.float64], count: int) -> NDArray[np.int64]:
        cumulated = weights.cumsum()
        end = cumulated[-1] if len(cumulated) else 0.0
        return np.searchsorted(cumulated, self.random.random(count) * end, side="right").astype(np.int64)


@dataclass(frozen=True, eq=False)
class DrawnNodes:
    """Nodes with their places: positions [n, 2], expected_degrees [n], and the features [n, f] that show them dimly."""

    positions: NDArray[np.float64]
    expected_degrees: NDArray[np.float64]
    features: NDArray[np.float32]


def draw_nodes(
    config: RandomSpatialNetworkConfig, waves: NDArray[np.float64], random: np.random.Generator, count: int
) -> DrawnNodes:
    """Draw places, expected degrees and features of `count` nodes; `waves` are those of `wave_vectors`."""
    positions = random.random((count, 2))
    degrees = _expected_degrees(config, random.random(count))
    seen = positions + config.feature_noise * config.kernel_length * random.standard_normal((count, 2))
    phase = 2 * math.pi * seen @ waves  # [nodes, waves]
    size = np.log(degrees / config.mean_degree) + config.feature_noise * random.standard_normal(count)
    features = np.concatenate([np.cos(phase), np.sin(phase), size[:, None]], axis=1).astype(np.float32)
    return DrawnNodes(positions, degrees, features)


def near_pairs(
    config: RandomSpatialNetworkConfig, positions: NDArray[np.float64], expected_degrees: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs within KERNEL_LENGTHS, the lower and the higher position, and the rate of an edge of each."""
    length = config.kernel_length
    tree = cKDTree(positions, boxsize=np.ones(2))  # boxsize: the square has no borders
    pairs = tree.query_pairs(min(KERNEL_LENGTHS * length, 0.49), output_type="ndarray").T
    low, high = pairs.min(0), pairs.max(0)
    apart = np.abs(positions[low] - positions[high])
    distance = np.hypot(*np.minimum(apart, 1 - apart).T)
    kernel = np.exp(-distance / length) / (2 * math.pi * length**2)
    rate = (1 - config.hop_fraction) * kernel * expected_degrees[low] * expected_degrees[high]
    rate /= config.num_nodes * config.mean_degree
    return low.astype(np.int64), high.astype(np.int64), rate


def _expected_degrees(config: RandomSpatialNetworkConfig, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn uniform numbers into degrees of a power law, cut at 20 times the smallest, with the configured mean."""
    cut, gamma = 20.0, config.degree_exponent
    sizes = np.minimum((1 - uniform) ** (-1 / (gamma - 1)), cut)
    mean = 1 + (1 - cut ** (2 - gamma)) / (gamma - 2)
    degrees: NDArray[np.float64] = sizes * (config.mean_degree / mean)
    return degrees


def wave_vectors(config: RandomSpatialNetworkConfig, random: np.random.Generator) -> NDArray[np.float64]:
    """Draw whole-numbered waves, so that they close at the borders: random Fourier features, [2, waves].

    The summed products of two nodes' cosines and sines are then a bump in their distance, here of widths from one to
    six kernel lengths. Source: Rahimi, Recht, Random features for large-scale kernel machines, 2007.
    """
    widths = config.kernel_length * np.geomspace(1, 6, config.num_waves)
    waves: NDArray[np.float64] = np.round(random.standard_normal((2, config.num_waves)) / (2 * math.pi * widths))
    return waves
