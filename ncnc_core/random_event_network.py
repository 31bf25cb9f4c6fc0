"""A log of events that grows every day, with what real ones have: bursts, repeats, newcomers, nodes that fall silent.

Nodes lie in the plane and have expected degrees as in a Random Spatial Network (`random_spatial_network`, with its
source). What happens between them is ours, on self-exciting rates: Hawkes, Spectra of some self-exciting and mutually
exciting point processes, Biometrika 58 (1971).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ncnc_core.errors import InvalidGraph
from ncnc_core.near_nodes import NearNodes
from ncnc_core.random_spatial_network import (
    DAY_SECONDS,
    FIRST_NODE_ID,
    RandomSpatialNetworkConfig,
    draw_nodes,
    wave_vectors,
)

HOURS = 24
HOUR_SECONDS = DAY_SECONDS // HOURS
REMEMBERED = 8  # contacts that a node may turn to again: its latest ones
LIFE_SHAPE = 0.6  # of the Weibull law of lives; below 1: many nodes leave soon, and some stay for long

PLACES = RandomSpatialNetworkConfig(kernel_nodes=30.0, hop_fraction=0.15, daily_arrivals=0.018)


@dataclass(frozen=True)
class RandomEventNetworkConfig:
    """What the log looks like; every field changes it, and `evolve_events` has the model that they stand in.

    `places` has the seed, the number of nodes on day 0, the share that arrives each day, and where nodes lie. Of its
    fields `daily_removal` plays no part: a log removes nothing.
    """

    places: RandomSpatialNetworkConfig = PLACES
    history_days: int = 35  # of the log before day 0
    daily_events: float = 0.06  # that an average node begins of itself in a day; the rest is set off by these
    excitation: float = 0.48  # further events that an event sets off at each of its ends; at 0 nothing comes in bursts
    burst_hours: float = 1.0  # until what an event sets off has faded e-fold
    repeat_share: float = 0.65  # of events, those with one of the node's latest contacts
    closure_share: float = 0.05  # of events, those with a contact of a contact
    attention: float = 0.3  # how much each event that a node had lately adds to its chance to be chosen, which is 1
    mean_life_days: float = 30.0  # until a node falls silent for good; infinity: never

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            InvalidGraph: a field is out of bounds.
        """
        if not 0 <= self.excitation < 0.5:
            raise InvalidGraph(
                f"excitation {self.excitation} must be at least 0 and below 0.5: an event has two ends, so from there "
                f"on each sets off one or more, and the log grows without end. Lower it."
            )
        if min(self.repeat_share, self.closure_share) < 0 or self.repeat_share + self.closure_share > 1:
            raise InvalidGraph(
                f"repeat_share {self.repeat_share} and closure_share {self.closure_share} must not be negative, and "
                f"come to at most 1 together. Lower one."
            )
        if min(self.daily_events, self.burst_hours, self.mean_life_days) <= 0 or self.attention < 0:
            raise InvalidGraph(
                f"daily_events {self.daily_events}, burst_hours {self.burst_hours} and mean_life_days "
                f"{self.mean_life_days} must be above 0, and attention {self.attention} not negative. Raise the one "
                f"that is not."
            )
        if self.history_days < 1 or self.first_nodes < 2:
            raise InvalidGraph(
                f"history_days {self.history_days} must be at least 1, and at least 2 of the {self.places.num_nodes} "
                f"nodes of day 0 there at its beginning, but {self.arrivals_a_day} arrive each day. Change "
                f"history_days, or lower daily_arrivals."
            )

    @property
    def arrivals_a_day(self) -> int:
        """New nodes each day."""
        return round(self.places.daily_arrivals * self.places.num_nodes)

    @property
    def first_nodes(self) -> int:
        """The nodes at the beginning of the log."""
        return self.places.num_nodes - self.history_days * self.arrivals_a_day


@dataclass(frozen=True, eq=False)
class EventDay:
    """The log at the end of a day.

    node_ids [n] int64 and features [n, f] float32 by position, of every node that has arrived, silent ones included;
    events [2, e] positions, who began it first, and times [e] unix seconds, ascending. positions [n, 2],
    expected_degrees [n] and silent [n] are the truth behind them.
    """

    day: int
    as_of: int
    node_ids: NDArray[np.int64]
    features: NDArray[np.float32]
    events: NDArray[np.int64]
    times: NDArray[np.int64]
    positions: NDArray[np.float64]
    expected_degrees: NDArray[np.float64]
    silent: NDArray[np.bool_]


def evolve_events(config: RandomEventNetworkConfig) -> Iterator[EventDay]:
    """Yield day 0, 1, 2, ... without end, the same for the same configuration; each holds all events so far.

    A node that has not fallen silent begins events at the rate

        r(t) = daily_events * k / mean(k) + sum over its events, begun or received, of
               excitation / burst_hours * exp(-(hours since) / burst_hours),

    drawn hour by hour; k is its expected degree. Each event is with one of its REMEMBERED latest contacts
    (`repeat_share`), a contact of a contact (`closure_share`), or else a new contact: of six nodes drawn by
    nearness and degree, one in proportion to 1 + attention * (its events lately, faded like r). Who has fallen silent
    is not chosen. A life is drawn from a Weibull law of mean `mean_life_days` on arrival, and counts whole days.

    Cost: O(nodes * kernel_nodes * KERNEL_LENGTHS^2) a day and O(nodes) an hour; a log of 60,000 events takes 2 s.
    """
    log = _Log(config)
    for _ in range(config.history_days):
        log.pass_day()
    while True:
        yield log.at_end_of_day()
        log.pass_day()


class _Log:
    """The log as it stands; every day has a generator of its own, seeded by the configuration and the day."""

    def __init__(self, config: RandomEventNetworkConfig) -> None:
        self.config, places = config, config.places
        self.day = -config.history_days
        self.random = np.random.default_rng([places.seed, 0])
        self.waves = wave_vectors(places, self.random)
        self.positions = np.empty((0, 2))
        self.expected_degrees = np.empty(0)
        self.features = np.empty((0, 2 * places.num_waves + 1), dtype=np.float32)
        self.last_day = np.empty(0)  # on which a node is active
        self.heat = np.empty(0)  # events that a node had lately, faded
        self.contacts = np.empty((0, REMEMBERED), dtype=np.int64)  # the latest ones, in a ring
        self.num_contacts = np.empty(0, dtype=np.int64)
        self.events: list[NDArray[np.int64]] = [np.empty((2, 0), dtype=np.int64)]
        self.times: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        self.add_nodes(config.first_nodes)

    @property
    def as_of(self) -> int:
        return self.config.places.start + self.day * DAY_SECONDS

    def at_end_of_day(self) -> EventDay:
        self.events, self.times = [np.concatenate(self.events, axis=1)], [np.concatenate(self.times)]
        ids = np.arange(FIRST_NODE_ID, FIRST_NODE_ID + len(self.positions))
        truth = (self.positions, self.expected_degrees, self.last_day <= self.day)
        return EventDay(self.day, self.as_of, ids, self.features, self.events[0], self.times[0], *truth)

    def pass_day(self) -> None:
        config = self.config
        self.random = np.random.default_rng([config.places.seed, config.history_days + self.day + 1])
        self.add_nodes(config.arrivals_a_day)
        active = np.flatnonzero(self.last_day > self.day)
        near = NearNodes.among(active, config.places, self.positions, self.expected_degrees)
        base = np.zeros(len(self.positions))
        base[active] = config.daily_events / HOURS * self.expected_degrees[active] / config.places.mean_degree
        fading = math.exp(-1 / config.burst_hours)
        spark = config.excitation * (1 / fading - 1)  # so that all hours to come add up to the excitation
        for hour in range(HOURS):
            self.heat *= fading
            rate = base + spark * self.heat * (base > 0)
            begun = np.repeat(np.arange(len(rate)), self.random.poisson(rate))
            partner = self._partners(self.random.permutation(begun), near, base > 0)
            self._enter(*partner, self.as_of + hour * HOUR_SECONDS)
        self.day += 1

    def add_nodes(self, count: int) -> None:
        config = self.config
        drawn = draw_nodes(config.places, self.waves, self.random, count)
        scale = config.mean_life_days / math.gamma(1 + 1 / LIFE_SHAPE)
        lives = np.ceil(scale * self.random.weibull(LIFE_SHAPE, count))
        self.positions = np.concatenate([self.positions, drawn.positions])
        self.expected_degrees = np.concatenate([self.expected_degrees, drawn.expected_degrees])
        self.features = np.concatenate([self.features, drawn.features])
        self.last_day = np.concatenate([self.last_day, self.day + lives])
        self.heat = np.concatenate([self.heat, np.zeros(count)])
        self.contacts = np.concatenate([self.contacts, np.zeros((count, REMEMBERED), dtype=np.int64)])
        self.num_contacts = np.concatenate([self.num_contacts, np.zeros(count, dtype=np.int64)])

    def _partners(
        self, begun: NDArray[np.int64], near: NearNodes, active: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the events of an hour, who begins them and with whom; those that find nobody do not take place."""
        config, kind = self.config, self.random.random(len(begun))
        repeats, closes = kind < config.repeat_share, kind < config.repeat_share + config.closure_share
        known, through = self._contact_of(begun), self._contact_of(begun)
        further = np.where(through >= 0, self._contact_of(np.maximum(through, 0)), -1)
        partner = np.where(repeats, known, np.where(closes, further, -1))
        wrong = (partner < 0) | (partner == begun) | ~active[partner]
        partner[wrong] = near.drawn(begun[wrong], 1 + config.attention * self.heat, self.random)
        found = partner >= 0
        return begun[found], partner[found]

    def _contact_of(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one of the latest contacts of each node, -1 where it has none."""
        held = np.minimum(self.num_contacts[nodes], REMEMBERED)
        place = (self.random.random(len(nodes)) * held).astype(np.int64)
        return np.where(held > 0, self.contacts[nodes, place], -1)

    def _enter(self, source: NDArray[np.int64], target: NDArray[np.int64], hour: int) -> None:
        self.events.append(np.stack([source, target]))
        self.times.append(hour + 1 + np.sort(self.random.integers(HOUR_SECONDS, size=len(source))))
        node, other = np.concatenate([source, target]), np.concatenate([target, source])
        order = node.argsort(kind="stable")
        node, other = node[order], other[order]
        count = np.bincount(node, minlength=len(self.heat))
        rank = np.arange(len(node)) - (count.cumsum() - count)[node]  # of an event among the node's of this hour
        self.contacts[node, (self.num_contacts[node] + rank) % REMEMBERED] = other
        self.num_contacts += count
        self.heat += count
