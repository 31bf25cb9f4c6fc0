"""One finding each: of a data check, a leak invariant, a rule of the gate."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.records.part import Part


class CheckResult(Part):
    """One check: what was observed against which threshold, and the verdict."""

    name: str
    level: Literal["refuse", "warn"]
    threshold: str
    observed: str
    passed: bool


class LeakInvariant(Part):
    """One invariant of the leak certificate: how many items were checked, how many broke it, and the verdict."""

    name: str
    checked: int = Field(ge=0)
    violations: int = Field(ge=0)
    passed: bool = False  # filled in from the counts where it is not given

    @model_validator(mode="before")
    @classmethod
    def _judged(cls, values: Any) -> Any:  # Any: pydantic hands over what was given, of whatever kind
        """Give the verdict where only the counts were given."""
        if isinstance(values, dict) and "passed" not in values:
            return values | {"passed": values.get("violations") == 0}
        return values

    @model_validator(mode="after")
    def _verdict_follows_the_counts(self) -> Self:
        if self.passed != (self.violations == 0) or self.violations > self.checked:
            raise ValueError(
                f"{self.name} says passed: {self.passed} with {self.violations} violations of {self.checked} checked. "
                f"Passed means no violation, and what breaks an invariant was checked: count it again."
            )
        return self


class RuleVerdict(Part):
    """One rule of the gate: threshold, observed value and verdict."""

    name: str
    threshold: str
    observed: str
    passed: bool
