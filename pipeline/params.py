"""params.yaml: what changes the model, checked at load and frozen into each run."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from ncnc_core.model_config import ModelConfig
from ncnc_core.negative_kinds import EvaluationNegative
from ncnc_core.selection_metric import SelectionMetric
from ncnc_core.training_config import TrainingConfig
from pipeline.decide_params import DecideParams as DecideParams
from pipeline.errors import InvalidInput
from pipeline.params_file import explain, file_content
from pipeline.params_section import Section as Section
from pipeline.records import GraphName

# The checks with a threshold of their own, which snapshot.warn_only may take the power to refuse from.
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


class SnapshotParams(Section):
    """How a delivery is read, and what a graph must look like to be versioned."""

    graph: GraphName = "demo"
    kind: Literal["full_dump", "event_log"] = "full_dump"
    source_column: str = "source"
    target_column: str = "target"
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

    @field_validator("warn_only")
    @classmethod
    def _names_of_checks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in THRESHOLD_CHECKS:
                nearest = difflib.get_close_matches(name, THRESHOLD_CHECKS, n=1, cutoff=0.0)[0]
                raise ValueError(f"{name!r} is no check that may be taken down to a warning. Did you mean {nearest}?")
        return names

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        low, high = self.feature_minimum, self.feature_maximum
        if low is not None and high is not None and low > high:
            raise ValueError(f"feature_minimum {low:g} is above feature_maximum {high:g}. Exchange them")
        return self

    @model_validator(mode="after")
    def _choices_are_whole(self) -> Self:
        """Refuse half a choice, which would choose nothing."""
        if (self.weight_column is None) != (self.minimum_weight is None):
            raise ValueError(
                f"weight_column is {self.weight_column} and minimum_weight {self.minimum_weight}: set both, or neither"
            )
        if (self.type_column is None) != (not self.edge_types):
            raise ValueError(
                f"type_column is {self.type_column} and edge_types {list(self.edge_types)}: set both, or neither"
            )
        return self


class SplitParams(Section):
    """How edges are divided, and how many evaluation negatives stand against each."""

    method: Literal["auto", "temporal", "hashed", "random", "fixed"] = "auto"
    valid_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    test_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    minimum_test_edges: int = Field(default=200, ge=1)
    negative_kinds: tuple[EvaluationNegative, ...] = ("uniform", "degree_matched")
    negatives_per_edge: int = Field(default=50, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @field_validator("negative_kinds")
    @classmethod
    def _some_kinds_each_once(cls, kinds: tuple[EvaluationNegative, ...]) -> tuple[EvaluationNegative, ...]:
        if not kinds or len(set(kinds)) < len(kinds):
            raise ValueError("name at least one of uniform, degree_matched and hard, and each at most once")
        return kinds

    @field_validator("negatives_per_edge")
    @classmethod
    def _equal_shares(cls, count: int, info: ValidationInfo) -> int:
        kinds = info.data.get("negative_kinds")  # absent where it was wrong itself
        if kinds and count % len(kinds):
            fitting = max(len(kinds), count - count % len(kinds))
            raise ValueError(
                f"{count} do not divide into {len(kinds)} equal kinds ({', '.join(kinds)}): take {fitting}"
            )
        return count


class TrainParams(Section):
    """The architecture and the recipe."""

    selection_metric: SelectionMetric = "mrr"
    warm_start: Literal["none", "champion"] = "none"
    cold_control: bool = True
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()


class EvaluateParams(Section):
    """How intervals are drawn around the metrics, and how the message graph is shaken."""

    bootstrap_samples: int = Field(default=500, ge=100)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    sensitivity_shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.01, 0.05)
    sensitivity_edges: int = Field(default=200, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)


class RegisterParams(Section):
    """What a registered version says of itself."""

    description: str = ""


class ResourceParams(Section):
    """Where the arithmetic runs; the only section outside the run key."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = Field(default=None, ge=1)


class Params(Section):
    """The whole of params.yaml; every section is named as the step it serves."""

    snapshot: SnapshotParams = SnapshotParams()
    split: SplitParams = SplitParams()
    train: TrainParams = TrainParams()
    evaluate: EvaluateParams = EvaluateParams()
    decide: DecideParams = DecideParams()
    register_: RegisterParams = Field(default=RegisterParams(), alias="register")
    resources: ResourceParams = ResourceParams()

    @property
    def sha256(self) -> str:
        """The digest of every section that changes the model."""
        return hashlib.sha256(self.model_dump_json(exclude={"resources"}, by_alias=True).encode()).hexdigest()

    def to_yaml(self) -> str:
        """Return the effective parameters, as frozen into a run."""
        return yaml.safe_dump(self.model_dump(mode="json", by_alias=True), sort_keys=False)

    @classmethod
    def load(cls, path: Path) -> Params:
        """Read and check a params.yaml.

        Raises:
            InvalidInput: the file is missing, no mapping, or has a misspelt or repeated key or a value out of bounds.
        """
        if not path.is_file():
            raise InvalidInput(f"There is no params file at {path}. Copy params.yaml from the repository root there.")
        content = file_content(path)
        if not isinstance(content, dict):
            raise InvalidInput(f"{path.name} must hold sections, but holds {type(content).__name__}. See params.yaml.")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise InvalidInput(explain(path, error, cls)) from error
