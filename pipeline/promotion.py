"""The gate: a pure function from a report to a decision, every rule with its threshold, observed value and verdict."""

from __future__ import annotations

from pipeline.decide_params import DecideParams
from pipeline.evaluation_parts import PairedComparison
from pipeline.records import EvaluationReport, ModelScores, PromotionDecision, RuleVerdict
from pipeline.slice_guardrail import slice_guardrail


def decide(report: EvaluationReport, params: DecideParams) -> PromotionDecision:
    """Decide whether the challenger becomes champion: only where every rule passes.

    Every rule is recorded every time; one that has nothing to judge says so and passes.
    """
    floor, champion = _beats_floor(report, params), _over_champion(report, params)
    rules = (
        _leak_certificate(report),
        _data_checks(report, params),
        _enough_test_edges(report, params),
        floor,
        _calibration(report, params),
        slice_guardrail(report, params),
        champion,
    )
    return PromotionDecision(
        report_sha256=report.sha256,
        promote=all(rule.passed for rule in rules),
        cold_start=report.champion is None,
        reason=_reason(rules, floor if report.champion is None else champion, report.champion is None),
        rules=rules,
        champion_version=report.champion.version if report.champion else None,
    )


def best_of_floor(report: EvaluationReport, params: DecideParams) -> ModelScores | None:
    """Return the heuristic of the floor with the highest metric; ties go to the first; None where none was scored."""
    held = [scores for scores in report.floor if scores.name in params.floor]
    return max(held, key=lambda scores: scores.metrics[params.metric].value, default=None)


def _reason(rules: tuple[RuleVerdict, ...], decisive: RuleVerdict, cold_start: bool) -> str:
    """Say what broke, else what carried the decision: the floor for a first model, and then the champion."""
    failed = [rule for rule in rules if not rule.passed]
    if failed:
        return "; ".join(_sentence(rule) for rule in failed)
    if cold_start:
        return f"cold start, gated by the floor alone: {decisive.observed}"
    return _sentence(decisive)


def _sentence(rule: RuleVerdict) -> str:
    return f"{rule.name}: observed {rule.observed}, needed {rule.threshold}"


def _leak_certificate(report: EvaluationReport) -> RuleVerdict:
    broken = [item for item in report.certificate if not item.passed]
    observed = ", ".join(f"{item.name} {item.violations} of {item.checked}" for item in broken)
    return RuleVerdict(
        name="leak_certificate",
        threshold="no violation",
        observed=observed or f"{len(report.certificate)} invariants hold",
        # No invariant checked is no certificate.
        passed=bool(report.certificate) and not broken,
    )


def _data_checks(report: EvaluationReport, params: DecideParams) -> RuleVerdict:
    counted = [check for check in report.snapshot_checks if check.level == "refuse" or params.data_checks == "every"]
    broken = [check for check in counted if not check.passed]
    observed = ", ".join(f"{check.name} {check.observed}" for check in broken)
    every = params.data_checks == "every"
    return RuleVerdict(
        name="data_checks",
        threshold="every check passes" if every else "every refusing check passes",
        observed=observed or f"{len(report.snapshot_checks)} checks, none {'warns' if every else 'refuses'}",
        passed=bool(report.snapshot_checks) and not broken,
    )


def _enough_test_edges(report: EvaluationReport, params: DecideParams) -> RuleVerdict:
    return RuleVerdict(
        name="enough_test_edges",
        threshold=f">= {params.minimum_test_edges} fresh test edges",
        observed=str(report.num_test_edges),
        passed=report.num_test_edges >= params.minimum_test_edges,
    )


def _beats_floor(report: EvaluationReport, params: DecideParams) -> RuleVerdict:
    own, best = report.challenger.metrics[params.metric], best_of_floor(report, params)
    observed = f"{params.metric} {own.value:.4f} [{own.low:.4f}, {own.high:.4f}]"
    absent = [name for name in params.floor if name not in {scores.name for scores in report.floor}]
    if best is None or absent:
        return RuleVerdict(
            name="beats_floor",
            threshold=f"lower bound of {params.metric} > the best of {', '.join(params.floor)}",
            observed=f"{observed}, not scored: {', '.join(absent)}; evaluate again, or take it out of decide.floor",
            passed=False,
        )
    floor = best.metrics[params.metric]
    return RuleVerdict(
        name="beats_floor",
        threshold=f"lower bound of {params.metric} > {floor.value:.4f} ({best.name})",
        observed=observed,
        passed=own.low > floor.value,
    )


def _calibration(report: EvaluationReport, params: DecideParams) -> RuleVerdict:
    most, stated = params.maximum_calibration_error, report.challenger.metrics.get("ece")
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


def _over_champion(report: EvaluationReport, params: DecideParams) -> RuleVerdict:
    bound = 0.0 if params.mode == "superiority" else -params.margin
    if report.champion is None:
        observed, passed = "not applicable: there is no champion", True
    elif report.paired is None:
        setting = f"decide.incomparable_champion: {params.incomparable_champion}"
        observed, passed = f"{report.champion_note} ({setting})", params.incomparable_champion == "replace"
    else:
        observed, passed = _difference(report.paired), report.paired.difference.low > bound
    return RuleVerdict(
        name=f"{params.mode}_over_champion",
        threshold=f"lower bound of the paired difference > {bound:g}",
        observed=observed,
        passed=passed,
    )


def _difference(paired: PairedComparison) -> str:
    found = paired.difference
    return (
        f"{paired.metric} {found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}] "
        f"by {paired.resampled_by}, p {paired.p_value:.2g}"
    )
