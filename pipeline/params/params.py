"""All of params.yaml: what changes the model, checked when it is loaded and frozen into each run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import to_json

from ncnc_core.config.choices import EvaluationNegative
from pipeline.errors import InvalidInput
from pipeline.params.decide import DecideParams
from pipeline.params.file import Section, explain, file_content
from pipeline.params.refresh import RefreshParams
from pipeline.params.snapshot import SnapshotParams
from pipeline.params.train import TrainParams


class SplitParams(Section):
    """How edges are split, and how many evaluation negatives each is ranked against."""

    method: Literal["auto", "temporal", "hashed", "random", "fixed"] = "auto"
    valid_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    test_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    minimum_test_edges: int = Field(default=200, ge=1)
    maximum_held_out_edges: int = Field(default=1_000_000, ge=1)
    negative_kinds: tuple[EvaluationNegative, ...] = ("uniform", "degree_matched")
    negatives_per_edge: int = Field(default=50, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @field_validator("negative_kinds")
    @classmethod
    def _some_kinds_each_once(cls, kinds: tuple[EvaluationNegative, ...]) -> tuple[EvaluationNegative, ...]:
        if not kinds or len(set(kinds)) < len(kinds):
            raise ValueError("name at least one of uniform, degree_matched, hard and historical, and each at most once")
        return kinds

    @field_validator("negatives_per_edge")
    @classmethod
    def _equal_shares(cls, count: int, info: ValidationInfo) -> int:
        kinds = info.data.get("negative_kinds")  # absent if it was refused itself
        if kinds and count % len(kinds):
            fitting = max(len(kinds), count - count % len(kinds))
            raise ValueError(
                f"{count} do not divide into {len(kinds)} equal kinds ({', '.join(kinds)}): take {fitting}"
            )
        return count

    @model_validator(mode="after")
    def _historical_by_time(self) -> Self:
        if self.method == "fixed" and "historical" in self.negative_kinds:
            raise ValueError(
                "negative_kinds has historical, and method is fixed: three files say nothing of what was there before. "
                "Leave historical out, or set split.method to auto"
            )
        return self


class EvaluateParams(Section):
    """How the metrics' intervals are computed, how sensitivity is tested, and which earlier nights are scored again."""

    bootstrap_samples: int = Field(default=500, ge=100)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    sensitivity_shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.01, 0.05)
    sensitivity_edges: int = Field(default=200, ge=1)
    staleness: tuple[Annotated[int, Field(ge=1, le=366)], ...] = Field(default=(1, 7, 30), max_length=5)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @field_validator("staleness")
    @classmethod
    def _ascending(cls, ages: tuple[int, ...]) -> tuple[int, ...]:
        if list(ages) != sorted(set(ages)):
            raise ValueError(f"name each age once, the least first: {sorted(set(ages))}")
        return ages


class RegisterParams(Section):
    """How a registered version is described."""

    description: str = ""


class ResourceParams(Section):
    """Where the arithmetic runs; outside the run key."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = Field(default=None, ge=1)
    processes: int = Field(default=1, ge=1)


# Sections that change no model of the night: where it is trained, and how the one that serves gets tonight's graph.
OUTSIDE_THE_RUN_KEY = {"refresh", "resources"}


class Params(Section):
    """The whole of params.yaml; each section is named after the step that it serves."""

    snapshot: SnapshotParams = SnapshotParams()
    split: SplitParams = SplitParams()
    train: TrainParams = TrainParams()
    evaluate: EvaluateParams = EvaluateParams()
    decide: DecideParams = DecideParams()
    register_: RegisterParams = Field(default=RegisterParams(), alias="register")
    refresh: RefreshParams = RefreshParams()
    resources: ResourceParams = ResourceParams()

    @property
    def sha256(self) -> str:
        """The digest of every section that changes the model."""
        return hashlib.sha256(self.model_dump_json(exclude=OUTSIDE_THE_RUN_KEY, by_alias=True).encode()).hexdigest()

    @staticmethod
    def sha256_of(path: Path) -> str:
        """Return the digest of a run's frozen parameters as they were written.

        It is that of the file's own values, so that it is the one that was recorded then, whatever parameters this
        version has more or fewer of.
        """
        content = file_content(path)
        if isinstance(content, dict):
            content = {name: value for name, value in content.items() if name not in OUTSIDE_THE_RUN_KEY}
        return hashlib.sha256(to_json(content)).hexdigest()

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
