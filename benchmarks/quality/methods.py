"""The methods of the quality benchmark: heuristics, the published models, and our best."""

from __future__ import annotations

from benchmarks.quality.choice import Candidate
from benchmarks.quality.featureless import FEATURELESS_DATA, featureless
from benchmarks.quality.ours import ours
from ncnc_core.config.model import PredictorName
from ncnc_core.evaluation.heuristics import (
    Heuristic,
    adamic_adar,
    common_neighbor_count,
    preferential_attachment,
    resource_allocation,
)
from ncnc_core.recipes.recipe import recipe

HEURISTIC_METHODS: dict[str, Heuristic] = {
    "cn": common_neighbor_count,
    "aa": adamic_adar,
    "ra": resource_allocation,
    "pa": preferential_attachment,
}
# Every method with its name in the tables, in their order.
METHODS = {
    "cn": "common neighbours",
    "aa": "Adamic-Adar",
    "ra": "resource allocation",
    "pa": "preferential attachment",
    "gae": "GAE",
    "ncn-as-published": "NCN, switches as published",
    "ncn": "NCN",
    "ncnc-as-published": "NCNC, switches as published",
    "ncnc": "NCNC",
    "ours": "ours, chosen on validation",
}

_PREDICTORS: dict[str, PredictorName] = {"gae": "gae", "ncn": "ncn", "ncnc": "ncnc"}
_RECIPES = {"cora": "cora", "citeseer": "citeseer", "ogbl_ddi": "ddi"}


def candidates(data: str, method: str) -> list[Candidate]:
    """Return what a learned method may choose among on a data set: one candidate, but for `ours`."""
    if method == "ours":
        return ours(data)
    predictor = _PREDICTORS[method.removesuffix("-as-published")]
    return [_candidate(data, predictor, as_published=method.endswith("-as-published"))]


def is_played(data: str, method: str) -> bool:
    """Return whether a method has runs on a data set: nothing was published to be as on graphs without a recipe."""
    return not (data in FEATURELESS_DATA and method.endswith("-as-published"))


def _candidate(data: str, predictor: PredictorName, *, as_published: bool) -> Candidate:
    if data in FEATURELESS_DATA:
        return featureless(data, predictor)
    found = recipe(_RECIPES[data], predictor, as_published=as_published)
    # ddi's NCNC is the trained ddi NCN with its encoder frozen: two epochs of the predictor alone.
    start = _candidate(data, "ncn", as_published=as_published) if found.training.encoder_learning_rate == 0 else None
    return Candidate(predictor, found.model, found.training, start)
