"""The gate: a pure function from a report to a decision, every rule with its threshold, observed value and verdict."""

from __future__ import annotations

from pipeline.params import DecideParams
from pipeline.records import EvaluationReport, ModelScores, PromotionDecision, RuleVerdict


def decide(report: EvaluationReport, params: DecideParams) -> PromotionDecision:
    """Decide whether the challenger becomes champion: only where every rule passes."""
    rules = [
        _leak_certificate(report),
        _data_checks(report),
        _enough_test_edges(report, params),
        _beats_floor(report, params),
    ]
    if report.champion is not None:
        rules.append(_beats_champion(report, params))
    failed = [rule for rule in rules if not rule.passed]
    return PromotionDecision(
        report_sha256=report.sha256,
        promote=not failed,
        cold_start=report.champion is None,
        reason=_reason(report, rules, failed),
        rules=tuple(rules),
        champion_version=report.champion.version if report.champion else None,
    )


def best_of_floor(report: EvaluationReport, metric: str) -> ModelScores:
    """Return the heuristic with the highest value of a metric; ties go to the first name."""
    return max(report.floor, key=lambda scores: scores.metrics[metric].value)


def _reason(report: EvaluationReport, rules: list[RuleVerdict], failed: list[RuleVerdict]) -> str:
    if failed:
        return "; ".join(f"{rule.name}: observed {rule.observed}, needed {rule.threshold}" for rule in failed)
    last = rules[-1]
    if report.champion is None:
        return f"cold start, gated by the floor alone: {last.observed}"
    return f"{last.name}: observed {last.observed}, needed {last.threshold}"


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


def _data_checks(report: EvaluationReport) -> RuleVerdict:
    broken = [check for check in report.snapshot_checks if check.level == "refuse" and not check.passed]
    observed = ", ".join(f"{check.name} {check.observed}" for check in broken)
    return RuleVerdict(
        name="data_checks",
        threshold="every refusing check passes",
        observed=observed or f"{len(report.snapshot_checks)} checks, none refuses",
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
    best = best_of_floor(report, params.metric)
    floor, own = best.metrics[params.metric], report.challenger.metrics[params.metric]
    return RuleVerdict(
        name="beats_floor",
        threshold=f"lower bound of {params.metric} > {floor.value:.4f} ({best.name})",
        observed=f"{params.metric} {own.value:.4f} [{own.low:.4f}, {own.high:.4f}]",
        passed=own.low > floor.value,
    )


def _beats_champion(report: EvaluationReport, params: DecideParams) -> RuleVerdict:
    bound = 0.0 if params.mode == "superiority" else -params.margin
    difference = report.paired_difference
    if difference is None:
        setting = f"decide.incomparable_champion: {params.incomparable_champion}"
        observed, passed = f"{report.champion_note} ({setting})", params.incomparable_champion == "replace"
    else:
        observed = f"{params.metric} {difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
        passed = difference.low > bound
    return RuleVerdict(
        name=f"{params.mode}_over_champion",
        threshold=f"lower bound of the paired difference > {bound:g}",
        observed=observed,
        passed=passed,
    )
