"""Our best: a few candidates a data set, among which the validation edges of each split choose."""

from __future__ import annotations

from typing import Any

from benchmarks.quality.choice import Candidate
from benchmarks.quality.featureless import FEATURELESS_DATA, featureless
from ncnc_core.config.model import ModelConfig, PredictorName
from ncnc_core.config.training import TrainingConfig
from ncnc_core.recipes.recipe import recipe

RANKING = {"loss": "auc", "negatives_per_positive": 3}  # each positive against its own negatives


def ours(data: str) -> list[Candidate]:
    """Return the candidates, the plainest first: of equals on validation, the first is taken."""
    if data in FEATURELESS_DATA:
        plain, completed = featureless(data, "ncn"), featureless(data, "ncnc")
    else:
        name = "ddi" if data == "ogbl_ddi" else data
        plain, completed = (_by_recipe(name, predictor) for predictor in ("ncn", "ncnc"))
    if data == "ogbl_ddi":  # completing a graph this dense is the dearest part of it, and adds the least
        return [plain, _changed(plain, "ncn, ranking loss", RANKING)]
    return [
        plain,
        _changed(plain, "ncn, ranking loss", RANKING),
        _changed(plain, "ncn with counts, ranking loss", RANKING, {"pair_structure": True}),
        _changed(completed, "ncnc, completion fitted on validation", {"calibrate_completion": True}),
    ]


def _by_recipe(name: str, predictor: PredictorName) -> Candidate:
    found = recipe(name, predictor)
    return Candidate(predictor, found.model, found.training)


def _changed(
    base: Candidate, name: str, training: dict[str, Any], model: dict[str, Any] | None = None
) -> Candidate:  # Any: pydantic checks each value
    trained = TrainingConfig.model_validate(base.training.model_dump() | training)
    return Candidate(name, ModelConfig.model_validate(base.model.model_dump() | (model or {})), trained, base.start)
