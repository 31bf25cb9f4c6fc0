"""The floor of a night: every way to score pairs that people would take instead of a model, as far as it can be had."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.heuristics import HEURISTICS, Heuristic
from ncnc_core.evaluation.recency_heuristics import RECENCY_HEURISTICS, RecencyHeuristic
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.training.data import TemporalData
from pipeline.evaluation.boosted_trees import BoostedTrees
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.scored_input import GraphScore
from pipeline.records.floor import BOOSTED_TREES

logger = logging.getLogger(__name__)
NO_TIMES = "no times divide the edges"


@dataclass(frozen=True, eq=False)
class NightFloor:
    """The scores of the floor by name, and why each one that is missing could not be computed."""

    scores: Mapping[str, GraphScore]
    absent: Mapping[str, str]


def night_floor(graph: Adjacency, times: TemporalData | None, meter: CostMeter) -> NightFloor:
    """Return the floor on a message graph: the heuristics, and with times the rules that read them and boosted trees.

    `times` is what happened up to the end of the validation window: the trees learn from it, and a window is as many
    new edges as validation has.
    """
    scores = {str(name): _of_heuristic(heuristic) for name, heuristic in HEURISTICS.items()}
    if graph.times is None or times is None:
        return NightFloor(scores, dict.fromkeys((*RECENCY_HEURISTICS, BOOSTED_TREES), NO_TIMES))
    scores |= {str(name): _of_recency(rule, float(times.window)) for name, rule in RECENCY_HEURISTICS.items()}
    logger.info("fitting %s on windows of %s edges", BOOSTED_TREES, f"{times.window:,}")
    try:
        with meter.part(f"fitting {BOOSTED_TREES}", 0):
            scores[BOOSTED_TREES] = partial(BoostedTrees.fitted(times).score, did=meter.did)
    except InvalidGraph as error:  # a young graph: the others are the floor
        return NightFloor(scores, {BOOSTED_TREES: str(error).partition(". ")[0]})
    return NightFloor(scores, {})


def _of_heuristic(heuristic: Heuristic) -> GraphScore:
    return lambda pairs, graph, _: heuristic(graph, pairs)


def _of_recency(rule: RecencyHeuristic, window: float) -> GraphScore:
    return lambda pairs, graph, _: rule(graph, window, pairs)
