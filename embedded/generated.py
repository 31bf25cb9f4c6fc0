"""A generated graph that grows, stands still, arrives broken, and is learnt by a better recipe at last."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd

from embedded.layout import REPOSITORY
from embedded.nights import DemoError, Night, edges_file, nodes_file
from ncnc_core.random_spatial_network import NetworkDay, RandomSpatialNetworkConfig, evolve
from pipeline.params import Params
from pipeline.search_space import with_values

FIRST_NIGHT = datetime(2026, 3, 2, 3, tzinfo=UTC)
MINIMUM_NIGHTS = 5
BETTER_RECIPE = {"model.hidden_channels": 64, "training.epochs": 12}
TRUNCATED_FRACTION = 0.35  # what is left of the last delivery: as much as of the real truncated upload in as_caida


@dataclass
class Generated:
    """Daily dumps of an evolving graph: it grows, stands still for a night, arrives truncated, and grows on.

    On the last night somebody has changed the recipe: a wider model, trained longer.
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
                f"truncated, a better recipe), not {self.num_nights}. Try NIGHTS={MINIMUM_NIGHTS}."
            )

    @property
    def nights(self) -> tuple[Night, ...]:
        """Growing nights, an unchanged one, a truncated one, and one with another recipe."""
        return tuple(self._night(number) for number in range(1, self.num_nights + 1))

    @property
    def history(self) -> tuple[datetime, ...]:
        """None: the first night is a cold start."""
        return ()

    def recipe(self, night: Night) -> Params:
        """Return the parameters of the file, on the last night with a better recipe."""
        params = Params.load(self.params)
        return with_values(params, BETTER_RECIPE) if night.number == self.num_nights else params

    def deliver(self, as_of: datetime, folder: Path) -> None:
        """Write a night's tables, the rows in an order of their own: an unchanged graph still has new bytes."""
        number = (as_of - FIRST_NIGHT).days + 1
        stands_still = self.num_nights - 3 < number < self.num_nights
        nodes, edges = self._days[(self.num_nights - 3 if stands_still else number) - 1]
        if number == self.num_nights - 1:
            edges = edges.head(int(len(edges) * TRUNCATED_FRACTION))
        edges.sample(frac=1, random_state=number).to_parquet(edges_file(folder, as_of), index=False)
        nodes.sample(frac=1, random_state=number).to_parquet(nodes_file(folder, as_of), index=False)

    def _night(self, number: int) -> Night:
        as_of = FIRST_NIGHT + timedelta(days=number - 1)
        if number == self.num_nights:
            return Night(number, as_of, "the graph grew, and the recipe is a better one", "decided")
        if number == self.num_nights - 1:
            return Night(number, as_of, "the delivery is truncated", "refused")
        if number == self.num_nights - 2:
            return Night(number, as_of, "the graph is unchanged", "skipped")
        return Night(number, as_of, "cold start" if number == 1 else "the graph grew", "decided")

    @cached_property
    def _days(self) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
        """The node and edge tables at the end of every day."""
        start = int(FIRST_NIGHT.timestamp())
        config = RandomSpatialNetworkConfig(seed=self.seed, num_nodes=self.num_nodes, start=start)
        return [_tables(day) for day in itertools.islice(evolve(config), self.num_nights)]


def _tables(day: NetworkDay) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = feature_names(day.features.shape[1])
    nodes = pd.DataFrame(day.features, columns=names)
    nodes.insert(0, "node", day.node_ids)
    source, target = day.node_ids[day.edges]
    return nodes, pd.DataFrame({"source": source, "target": target, "formed_at": day.formed_at})


def feature_names(count: int) -> list[str]:
    """Return the columns of the node table that a model may use, as demo_params.yaml lists them."""
    return [f"feature_{number:02d}" for number in range(count)]
