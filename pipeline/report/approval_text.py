"""What decides about a promotion, in a few lines of Markdown for the form that a person answers."""

from __future__ import annotations

from pipeline.graphs.change_summary import ChangeSummary, Turnover
from pipeline.plain_text import markdown
from pipeline.records.chain import PromotionDecision
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult
from pipeline.records.scores import ModelScores
from pipeline.report.blocks import estimate_text, metric_name, scorer_name
from pipeline.report.night_story import NightStory


def approval_text(story: NightStory) -> str:
    """Return the figures, the data and the rules that decide; empty where the night was not judged."""
    evaluation, decision = story.evaluation, story.decision
    if evaluation is None or decision is None:
        return ""
    failed = [rule.name.replace("_", " ") for rule in decision.rules if not rule.passed]
    rules = f"Fails: {', '.join(failed)}." if failed else f"All {len(decision.rules)} rules of the gate hold."
    checks = story.checks.checks if story.checks else story.snapshot.checks if story.snapshot else ()
    changed = [*_changed(story.change), *_warnings(checks)]
    data = f"**Changed in the data:** {'; '.join(changed)}." if changed else ""
    parts = (
        _shadow(decision),
        _difference(evaluation),
        _scores(evaluation),
        data,
        f"{rules} {markdown(decision.reason)}",
    )
    return "\n\n".join(part for part in parts if part)


def _shadow(decision: PromotionDecision) -> str:
    """Say first that it is not the night's own model that is asked about."""
    shadow = decision.promoted_shadow
    if shadow is None:
        return ""
    return (
        f"**You are asked about the shadow**, not about the night's own model: {shadow.in_words()}. Its evidence "
        f"suffices (p {shadow.evidence.p_better:.2g}, {shadow.level:.2g} needed), and all its rules hold tonight. "
        f"Approving makes it champion; rejecting ends its time as the shadow. What follows is of the night's own model."
    )


def _difference(evaluation: EvaluationRecord) -> str:
    paired, metric = evaluation.paired, metric_name(evaluation.paired_metric)
    if paired is None:
        note = markdown(evaluation.champion_note) or "no champion yet"
        return f"**No champion to compare with:** {note}. {evaluation.num_test_edges:,} test edges."
    return (
        f"**Challenger minus champion: {estimate_text(paired.difference, signed=True)} {metric}** on "
        f"{paired.num_edges:,} edges that neither has seen (p {paired.p_value:.2g})."
    )


def _scores(evaluation: EvaluationRecord) -> str:
    best, champion = evaluation.best_of_floor, evaluation.champion
    rows = [("challenger", evaluation.challenger)]
    if champion is not None:
        rows.append((f"champion, version {champion.version}", champion))
    if best is not None:
        rows.append((f"best of the floor, {markdown(scorer_name(best.name))}", best))
    lines = [f"| {name} | {_score(scores, evaluation.paired_metric)} |" for name, scores in rows]
    return "\n".join([f"| | {metric_name(evaluation.paired_metric)} |", "|---|---|", *lines])


def _score(scores: ModelScores, metric: str) -> str:
    return estimate_text(scores.metrics[metric]) if metric in scores.metrics else "not measured"


def _changed(change: ChangeSummary | None) -> list[str]:
    if change is None:
        return []
    shift = [f"degree shift {change.degree_shift:.3g}"] if change.degree_shift is not None else []
    return [_turnover("edges", change.edges), _turnover("nodes", change.nodes), *shift]


def _turnover(name: str, counts: Turnover) -> str:
    parts = [f"+{counts.added:,} new", f"{counts.returned:,} came back", f"{counts.removed:,} gone"]
    said = ", ".join(part for part in parts if not part.startswith(("+0 ", "0 ")))
    return f"{counts.before:,} → {counts.tonight:,} {name}" + (f" ({said})" if said else "")


def _warnings(checks: tuple[CheckResult, ...]) -> list[str]:
    return [
        f"**warning** {item.name.replace('_', ' ')}: {markdown(item.observed)}, limit {markdown(item.threshold)}"
        for item in checks
        if not item.passed
    ]
