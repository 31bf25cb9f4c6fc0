"""The floor: what people would take instead of a model, by name, and the words for a night on which it suffices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ncnc_core.config.choices import HEURISTIC_NAMES, RECENCY_NAMES
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.scores import ModelScores

BOOSTED_TREES = "boosted_trees"
FLOOR_NAMES: tuple[str, ...] = (*HEURISTIC_NAMES, *RECENCY_NAMES, BOOSTED_TREES)


def best_unbeaten(evaluation: EvaluationRecord, names: Iterable[str]) -> ModelScores | None:
    """Return the best member of the floor, among these, than which the challenger is not provably better."""
    over, metric = evaluation.over_floor or {}, evaluation.paired_metric
    unbeaten = {name for name in names if name in over and over[name].difference.low <= 0}
    held = [scores for scores in evaluation.floor if scores.name in unbeaten and metric in scores.metrics]
    return max(held, key=lambda scores: scores.metrics[metric].value, default=None)


def what_suffices(evaluation: EvaluationRecord, names: Iterable[str]) -> str:
    """Say which member of the floor, among these, does what the challenger does; empty where it beats them all.

    Where the challenger is ahead and it may be chance, that is all that is said.
    """
    best, metric = best_unbeaten(evaluation, names), evaluation.paired_metric
    if best is None or metric not in evaluation.challenger.metrics:
        return ""
    own, other = evaluation.challenger.metrics[metric].value, best.metrics[metric].value
    kind = "gradient boosting on pair features" if best.name == BOOSTED_TREES else "a counting rule"
    reached = f"{best.name} reaches {metric.upper()} {other:.3f}, the challenger {own:.3f}"
    if own > other:
        return f"{reached}, which is not provably more: nothing shows that more than {kind} is needed here"
    return f"{reached}: {kind} suffices here"


def not_computed(absent: Mapping[str, str], names: Iterable[str]) -> str:
    """Say which of these members of the floor were not computed, and why; empty where all were.

    More than two for one reason are counted, for it stands in the reason of every such night.
    """
    by_reason: dict[str, list[str]] = {}
    for name in names:
        if name in absent:
            by_reason.setdefault(absent[name], []).append(name)
    return ", ".join(
        f"not computed: {' and '.join(found) if len(found) <= 2 else f'{len(found)} that read times'} ({reason})"
        for reason, found in by_reason.items()
    )
