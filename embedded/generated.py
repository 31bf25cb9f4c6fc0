"""A generated log of events for the demo: it grows, stays the same for a night, and arrives truncated once."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from embedded.layout import REPOSITORY
from embedded.nights import APPROVED, Answer, DemoError, Night, Search, edges_file, nodes_file
from ncnc_core.random_event_network import EventDay, RandomEventNetworkConfig, evolve_events
from pipeline.params.params import Params
from pipeline.training.search_space import Value, with_values

FIRST_NIGHT = datetime(2026, 3, 2, 3, tzinfo=UTC)
MINIMUM_NIGHTS = 6
LAST_NIGHTS = 4  # one unchanged, one truncated, two with the recipe that a search has found
TRUNCATED_FRACTION = 0.35  # what is left of the last delivery: as much as of the real truncated upload in as_caida


@dataclass
class Generated:
    """A growing log, delivered whole each day; one night nothing came, and one night the delivery is truncated.

    Before the last two nights, a search finds a better recipe. A challenger that passes the gate waits for a person,
    who rejects the first model of that recipe and approves the second, which starts from the champion's weights.
    """

    num_nights: int
    graph: str = "demo"
    params: Path = REPOSITORY / "embedded" / "demo_params.yaml"
    has_nodes: bool = True
    rollback_reason: str | None = "support reports strange suggestions since this morning"
    num_nodes: int = 3000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_nights < MINIMUM_NIGHTS:
            raise DemoError(
                f"The generated graph plays at least {MINIMUM_NIGHTS} nights (cold start, growth, unchanged, "
                f"truncated, a better recipe twice), not {self.num_nights}. Try NIGHTS={MINIMUM_NIGHTS}."
            )

    @property
    def nights(self) -> tuple[Night, ...]:
        """Growing nights, an unchanged one, a truncated one, and two with another recipe."""
        return tuple(self._night(number) for number in range(1, self.num_nights + 1))

    @property
    def history(self) -> tuple[datetime, ...]:
        """None: the first night is a cold start."""
        return ()

    @property
    def search(self) -> Search:
        """A search on the last night that grew, for the last two."""
        return Search(self.num_nights - 1, self._last_growth, 8, REPOSITORY / "embedded" / "demo_space.yaml")

    @property
    def _last_growth(self) -> int:
        return self.num_nights - LAST_NIGHTS

    def recipe(self, night: Night, found: Mapping[str, Value]) -> Params:
        """Return the parameters of the file with what was found, on the last night beginning with the champion."""
        params = with_values(Params.load(self.params), found)
        if night.number < self.num_nights:
            return params
        return params.model_copy(update={"train": params.train.model_copy(update={"warm_start": "champion"})})

    def deliver(self, as_of: datetime, folder: Path) -> None:
        """Write a night's tables in a new row order, so that an unchanged graph has other bytes."""
        number = (as_of - FIRST_NIGHT).days + 1
        stands_still = self._last_growth < number < self.search.before
        nodes, edges = self._days[(self._last_growth if stands_still else number) - 1]
        if number == self.search.before - 1:
            edges = edges.head(int(len(edges) * TRUNCATED_FRACTION))
        edges.sample(frac=1, random_state=number).to_parquet(edges_file(folder, as_of), index=False)
        nodes.sample(frac=1, random_state=number).to_parquet(nodes_file(folder, as_of), index=False)

    def _night(self, number: int) -> Night:
        as_of = FIRST_NIGHT + timedelta(days=number - 1)
        if number == self.num_nights:
            return Night(number, as_of, "the same recipe, begun with the champion's weights", "decided", APPROVED)
        if number == self.search.before:
            rejected = Answer("Reject", "a gain this large wants a second night")
            return Night(number, as_of, "the graph grew, and a search has found a better recipe", "decided", rejected)
        if number == self.search.before - 1:
            return Night(number, as_of, "the delivery is truncated", "refused")
        if number == self._last_growth + 1:
            return Night(number, as_of, "the graph is unchanged", "skipped")
        return Night(number, as_of, "cold start" if number == 1 else "the graph grew", "decided", APPROVED)

    @cached_property
    def _days(self) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
        """The node table and all events so far, at the end of every day."""
        start = int(FIRST_NIGHT.timestamp())
        config = RandomEventNetworkConfig()
        places = replace(config.places, seed=self.seed, num_nodes=self.num_nodes, start=start)
        log = evolve_events(replace(config, places=places))
        return [_tables(day) for day in itertools.islice(log, self.num_nights)]


def _tables(day: EventDay) -> tuple[pd.DataFrame, pd.DataFrame]:
    source, target = day.node_ids[day.events]
    events = pd.DataFrame({"source": source, "target": target, "at": day.times})
    return node_table(day.node_ids, day.features), events


def node_table(node_ids: NDArray[np.int64], features: NDArray[np.float32]) -> pd.DataFrame:
    """Return the delivered table of the nodes, with its columns as demo_params.yaml names them."""
    nodes = pd.DataFrame(features, columns=feature_names(features.shape[1]))
    nodes.insert(0, "node", node_ids)
    return nodes


def feature_names(count: int) -> list[str]:
    """Return the columns of the node table that a model may use, as demo_params.yaml lists them."""
    return [f"feature_{number:02d}" for number in range(count)]
