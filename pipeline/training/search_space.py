"""What `ncnc tune` may change: parameters of the model and the recipe, each with its choices or its range."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ncnc_core.config.model import PredictorName
from pipeline.errors import InvalidInput
from pipeline.params.file import file_content
from pipeline.params.params import Params
from pipeline.params.train import GIVEN, TrainParams

Value = bool | int | float | str | None


class Drawing(Protocol):
    """What draws a value for a name: a trial of the search."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Draw one of the choices."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Draw a whole number."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Draw a number."""


class Domain(BaseModel):
    """The values of one parameter: `choices`, or a range from `low` to `high`, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    choices: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False

    @model_validator(mode="after")
    def _choices_or_a_range(self) -> Self:
        ranged = self.low is not None and self.high is not None
        if bool(self.choices) == ranged or (self.low is None) != (self.high is None):
            raise ValueError("give either choices, or both low and high")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}: swap them")
        if self.log and (self.low is None or self.low <= 0):
            raise ValueError(f"a logarithmic range must start above 0, and low is {self.low}: raise low, or remove log")
        return self

    def draw(self, name: str, trial: Drawing) -> Value:
        """Return the value that a trial takes."""
        if self.low is None or self.high is None:
            chosen: Value = trial.suggest_categorical(name, list(self.choices))
            return chosen
        if self.integer:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def holds(self, value: Value) -> bool:
        """Return whether a value lies in the domain, so that a search can begin with it."""
        if self.low is None or self.high is None:
            return value in self.choices
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


def parameter_names() -> list[str]:
    """Return the name of every parameter that may be searched."""
    sections = {"model": TrainParams().model, "training": TrainParams().training}
    return [f"{section}.{key}" for section, part in sections.items() for key in type(part).model_fields]


class SearchSpace(BaseModel):
    """The parameters searched, by the name they have in the section `train` of params.yaml: model.x, training.y."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: Mapping[str, Domain] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_of_parameters(self) -> Self:
        known = parameter_names()
        for name in self.parameters:
            if name not in known:
                nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                raise ValueError(f"{name} is no parameter of train. Did you mean {nearest}?")
        return self

    def draw(self, trial: Drawing) -> dict[str, Value]:
        """Return a value for every parameter."""
        return {name: domain.draw(name, trial) for name, domain in self.parameters.items()}

    def present(self, params: TrainParams) -> dict[str, Value] | None:
        """Return the values that the parameters have now; None where one lies outside its domain."""
        values = {"model": params.model.model_dump(mode="json"), "training": params.training.model_dump(mode="json")}
        now = {name: values[section][key] for name in self.parameters for section, key in [name.split(".")]}
        return now if all(self.parameters[name].holds(value) for name, value in now.items()) else None


DEFAULT_SPACE = SearchSpace(
    parameters={
        "model.hidden_channels": Domain(choices=(32, 64, 128)),
        "model.predictor_dropout": Domain(low=0.0, high=0.5),
        "model.feature_dropout": Domain(low=0.0, high=0.5),
        "model.completion_alpha": Domain(low=0.0, high=1.0),
        "training.encoder_learning_rate": Domain(low=5e-4, high=5e-2, log=True),
        "training.predictor_learning_rate": Domain(low=5e-4, high=5e-2, log=True),
        "training.negatives_per_positive": Domain(low=1, high=4, integer=True),
    }
)

TEMPORAL_SPACE = SearchSpace(
    parameters={
        "model.hidden_channels": Domain(choices=(16, 32, 64)),
        "model.predictor_dropout": Domain(low=0.0, high=0.5),
        "training.predictor_learning_rate": Domain(low=5e-4, high=1e-2, log=True),
        "training.negatives_per_positive": Domain(choices=(2, 4, 8, 16)),  # even: half of them at either end
        "training.windows": Domain(low=2, high=12, integer=True),
        "training.epochs": Domain(choices=(4, 8, 12, 16)),
    }
)


def default_space(predictor: PredictorName) -> SearchSpace:
    """Return what is searched of a model where no space is given: only what this predictor reads."""
    return TEMPORAL_SPACE if predictor == "temporal_ncn" else DEFAULT_SPACE


def load_space(path: Path) -> SearchSpace:
    """Read a search space.

    Raises:
        InvalidInput: there is no such file, or it names an unknown parameter or a range that is not one.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no search space at {path}. docs/training.md has one to copy.")
    try:
        return SearchSpace.model_validate(file_content(path))
    except ValidationError as error:
        found = [f"{'.'.join(map(str, item['loc'])) or 'parameters'}: {item['msg']}" for item in error.errors()]
        raise InvalidInput(f"{path.name} is no search space. {'; '.join(found)}. Correct {path.name}.") from error


def with_values(params: Params, values: Mapping[str, Value]) -> Params:
    """Return the parameters with some of `train` replaced, checked as params.yaml is.

    Raises:
        InvalidInput: a value is out of its parameter's bounds, or two of them exclude each other.
    """
    content = params.model_dump(mode="json", by_alias=True)
    for name, value in values.items():
        section, key = name.split(".")
        content["train"][section][key] = value
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        item = error.errors()[0]
        raise InvalidInput(
            f"The search drew {'.'.join(map(str, item['loc']))} = {item['input']!r}: {item['msg']}. Narrow its range."
        ) from error


def fragment(values: Mapping[str, Value], recipe: str = GIVEN) -> dict[str, dict[str, str | dict[str, Value]]]:
    """Return values as the part of params.yaml that sets them: beside a recipe, where they were searched beside one."""
    sections: dict[str, dict[str, Value]] = {}
    for name, value in values.items():
        section, key = name.split(".")
        sections.setdefault(section, {})[key] = value
    return {"train": ({} if recipe == GIVEN else {"recipe": recipe}) | sections}
