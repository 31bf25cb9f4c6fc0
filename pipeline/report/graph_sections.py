"""The parts of the page about change: the champion over the nights, and the graph since the last snapshot."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.graphs.change_summary import ChangeSummary, HubChange
from pipeline.graphs.drift_measures import DRIFT_MEASURES, DriftMeasure
from pipeline.params.snapshot import SnapshotParams
from pipeline.report.blocks import Cell, Picture, Section, Table, estimate, metric_name, number, table
from pipeline.report.figures import NARROW, trend_figure
from pipeline.report.graph_figures import degree_figure, degree_range, drift_figure
from pipeline.report.night_story import NightStory
from pipeline.report.trend import TrendNight

Limits = Callable[[SnapshotParams], tuple[float, ...]]
# The measures that are drawn over the nights, with the limits beyond which a check warns or refuses.
DRAWN: dict[str, Limits] = {
    "edge_ratio": lambda params: (params.minimum_edge_ratio, params.maximum_edge_ratio),
    "degree_shift": lambda params: (params.maximum_degree_shift,),
    "new_node_share": lambda params: (params.maximum_new_node_share,),
    "feature_shift": lambda params: (params.maximum_feature_shift,),
}


def trend_section(story: NightStory) -> Section | None:
    """Return the champion's scores over the last nights, the challengers' beside it."""
    nights = story.trend
    if not nights:
        return None
    metric = story.evaluation.paired_metric if story.evaluation else "mrr"
    rows = [_night(night, tonight=night.run_name == story.run_name) for night in reversed(nights)]
    header = ("night", "outcome", "champion", "challenger", "best of the floor", "test edges")
    pictures: tuple[Picture, ...] = ()
    if any(night.challenger for night in nights):
        name = metric_name(metric)
        pictures = (
            Picture(
                f"{name} of each night's test edges, with intervals",
                f"{name} over {len(nights)} nights; the table below has every value",
                trend_figure("trend", nights, metric),
                trend_figure("trend-narrow", nights, metric, width=NARROW),
                wide=True,
            ),
        )
    said = (
        "Each night has its own test edges, so the line shows easier and harder nights as well as better and worse "
        "models. The two models of one night are scored on the same edges.",
    )
    many = table("The nights, newest first", header, rows)
    return Section("trend", "The champion over the nights", said, pictures=pictures, folded=(many,))


def _night(night: TrendNight, *, tonight: bool) -> list[Cell | str]:
    version = f", version {night.version}" if night.version is not None else ""
    return [
        f"{night.as_of:%Y-%m-%d %H:%M}{' (tonight)' if tonight else ''}",
        f"{night.outcome}{version}",
        estimate(night.champion),
        estimate(night.challenger),
        estimate(night.floor),
        number(night.test_edges),
    ]


def graph_section(story: NightStory) -> Section | None:
    """Return what changed in the graph: turnover, degrees, and drift over the nights."""
    change = story.change
    if change is None:
        return None
    before = f"the snapshot of {change.previous_as_of:%Y-%m-%d %H:%M}" if change.previous_as_of else None
    said = f"Compared with {before}." if before else "The first snapshot: there is nothing to compare with."
    if change.repeated_events:
        said += f" {change.repeated_events:,} events name a pair again and are no new edges."
    return Section(
        "graph",
        "Degrees and drift",
        (said,),
        tables=(_turnover(change), _drift(change)),
        pictures=(*_degrees(change), *_drifts(story)),
        folded=tuple(_hubs(change)),
    )


def _turnover(change: ChangeSummary) -> Table:
    rows = [
        [name, *(number(value) for value in counts.model_dump().values())]
        for name, counts in (("nodes", change.nodes), ("edges", change.edges))
    ]
    return table("What came and went", ("", "before", "tonight", "added", "returned", "removed"), rows)


def _drift(change: ChangeSummary) -> Table:
    rows = [[_labelled(measure, change), number(measure.of(change))] for measure in DRIFT_MEASURES]
    rows += [
        ["mean degree", number(change.shape.mean_degree)],
        ["largest degree", number(change.shape.maximum_degree)],
        ["components", number(change.shape.components)],
    ]
    return table("How far the graph moved", ("measure", "tonight"), rows)


def _labelled(measure: DriftMeasure, change: ChangeSummary) -> str:
    shifted = change.features.shifted if measure.name == "feature_shift" else None
    return f"{measure.label} ({shifted})" if shifted else measure.label


def _degrees(change: ChangeSummary) -> tuple[Picture, ...]:
    if not change.degree_counts:
        return ()
    label = "; ".join(
        f"{degree_range(item)} edges: {item.before:,} nodes before, {item.tonight:,} tonight"
        for item in change.degree_counts
    )
    return (Picture("Nodes by degree, tonight and before", label, degree_figure("degrees", change.degree_counts)),)


def _drifts(story: NightStory) -> list[Picture]:
    pictures = []
    for measure in DRIFT_MEASURES:
        known = [night for night in story.trend if measure.name in night.drift]
        if len(known) < 2 or measure.name not in DRAWN:
            continue
        values = "; ".join(f"{night.as_of:%Y-%m-%d} {night.drift[measure.name]:.4g}" for night in known)
        limits = DRAWN[measure.name](story.params.snapshot) if story.params else ()
        drawn = drift_figure(f"drift-{measure.name}", story.trend, measure.name, limits)
        pictures.append(Picture(f"{measure.label[0].upper()}{measure.label[1:]}, over the nights", values, drawn))
    return pictures


def _hubs(change: ChangeSummary) -> list[Table]:
    named: tuple[tuple[str, tuple[HubChange, ...]], ...] = (("gained", change.gaining), ("lost", change.losing))
    return [
        table(
            f"Nodes that {verb} the most edges",
            ("node", "before", "tonight"),
            [[hub.node, number(hub.before), number(hub.tonight)] for hub in hubs],
        )
        for verb, hubs in named
        if hubs
    ]
