"""The numbers that say how far a graph moved in a night, each with its one label, its value and its MLflow metric."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from pipeline.graphs.change_summary import ChangeSummary


@dataclass(frozen=True)
class DriftMeasure:
    """One number; `field` is where the change summary has it, if not under `name`."""

    name: str
    label: str
    field: str = ""

    @property
    def metric(self) -> str:
        """Its name in MLflow, as `ChangeSummary.metrics` logs it."""
        return f"graph.{self.field or self.name}"

    def of(self, change: ChangeSummary) -> float | None:
        """Return its value; None where there was nothing to compare with."""
        value: float | None = attrgetter(self.field or self.name)(change)
        return value


DRIFT_MEASURES = (
    DriftMeasure("edge_ratio", "edges against the previous snapshot"),
    DriftMeasure("edge_overlap", "edges in both, of those in either"),
    DriftMeasure("degree_shift", "degree shift (Kolmogorov-Smirnov)"),
    DriftMeasure("new_node_share", "share of new nodes"),
    DriftMeasure("edges_to_new_nodes", "share of first-time edges to new nodes"),
    DriftMeasure("late_edges", "first-time edges older than the previous snapshot"),
    DriftMeasure("reused_ids", "ids that seem reused"),
    DriftMeasure("two_colourable", "share of edges in two-colourable components"),
    DriftMeasure("feature_shift", "largest move of a feature's mean, in standard deviations", "features.shift"),
)
