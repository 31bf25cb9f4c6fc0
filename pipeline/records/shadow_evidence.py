"""The evidence that one evaluation adds, of the shadow that it tells of, or of its own challenger as a new shadow."""

from __future__ import annotations

from pipeline.records.evaluation import EvaluationRecord, ShadowScores
from pipeline.records.evidence import Evidence


def evidence_after(evaluation: EvaluationRecord, shadow: ShadowScores) -> Evidence:
    """Return the shadow's evidence after the night; that of before, where nothing of the night counts."""
    before = shadow.before.evidence
    return before if shadow.counted is None or not counts(evaluation, shadow) else before.and_of(shadow.counted)


def first_evidence(evaluation: EvaluationRecord) -> Evidence:
    """Return the challenger's evidence from its own night, on the edges that evidence is of."""
    place = evaluation.shadow_place
    read = evaluation.on_warm_edges() if place is not None and place.edges == "warm" else evaluation
    if read.paired is None or read.num_test_edges == 0 or not counts(evaluation):
        return Evidence()
    return Evidence().and_of(read.paired)


def counts(evaluation: EvaluationRecord, shadow: ShadowScores | None = None) -> bool:
    """Return whether the night's leak certificate holds: else its figures say nothing."""
    held = (*evaluation.certificate, *(shadow.certificate if shadow is not None else ()))
    return bool(evaluation.certificate) and all(item.passed for item in held)


def as_challenger(evaluation: EvaluationRecord, shadow: ShadowScores) -> EvaluationRecord:
    """Return the evaluation as if the shadow, which was scored, were the night's challenger: what the gate reads."""
    measured = {name: getattr(shadow, name) for name in ("num_test_edges", "paired", "over_floor", "floor", "slices")}
    certificate = (*evaluation.certificate, *shadow.certificate)
    return evaluation.model_copy(update=measured | {"challenger": shadow.scores, "certificate": certificate})
