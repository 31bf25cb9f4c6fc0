"""The gate: a pure function from an evaluation to a decision; each rule has threshold, observed value and verdict."""

from __future__ import annotations

from ncnc_core.config.choices import HEURISTIC_NAMES
from pipeline.params.decide import DecideParams
from pipeline.promotion.slice_guardrail import slice_guardrail
from pipeline.records.chain import PromotionDecision
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import RuleVerdict
from pipeline.records.floor import not_computed, what_suffices
from pipeline.records.scores import PairedComparison


def decide(
    evaluation: EvaluationRecord, params: DecideParams, over_champion: RuleVerdict | None = None
) -> PromotionDecision:
    """Decide whether the challenger becomes champion: only where every rule passes.

    Every rule is recorded every time. A rule that does not apply says so and passes. The rules on figures read those
    of the test edges that `decide.edges` names; slices are always of all. `over_champion` is the rule on the champion
    where it is not this night's figures alone that decide it.
    """
    read = evaluation if params.edges == "all" else evaluation.on_warm_edges()
    floor, champion = _beats_floor(read, params), over_champion or _over_champion(read, params)
    rules = (*_standards(evaluation, read, params, floor), champion, *_over_anchor(evaluation, params))
    return PromotionDecision(
        report_sha256=evaluation.sha256,
        promote=all(rule.passed for rule in rules),
        cold_start=evaluation.champion is None,
        reason=_reason(rules, floor if evaluation.champion is None else champion, evaluation.champion is None),
        rules=rules,
        champion_version=evaluation.champion.version if evaluation.champion else None,
    )


def standards(evaluation: EvaluationRecord, params: DecideParams) -> tuple[RuleVerdict, ...]:
    """Return every rule but the one on the champion, of an evaluation whose figures are of the edges asked for."""
    return _standards(evaluation, evaluation, params, _beats_floor(evaluation, params))


def _standards(
    evaluation: EvaluationRecord, read: EvaluationRecord, params: DecideParams, floor: RuleVerdict
) -> tuple[RuleVerdict, ...]:
    return (
        _leak_certificate(evaluation),
        _data_checks(evaluation, params),
        _enough_test_edges(read, params),
        floor,
        _calibration(read, params),
        slice_guardrail(evaluation, params),
    )


def _reason(rules: tuple[RuleVerdict, ...], decisive: RuleVerdict, cold_start: bool) -> str:
    """Return the rules that failed, else the deciding rule: the floor for a first model, the champion for others."""
    failed = [rule for rule in rules if not rule.passed]
    if failed:
        return "; ".join(_sentence(rule) for rule in failed)
    if cold_start:
        return f"cold start, gated by the floor alone: {decisive.observed}"
    return _sentence(decisive)


def _sentence(rule: RuleVerdict) -> str:
    return f"{rule.name}: observed {rule.observed}, needed {rule.threshold}"


def _leak_certificate(evaluation: EvaluationRecord) -> RuleVerdict:
    broken = [item for item in evaluation.certificate if not item.passed]
    observed = ", ".join(f"{item.name} {item.violations} of {item.checked}" for item in broken)
    return RuleVerdict(
        name="leak_certificate",
        threshold="no violation",
        observed=observed or f"{len(evaluation.certificate)} invariants hold",
        # No invariant checked is no certificate.
        passed=bool(evaluation.certificate) and not broken,
    )


def _data_checks(evaluation: EvaluationRecord, params: DecideParams) -> RuleVerdict:
    counted = [
        check for check in evaluation.snapshot_checks if check.level == "refuse" or params.data_checks == "every"
    ]
    broken = [check for check in counted if not check.passed]
    observed = ", ".join(f"{check.name} {check.observed}" for check in broken)
    every = params.data_checks == "every"
    return RuleVerdict(
        name="data_checks",
        threshold="every check passes" if every else "every refusing check passes",
        observed=observed or f"{len(evaluation.snapshot_checks)} checks, none {'warns' if every else 'refuses'}",
        passed=bool(evaluation.snapshot_checks) and not broken,
    )


def _enough_test_edges(evaluation: EvaluationRecord, params: DecideParams) -> RuleVerdict:
    return RuleVerdict(
        name="enough_test_edges",
        threshold=f">= {params.minimum_test_edges} fresh {'' if params.edges == 'all' else 'warm '}test edges",
        observed=str(evaluation.num_test_edges),
        passed=evaluation.num_test_edges >= params.minimum_test_edges,
    )


def _beats_floor(evaluation: EvaluationRecord, params: DecideParams) -> RuleVerdict:
    """Pass where the challenger is provably better than each member of the floor, edge by edge.

    Than each, and not than the one that looks best: which one does is chance too. What could not be computed tonight,
    as boosted trees without times, is left out and said; but with nothing left there is no floor.
    """
    if evaluation.over_floor is None:
        return _above_floor(evaluation, params)
    asked = [name for name in params.floor if name not in evaluation.floor_absent]
    held = {name: evaluation.over_floor[name] for name in asked if name in evaluation.over_floor}
    nearest = min(held, key=lambda name: held[name].difference.low, default="")
    shown = f"over {nearest} {_difference(held[nearest])}" if held else ""
    absent = [name for name in asked if name not in held]
    said = (
        what_suffices(evaluation, held),
        shown,
        _not_scored(absent),
        not_computed(evaluation.floor_absent, params.floor),
        "" if asked else f"nothing is left of decide.floor; add {HEURISTIC_NAMES[0]}, which needs no times",
    )
    return RuleVerdict(
        name="beats_floor",
        threshold=f"lower bound of the paired difference > 0 over each of {', '.join(asked or params.floor)}",
        observed=", ".join(part for part in said if part),
        passed=bool(held) and not absent and held[nearest].difference.low > 0,
    )


def _not_scored(absent: list[str]) -> str:
    return f"not scored: {', '.join(absent)}; evaluate again, or take it out of decide.floor" if absent else ""


def _above_floor(evaluation: EvaluationRecord, params: DecideParams) -> RuleVerdict:
    """Judge a record of before `over_floor` as it was judged then: by the challenger's own interval."""
    own, held = evaluation.challenger.metrics[params.metric], {scores.name: scores for scores in evaluation.floor}
    absent = [name for name in params.floor if name not in held]
    observed = f"{params.metric} {own.value:.4f} [{own.low:.4f}, {own.high:.4f}]"
    values = {name: held[name].metrics[params.metric].value for name in params.floor if name in held}
    best = max(values, key=lambda name: values[name], default="")
    wanted = f"the best of {', '.join(params.floor)}" if absent else f"{values[best]:.4f} ({best})"
    return RuleVerdict(
        name="beats_floor",
        threshold=f"lower bound of {params.metric} > {wanted}",
        observed=", ".join(part for part in (observed, _not_scored(absent)) if part),
        passed=not absent and own.low > values[best],
    )


def _calibration(evaluation: EvaluationRecord, params: DecideParams) -> RuleVerdict:
    most, stated = params.maximum_calibration_error, evaluation.challenger.metrics.get("ece")
    if most is None:
        shown = f"ece {stated.value:.4f}" if stated else "no probabilities"
        observed, passed = f"{shown} (decide.maximum_calibration_error: null)", True
    elif stated is None:
        observed, passed = "the challenger states no probability: set decide.maximum_calibration_error: null", False
    else:
        # The value itself is raised by chance, by about 0.015 on 500 edges; the lower bound allows for that.
        observed, passed = f"ece {stated.value:.4f} [{stated.low:.4f}, {stated.high:.4f}]", stated.low <= most
    return RuleVerdict(
        name="calibration_error",
        threshold="not asked for" if most is None else f"lower bound of ece <= {most:g}",
        observed=observed,
        passed=passed,
    )


def _over_champion(evaluation: EvaluationRecord, params: DecideParams) -> RuleVerdict:
    bound = 0.0 if params.mode == "superiority" else -params.margin
    if evaluation.champion is None:
        observed, passed = "not applicable: there is no champion", True
    elif evaluation.paired is None:
        setting = f"decide.incomparable_champion: {params.incomparable_champion}"
        observed, passed = f"{evaluation.champion_note} ({setting})", params.incomparable_champion == "replace"
    else:
        observed, passed = _difference(evaluation.paired), evaluation.paired.difference.low > bound
    return RuleVerdict(
        name=f"{params.mode}_over_champion",
        threshold=f"lower bound of the paired difference > {bound:g}",
        observed=observed,
        passed=passed,
    )


def _over_anchor(evaluation: EvaluationRecord, params: DecideParams) -> tuple[RuleVerdict, ...]:
    """Return the rule that keeps allowed losses from adding up; none for an evaluation of before it was measured."""
    anchor = evaluation.anchor
    if params.mode != "non_inferiority" or anchor is None:
        return ()
    if anchor.paired is None:
        observed = f"{anchor.note} (decide.incomparable_champion: {params.incomparable_champion})"
        passed = params.incomparable_champion == "replace"
    else:
        observed, passed = _difference(anchor.paired), anchor.paired.difference.low > -params.margin
    threshold = f"lower bound of the paired difference > {-params.margin:g} over version {anchor.version}, the anchor"
    return (RuleVerdict(name="non_inferiority_over_anchor", threshold=threshold, observed=observed, passed=passed),)


def _difference(paired: PairedComparison) -> str:
    found = paired.difference
    return (
        f"{paired.metric} {found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}] "
        f"by {paired.resampled_by}, p {paired.p_value:.2g}"
    )
