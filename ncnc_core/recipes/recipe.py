"""Named recipes: the published settings of a data set, as a model and a training configuration."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from ncnc_core.config.model import ModelConfig, PredictorName
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph

FOLDER = files("ncnc_core") / "recipes"


@dataclass(frozen=True)
class Recipe:
    """A model configuration and the training configuration that goes with it."""

    model: ModelConfig
    training: TrainingConfig


def recipe_names() -> list[str]:
    """Return the names of the data sets that have a recipe, sorted."""
    return sorted({stem.partition("_")[0] for stem in _stems()})


def recipe(name: str, predictor: PredictorName = "ncnc", *, as_published: bool = False) -> Recipe:
    """Return the published tuning for a data set, with our defaults where the published code has a known defect.

    NCN and NCNC have a file each where they were tuned separately; other predictors use that of NCN. `as_published`
    sets every switch as in the published code (parity mode).

    Raises:
        InvalidGraph: there is no recipe of that name; the message names the nearest.
    """
    names = recipe_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
        raise InvalidGraph(f"There is no recipe {name!r}. Did you mean {near!r}? There are: {', '.join(names)}.")
    stem = name if name in _stems() else f"{name}_{'ncnc' if predictor == 'ncnc' else 'ncn'}"
    content = yaml.safe_load((FOLDER / f"{stem}.yaml").read_text(encoding="utf-8"))
    model: dict[str, Any] = content["model"] | {"predictor": predictor}  # Any: as YAML has it; pydantic checks
    training: dict[str, Any] = content["training"]
    if as_published:
        return Recipe(ModelConfig.as_published(**model), TrainingConfig.as_published(**training))
    # The published tuning is of raw features.
    return Recipe(ModelConfig(**{"standardize_features": False} | model), TrainingConfig(**training))


def _stems() -> set[str]:
    return {file.name.removesuffix(".yaml") for file in FOLDER.iterdir() if file.name.endswith(".yaml")}
