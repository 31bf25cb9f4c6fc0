"""Scores with their intervals: of a model, of a part of the edges, and of two models on the same edges."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from pipeline.records.part import Part

SliceKind = Literal["degree", "node_age", "edge_age", "component", "activity"]


class Interval(Part):
    """An estimate with its confidence bounds."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, found: tuple[float, float, float]) -> Self:
        """Take an estimate with its bounds as the core gives it."""
        value, low, high = found
        return cls(value=value, low=low, high=high)


class ReliabilityBin(Part):
    """One bin of a reliability curve: how likely its pairs are said to be, and how often they are edges.

    `weight` is the bin's share of all test pairs, positives and negatives weighing half each. `observed_low` and
    `observed_high` are the bounds of `observed`.
    """

    low: float
    high: float
    stated: float
    observed: float
    observed_low: float | None = None
    observed_high: float | None = None
    weight: float


class ModelScores(Part):
    """One scorer's metrics on the test pairs, each with its interval.

    Scorers that state a probability have `brier` and `ece` among their metrics, and a reliability curve.
    """

    name: str
    version: int | None = None
    metrics: dict[str, Interval]
    reliability: tuple[ReliabilityBin, ...] = ()


class SliceScores(Part):
    """One slice of the test edges: how many, what each model reaches there, and their paired difference."""

    kind: SliceKind
    name: str
    num_edges: int = Field(ge=0)
    metric: str
    challenger: Interval | None
    champion: Interval | None = None
    difference: Interval | None = None
    best_of_floor: Interval | None = None  # of the member that is best on all test edges

    @property
    def key(self) -> str:
        """The slice as parameters and tables name it: kind/name."""
        return f"{self.kind}/{self.name}"


class PairedComparison(Part):
    """Challenger minus another scorer on each edge's reciprocal rank, on the same edges, negatives and message graph.

    `difference` is what the gate reads: the resampling named by `resampled_by`. The others are there to show whether
    edges that share a node move together. `p_value` is one-sided: the chance of a difference at least this large were
    the two scorers equal.
    """

    metric: str
    difference: Interval
    p_value: float = Field(ge=0, le=1)
    resampled_by: Literal["edge", "node"]
    by_edge: Interval
    by_node: Interval
    num_edges: int
    num_nodes: int


def interval_text(interval: Interval) -> str:
    """Return an interval as people read it: the value, then its bounds."""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
