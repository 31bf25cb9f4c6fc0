"""The section `snapshot` of params.yaml: how a delivery is read, and what is refused."""

from __future__ import annotations

import difflib
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.params.file import Section
from pipeline.records.part import GraphName

# The checks with a threshold. snapshot.warn_only may turn them into warnings.
THRESHOLD_CHECKS = (
    "minimum_edge_ratio",
    "maximum_edge_ratio",
    "orphans",
    "new_node_share",
    "degree_shift",
    "component_count",
    "outside_largest",
    "id_reuse",
    "feature_range",
)


IdType = Literal["auto", "integer", "text"]


class SnapshotParams(Section):
    """How a delivery is read, and what a graph must look like to be versioned."""

    graph: GraphName = "demo"
    kind: Literal["full_dump", "event_log"] = "full_dump"
    source_column: str = "source"
    target_column: str = "target"
    id_type: IdType = "auto"
    time_column: str | None = None
    weight_column: str | None = None
    minimum_weight: float | None = None
    type_column: str | None = None
    edge_types: tuple[str, ...] = ()
    directed: bool = False
    edge_query: str | None = None
    node_column: str = "node"
    feature_columns: tuple[str, ...] = ()
    node_time_column: str | None = None
    node_query: str | None = None
    engine: Literal["duckdb", "spark"] = "duckdb"
    late_window_hours: float = Field(default=24, ge=0)
    max_source_age_hours: float | None = Field(default=None, gt=0)
    unknown_nodes: Literal["refuse", "add"] = "refuse"
    duplicates: Literal["refuse", "merge"] = "refuse"
    self_loops: Literal["refuse", "drop"] = "refuse"
    identical_delivery: Literal["refuse", "unchanged"] = "refuse"
    minimum_edges: int = Field(default=1, ge=1)
    minimum_edge_ratio: float = Field(default=0.7, ge=0, le=1)
    maximum_edge_ratio: float = Field(default=2.0, ge=1)
    warn_edge_ratio: float = Field(default=0.9, ge=0, le=1)
    bipartite: Literal["refuse", "warn"] = "refuse"
    maximum_orphan_share: float = Field(default=0.5, ge=0, le=1)
    maximum_new_node_share: float = Field(default=0.2, ge=0, le=1)
    maximum_degree_shift: float = Field(default=0.3, ge=0, le=1)
    maximum_component_ratio: float = Field(default=2.0, ge=1)
    maximum_outside_growth: float = Field(default=0.1, ge=0, le=1)
    maximum_id_reuse: float = Field(default=0.01, ge=0, le=1)
    maximum_late_share: float = Field(default=0.5, ge=0, le=1)
    feature_minimum: float | None = None
    feature_maximum: float | None = None
    maximum_feature_shift: float = Field(default=0.5, ge=0)
    warn_only: tuple[str, ...] = ()
    maximum_source_gib: float = Field(default=16, gt=0)
    maximum_source_expansion: float = Field(default=100, ge=1)
    maximum_source_columns: int = Field(default=2000, ge=1)

    @field_validator("warn_only")
    @classmethod
    def _names_of_checks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in THRESHOLD_CHECKS:
                nearest = difflib.get_close_matches(name, THRESHOLD_CHECKS, n=1, cutoff=0.0)[0]
                raise ValueError(f"{name!r} cannot be in warn_only. Did you mean {nearest}?")
        return names

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        low, high = self.feature_minimum, self.feature_maximum
        if low is not None and high is not None and low > high:
            raise ValueError(f"feature_minimum {low:g} is above feature_maximum {high:g}. Exchange them")
        return self

    @model_validator(mode="after")
    def _choices_are_whole(self) -> Self:
        """Refuse a column without its criterion, and a criterion without its column."""
        if (self.weight_column is None) != (self.minimum_weight is None):
            raise ValueError(
                f"weight_column is {self.weight_column} and minimum_weight {self.minimum_weight}: set both, or neither"
            )
        if (self.type_column is None) != (not self.edge_types):
            raise ValueError(
                f"type_column is {self.type_column} and edge_types {list(self.edge_types)}: set both, or neither"
            )
        return self
