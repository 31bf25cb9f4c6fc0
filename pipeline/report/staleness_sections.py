"""The part of the page on what age costs: older models, and older graphs under the champion's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.records.evaluation import AgedScores, Staleness
from pipeline.records.scores import Interval
from pipeline.report.blocks import Cell, Picture, Section, estimate, estimate_text, metric_name, number, table
from pipeline.report.drawing import look
from pipeline.report.night_story import NightStory
from pipeline.report.temporal_figures import BinnedScores, binned_figure

NONE_LOST = Interval(value=0, low=0, high=0)
MODEL, GRAPH = "model of an earlier night", "champion on an earlier night's graph"


def staleness_section(story: NightStory) -> Section | None:
    """Return what models and graphs lose that are some nights old, in words, as a picture and as a table."""
    found = story.evaluation.staleness if story.evaluation is not None else None
    if found is None:
        return None
    metric, missing = metric_name(found.metric), _left_out(found.absent)
    if not found.models and not found.graphs:
        return Section("staleness", "What age costs", (missing,)) if missing else None
    said = [
        f"The same {found.num_edges:,} test edges for all, newer than each night that is compared. What is lost is "
        f"tonight's {metric} minus that of the older one. It decides nothing.",
        *([_of_models(found.models)] if found.models else []),
        *([_of_graphs(found.graphs)] if found.graphs else []),
        *([missing] if missing else []),
    ]
    header = ("what", "nights old", "of", metric, "lost", "edges with an unknown end")
    rows = [*(_row("model", one) for one in found.models), *(_row("graph", one) for one in found.graphs)]
    shown = table(f"{metric} by age", header, rows)
    return Section("staleness", "What age costs", tuple(said), pictures=(_picture(found, metric),), folded=(shown,))


def loss_in_words(loss: Interval) -> str:
    """Return what is lost with its bounds, and whether it may be chance: `loses 0.021 [0.004, 0.038]`."""
    if loss.high < 0:
        return f"gains {estimate_text(Interval(value=-loss.value, low=-loss.high, high=-loss.low))}"
    return f"loses {estimate_text(loss)}{'' if loss.low > 0 else ', which may be chance'}"


def nights_text(count: int) -> str:
    """Return a number of nights in words."""
    return f"{count} night{'' if count == 1 else 's'}"


def _of_models(curve: Sequence[AgedScores]) -> str:
    aged = [f"{nights_text(one.nights)} old {loss_in_words(one.loss)}" for one in curve if one.loss]
    return f"Retraining: a model that is {'; one that is '.join(aged)}. {_lasts(curve)}"


def _of_graphs(curve: Sequence[AgedScores]) -> str:
    aged = [f"{nights_text(one.nights)} older {loss_in_words(one.loss)}" for one in curve if one.loss]
    said = f"Refreshing: the champion on a graph that is {'; on one that is '.join(aged)}. {_lasts(curve)}"
    if not any(one.unknown_edges for one in curve):
        return said
    lacking = ", ".join(f"{one.unknown_edges:,} at {one.nights}" for one in curve)
    return (
        f"{said} A pair with a node that the graph lacks has no score and ranks last; so many of the edges have one, "
        f"by nights: {lacking}."
    )


def _lasts(curve: Sequence[AgedScores]) -> str:
    losing = [one.nights for one in curve if one.loss and one.loss.low > 0]
    if losing:
        return f"A loss is shown at {_listed([nights_text(nights) for nights in losing])}."
    return f"No loss is shown up to {nights_text(max(one.nights for one in curve))}."


def _left_out(absent: Mapping[str, str]) -> str:
    """Say what was not measured and why, all of one reason together; empty where all was."""
    by_reason: dict[str, list[str]] = {}
    for what, why in absent.items():
        by_reason.setdefault(why, []).append(what)
    parts = [f"{_listed(_merged(what))} ({why})" for why, what in by_reason.items()]
    return f"Not measured: {'; '.join(parts)}." if parts else ""


def _merged(names: Sequence[str]) -> list[str]:
    """Name a kind once with all of its ages."""
    ages: dict[str, list[str]] = {}
    for name in names:
        kind, _, age = name.partition(" ")
        ages.setdefault(kind, []).append(age)
    return [
        f"the {kind}{'s' if len(found) > 1 else ''} of {_listed(found)} {'night' if found == ['1'] else 'nights'}"
        for kind, found in ages.items()
    ]


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _row(what: str, one: AgedScores) -> list[object]:
    unknown = number(one.unknown_edges) if what == "graph" else Cell("", number=True)
    return [what, number(one.nights), f"{one.as_of:%Y-%m-%d %H:%M}", estimate(one.value), estimate(one.loss), unknown]


def _picture(found: Staleness, metric: str) -> Picture:
    ages = sorted({one.nights for one in (*found.models, *found.graphs)})
    scorers = [
        BinnedScores(label, look(scorer), [_at(curve, age) for age in ages])
        for label, scorer, curve in ((MODEL, "challenger", found.models), (GRAPH, "champion", found.graphs))
        if curve
    ]
    label = "; ".join(
        f"{scorer.label}: "
        + ", ".join(
            f"{age} {estimate_text(loss)}" for age, loss in zip(ages, scorer.values, strict=True) if age and loss
        )
        for scorer in scorers
    )
    svg = binned_figure("staleness", [str(age) for age in ages], scorers, "nights old", f"{metric} lost")
    return Picture(f"{metric} lost by age; 0 is tonight's own", label, svg)


def _at(curve: Sequence[AgedScores], age: int) -> Interval | None:
    """Return the loss at an age; tonight's own loses nothing."""
    return next((one.loss or NONE_LOST for one in curve if one.nights == age), None)
