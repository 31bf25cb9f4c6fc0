"""The parts of the page about time: on which pair features the model rests, and how recent the ends of edges are."""

from __future__ import annotations

from pipeline.records.evaluation import EvaluationRecord, FeatureImportance
from pipeline.report.blocks import (
    Picture,
    Section,
    estimate,
    estimate_text,
    metric_name,
    number,
    scorer_name,
    table,
)
from pipeline.report.drawing import look
from pipeline.report.figures import Estimate
from pipeline.report.night_story import NightStory
from pipeline.report.temporal_figures import BinnedScores, bars, binned_figure


def importance_section(story: NightStory) -> Section | None:
    """Return how far the challenger falls without each group of pair features, the largest fall first."""
    found = story.evaluation.feature_importance if story.evaluation is not None else ()
    if not found:
        return None
    ordered = sorted(found, key=lambda one: -one.fall.value)
    metric, count = metric_name(found[0].metric), found[0].num_edges
    said = (
        f"For each group its values were shuffled among {count:,} test edges and their negatives, and the challenger's "
        f"{metric} fell by this much. A group that another can stand in for falls little, although it is read.",
        _rests_on(ordered, metric),
    )
    drawn = [Estimate(one.group, one.fall, look("challenger")) for one in ordered]
    picture = Picture(
        f"Fall of the {metric} without a group of pair features",
        "; ".join(f"{item.label} {estimate_text(item.value, signed=True)}" for item in drawn),
        bars("importance", drawn, f"fall of the challenger's {metric}"),
    )
    rows = [[one.group, estimate(one.fall, signed=True)] for one in ordered]
    folded = table(f"Fall of the {metric} by group", ("group of pair features", "fall"), rows)
    return Section("importance", "What the model rests on", said, pictures=(picture,), folded=(folded,), half=True)


def _rests_on(ordered: list[FeatureImportance], metric: str) -> str:
    sure = [one for one in ordered if one.fall.low > 0]
    if not sure:
        return "No fall is provably above 0: the model rests on no single group."
    most = sure[0]
    said = f"It rests most on {most.group}: {estimate_text(most.fall, signed=True)} {metric}"
    idle = [one.group for one in ordered if one.fall.low <= 0]
    return f"{said}. Nothing shows that it needs {', or '.join(idle)}." if idle else f"{said}."


def activity_section(story: NightStory) -> Section | None:
    """Return challenger and best of the floor by how long ago an end of the test edge was active."""
    evaluation = story.evaluation
    parts = [part for part in evaluation.slices if part.kind == "activity"] if evaluation is not None else []
    if evaluation is None or not any(part.challenger for part in parts):
        return None
    metric, best = metric_name(parts[0].metric), _best_of_floor(evaluation)
    scorers = [
        BinnedScores("challenger", look("challenger"), [part.challenger for part in parts]),
        BinnedScores(best, look("floor"), [part.best_of_floor for part in parts]),
    ]
    drawn = [scorer for scorer in scorers if any(scorer.values)]
    names = [part.name for part in parts]
    picture = Picture(
        f"{metric} by the last activity of an edge's ends",
        "; ".join(f"{scorer.label}: {_in_words(names, scorer)}" for scorer in drawn),
        binned_figure("activity", names, drawn, "windows since the last activity", metric),
    )
    said = (
        "How long ago the end that was active later had its last edge. A window is as many new edges as validation "
        "has; never: neither end has a message edge."
    )
    rows = [[part.name, number(part.num_edges), *(estimate(scorer.values[row]) for scorer in drawn)]
            for row, part in enumerate(parts)]  # fmt: skip
    folded = table(f"{metric} by last activity", ("windows ago", "edges", *(item.label for item in drawn)), rows)
    return Section("activity", "By last activity", (said,), pictures=(picture,), folded=(folded,), half=True)


def _best_of_floor(evaluation: EvaluationRecord) -> str:
    """Name the best of the floor on all test edges, whose figures the slices hold."""
    best = evaluation.best_of_floor
    return "best of the floor" if best is None else f"{scorer_name(best.name)}, best of the floor"


def _in_words(names: list[str], scorer: BinnedScores) -> str:
    held = [(name, value) for name, value in zip(names, scorer.values, strict=True) if value is not None]
    return ", ".join(f"{name} {estimate_text(value)}" for name, value in held)
