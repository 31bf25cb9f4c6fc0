"""params.yaml: what changes the model, checked at load and frozen into each run."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ncnc_core.model_config import ModelConfig
from ncnc_core.training_config import TrainingConfig
from pipeline.errors import InvalidInput
from pipeline.records import GraphName


class Section(BaseModel):
    """A section of params.yaml: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SnapshotParams(Section):
    """How a delivery is read, and what a graph must look like to be versioned."""

    graph: GraphName = "demo"
    kind: Literal["full_dump", "event_log"] = "full_dump"
    source_column: str = "source"
    target_column: str = "target"
    time_column: str | None = None
    node_column: str = "node"
    feature_columns: tuple[str, ...] = ()
    unknown_nodes: Literal["refuse", "add"] = "refuse"
    duplicates: Literal["refuse", "merge"] = "refuse"
    self_loops: Literal["refuse", "drop"] = "refuse"
    identical_delivery: Literal["refuse", "unchanged"] = "refuse"
    minimum_edge_ratio: float = Field(default=0.7, ge=0, le=1)
    maximum_edge_ratio: float = Field(default=2.0, ge=1)


class SplitParams(Section):
    """How edges are divided, and how many evaluation negatives stand against each."""

    method: Literal["auto", "temporal", "hashed", "random"] = "auto"
    valid_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    test_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    minimum_test_edges: int = Field(default=200, ge=1)
    negatives_per_edge: int = Field(default=50, ge=2, multiple_of=2)
    seed: int = Field(default=0, ge=0)


class TrainParams(Section):
    """The architecture and the recipe."""

    selection_metric: Literal["mrr", "auc", "average_precision"] = "mrr"
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()


class EvaluateParams(Section):
    """How intervals are drawn around the metrics."""

    bootstrap_samples: int = Field(default=500, ge=100)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    seed: int = Field(default=0, ge=0)


class DecideParams(Section):
    """The gate."""

    mode: Literal["superiority", "non_inferiority"] = "superiority"
    margin: float = Field(default=0.01, ge=0)
    metric: Literal["mrr"] = "mrr"
    minimum_test_edges: int = Field(default=200, ge=1)


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
            InvalidInput: the file is missing, no mapping, or has a misspelt key or a value out of bounds.
        """
        if not path.is_file():
            raise InvalidInput(f"There is no params file at {path}. Copy params.yaml from the repository root there.")
        try:
            content = yaml.safe_load(path.read_text()) or {}
        except yaml.YAMLError as error:
            raise InvalidInput(f"{path.name} is not YAML: {error}. Mend the line named above.") from error
        if not isinstance(content, dict):
            raise InvalidInput(f"{path.name} must hold sections, but holds {type(content).__name__}. See params.yaml.")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise InvalidInput(_explain(path, error)) from error


def _explain(path: Path, error: ValidationError) -> str:
    """Say every broken rule with its value and remedy; a misspelt key names its nearest neighbour."""
    lines = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            known = _known_keys(tuple(item["loc"][:-1]))
            near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1, cutoff=0.0)
            lines.append(f"{where} is no parameter. Did you mean {near[0]}?")
        else:
            lines.append(f"{where}: {item['msg']} (value: {item['input']!r}). Change it in {path.name}.")
    return f"{path.name} has {len(lines)} wrong setting(s): " + " ".join(lines)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Params  # walks down annotations, whose types mypy cannot follow
    for part in location:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = fields[str(part)].annotation
    return [field.alias or name for name, field in model.model_fields.items()]
