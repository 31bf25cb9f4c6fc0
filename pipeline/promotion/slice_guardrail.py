"""The rule on slices: no guarded slice may be provably worse than the champion's by more than a margin."""

from __future__ import annotations

from pipeline.params.decide import DecideParams
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import RuleVerdict
from pipeline.records.scores import SliceScores

NAME = "slice_guardrail"


def slice_guardrail(evaluation: EvaluationRecord, params: DecideParams) -> RuleVerdict:
    """Pass where no guarded slice is worse than the champion by more than the margin, and provably so.

    Provably: the whole interval of the paired difference lies below zero. A slice of few edges is not judged. A slice
    that is large enough and was not compared fails the rule.
    """
    threshold = f"no guarded slice loses more than {params.slice_margin:g} with its whole interval below 0"
    absent = _why_not_applicable(evaluation, params)
    if absent:
        return RuleVerdict(name=NAME, threshold=threshold, observed=f"not applicable: {absent}", passed=True)
    guarded = [part for part in evaluation.slices if params.guards(part.key)]
    judged = [part for part in guarded if part.num_edges >= params.minimum_slice_edges]
    broken = [part for part in judged if _collapsed(part, params.slice_margin)]
    counts = f"{len(judged)} of {len(guarded)} guarded slices have {params.minimum_slice_edges} edges"
    shown = broken or sorted(judged, key=_value)[:1]
    worst = ", ".join(_text(part) for part in shown)
    observed = f"{worst} ({counts})" if broken else f"worst {worst} ({counts})" if shown else counts
    return RuleVerdict(name=NAME, threshold=threshold, observed=observed, passed=not broken)


def _why_not_applicable(evaluation: EvaluationRecord, params: DecideParams) -> str:
    if not params.guarded_slices:
        return "decide.guarded_slices names none"
    if evaluation.paired is None:
        return "no champion to compare with"
    if not any(params.guards(part.key) for part in evaluation.slices):
        return "the evaluation has no guarded slice"
    return ""


def _collapsed(part: SliceScores, margin: float) -> bool:
    return part.difference is None or (part.difference.value < -margin and part.difference.high < 0)


def _value(part: SliceScores) -> float:
    return part.difference.value if part.difference is not None else -1.0


def _text(part: SliceScores) -> str:
    if part.difference is None:
        return f"{part.key} was not compared"
    difference = part.difference
    return f"{part.key} {difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
