"""What a demo plays: its nights with their expected outcomes, and its deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from pipeline.params.params import Params
from pipeline.records.names import stamp
from pipeline.training.search_space import Value

Expectation = Literal["decided", "skipped", "refused"]


class DemoError(Exception):
    """The demo cannot run, or an outcome differs from what it expects."""


@dataclass(frozen=True)
class Answer:
    """A person's answer about a challenger that passed the gate."""

    choice: Literal["Approve", "Reject"]
    reason: str


APPROVED = Answer("Approve", "the page shows nothing against it")


@dataclass(frozen=True)
class Search:
    """A search for a better recipe, made by day on the run of an earlier night."""

    before: int  # the night that is the first to use what was found
    on: int
    trials: int
    space: Path


@dataclass(frozen=True)
class Night:
    """One simulated night.

    `expected` is the outcome that the demo requires. Decided: the night ran to the gate, whatever the gate decided.
    Skipped: nothing was new. Refused: the delivery itself was refused, before anything was versioned.
    """

    number: int
    as_of: datetime
    story: str
    expected: Expectation
    answer: Answer | None = None  # None: nobody is asked, for nothing comes before the gate

    @property
    def run_id(self) -> str:
        """The Airflow run of this night."""
        return f"night-{self.number}"

    def run_name(self, graph: str) -> str:
        """The run folder's name, as the DAG makes it."""
        return f"{graph}-{stamp(self.as_of)}"


class Deliveries(Protocol):
    """A graph that arrives as dated files."""

    graph: str
    params: Path
    has_nodes: bool
    rollback_reason: str | None  # why a person takes the last promotion back after the nights; None: nobody does

    @property
    def nights(self) -> tuple[Night, ...]:
        """The nights to play, oldest first."""

    @property
    def history(self) -> tuple[datetime, ...]:
        """Earlier deliveries that are published as snapshots before the first night."""

    @property
    def search(self) -> Search | None:
        """A search between the nights, or None."""

    def recipe(self, night: Night, found: Mapping[str, Value]) -> Params:
        """Return the parameters of a night, which a person may have changed to what a search has found."""

    def deliver(self, as_of: datetime, folder: Path) -> None:
        """Put the delivery of a date into the folder where the source leaves its files."""


def edges_file(folder: Path, as_of: datetime) -> Path:
    """Return where the edge table of a date lies."""
    return folder / f"edges-{as_of:%Y-%m-%d}.parquet"


def nodes_file(folder: Path, as_of: datetime) -> Path:
    """Return where the node table of a date lies."""
    return folder / f"nodes-{as_of:%Y-%m-%d}.parquet"
