"""The section `train` of params.yaml: the recipe, and what is set beside it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.recipes.recipe import recipe_names
from pipeline.params.file import Section

AUTO, GIVEN = "auto", "given"


class TrainParams(Section):
    """The recipe: `auto` is chosen for tonight's graph, `given` is what `model` and `training` say, others are by name.

    Beside `auto` or a name, `model` and `training` hold only what is to differ from it. Without `recipe` it is `given`
    where one of the two sections is there, and else `auto`.
    """

    selection_metric: SelectionMetric = "mrr"
    warm_start: Literal["none", "champion"] = "none"
    cold_control: bool = True
    recipe: str = AUTO
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="before")
    @classmethod
    def _given_where_it_is_written_out(cls, content: Any) -> Any:  # Any: what the file holds, before it is checked
        if isinstance(content, Mapping) and "recipe" not in content and ("model" in content or "training" in content):
            return {**content, "recipe": GIVEN}
        return content

    @field_validator("recipe")
    @classmethod
    def _known(cls, name: str) -> str:
        known = (AUTO, GIVEN, *recipe_names())
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ValueError(f"there is no recipe {name!r}. Did you mean {near}? There are: {', '.join(known)}")
        return name

    @model_serializer(mode="wrap")
    def _as_written(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write only what was set beside a recipe: a default would read as something that is to differ from it."""
        content: dict[str, Any] = written(self)
        if self.recipe != GIVEN:
            content |= {name: _set_fields(getattr(self, name), content[name]) for name in ("model", "training")}
        return content

    def overrides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the fields of model and training that were set."""
        return self.model.model_dump(exclude_unset=True), self.training.model_dump(exclude_unset=True)


def _set_fields(part: ModelConfig | TrainingConfig, content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name in part.model_fields_set}
