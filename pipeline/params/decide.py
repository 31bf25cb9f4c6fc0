"""The section `decide` of params.yaml: the gate's policy, and the contradictions that are refused."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from pipeline.params.file import Section
from pipeline.records.floor import FLOOR_NAMES
from pipeline.records.scores import SliceKind

# The slices of the test edges. A night without, say, isolated nodes has no such slice.
SLICES: dict[SliceKind, tuple[str, ...]] = {
    "degree": ("0", "1-2", "3-9", "10-99", "100+"),
    "node_age": ("cold", "new", "established"),
    "edge_age": ("newest", "earlier"),
    "component": ("same", "different", "isolated"),
    "activity": ("0-0.1", "0.1-0.5", "0.5-2", "2-8", "8+", "never"),
}
SLICE_KEYS = tuple(f"{kind}/{name}" for kind in get_args(SliceKind) for name in SLICES[kind])


class DecideParams(Section):
    """The gate; each rule and how to set it: docs/gate.md."""

    evidence: Literal["night", "accumulated"] = "night"
    mode: Literal["superiority", "non_inferiority"] = "superiority"
    margin: float = Field(default=0.03, ge=0, lt=1)
    metric: Literal["mrr"] = "mrr"
    floor: tuple[str, ...] = FLOOR_NAMES
    edges: Literal["all", "warm"] = "all"
    minimum_test_edges: int = Field(default=200, ge=1)
    guarded_slices: tuple[str, ...] = ("degree", "node_age")
    minimum_slice_edges: int = Field(default=30, ge=2)
    slice_margin: float = Field(default=0.05, ge=0, lt=1)
    maximum_calibration_error: float | None = Field(default=None, gt=0, lt=1)
    data_checks: Literal["refusing", "every"] = "refusing"
    incomparable_champion: Literal["keep", "replace"] = "keep"

    @field_validator("floor")
    @classmethod
    def _some_of_the_floor_each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError(
                f"a first model is compared with the floor alone, and [] is no floor. Name at least one of "
                f"{', '.join(FLOOR_NAMES)}"
            )
        _known(names, FLOOR_NAMES, "a member of the floor")
        _each_once(names)
        return names

    @field_validator("guarded_slices")
    @classmethod
    def _slices_that_there_are(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _known(names, (*SLICES, *SLICE_KEYS), "a slice, nor a kind of slices")
        _each_once(names)
        for name in names:
            kind = name.partition("/")[0]
            if name != kind and kind in names:
                raise ValueError(f"{name} is guarded already by {kind}. Leave one of them out")
        return names

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        """Refuse settings that contradict each other."""
        if self.mode == "superiority":
            return self
        if self.evidence == "accumulated":
            raise ValueError(
                "evidence is accumulated with mode non_inferiority, and evidence over nights shows that a model is "
                "better, not that it is no worse. Set decide.evidence: night, or decide.mode: superiority"
            )
        if self.margin == 0:
            raise ValueError(
                "mode is non_inferiority with margin 0, which is superiority. Set decide.mode: superiority, or a "
                "margin above 0"
            )
        if self.guarded_slices and self.slice_margin < self.margin:
            raise ValueError(
                f"slice_margin {self.slice_margin:g} is below margin {self.margin:g}: a loss that the mode allows "
                f"everywhere would break the guard of every slice. Set slice_margin to {self.margin:g} or more"
            )
        return self

    def guards(self, key: str) -> bool:
        """Say whether a slice, as kind/name, is guarded: by its own name or its kind's."""
        return key in self.guarded_slices or key.partition("/")[0] in self.guarded_slices


def _known(names: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ValueError(f"{name!r} is not {what}. Did you mean {nearest}?")


def _each_once(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} is named {names.count(name)} times. Name it once")
