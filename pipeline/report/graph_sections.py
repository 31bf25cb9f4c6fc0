"""The parts of the page about what moves: the champion over the nights, and the graph under it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.graphs.change_summary import ChangeSummary, HubChange
from pipeline.params.snapshot import SnapshotParams
from pipeline.report.blocks import Cell, Picture, Section, Table, estimate, metric_name, number, table
from pipeline.report.figures import NARROW, trend_figure
from pipeline.report.graph_figures import degree_figure, degree_range, drift_figure
from pipeline.report.night_story import NightStory
from pipeline.report.trend import TrendNight

Limits = Callable[[SnapshotParams], tuple[float, ...]]
DRIFT: dict[str, tuple[str, Limits]] = {
    "edge_ratio": (
        "edges against the previous snapshot",
        lambda params: (params.minimum_edge_ratio, params.maximum_edge_ratio),
    ),
    "degree_shift": ("degree shift (Kolmogorov-Smirnov)", lambda params: (params.maximum_degree_shift,)),
    "new_node_share": ("share of new nodes", lambda params: (params.maximum_new_node_share,)),
    "feature_shift": ("largest move of a feature's mean", lambda params: (params.maximum_feature_shift,)),
}


def trend_section(story: NightStory) -> Section | None:
    """Return the champion's scores over the last nights, the challengers' beside it."""
    nights = story.trend
    if not nights:
        return None
    metric = story.evaluation.paired_metric if story.evaluation else "mrr"
    rows = [_night(night, tonight=night.run_name == story.run_name) for night in reversed(nights)]
    header = ("night", "outcome", "champion", "challenger", "best heuristic", "test edges")
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
        "Each night has test edges of its own, so that the line shows easier and harder nights as well as better and "
        "worse models; the two models of one night met on the same edges.",
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
    features = change.features
    column = f" ({features.shifted})" if features.shifted else ""
    rows = [
        ["edges against the previous snapshot", number(change.edge_ratio)],
        ["edges in both, of those in either", number(change.edge_overlap)],
        ["degree shift (Kolmogorov-Smirnov)", number(change.degree_shift)],
        ["share of new nodes", number(change.new_node_share)],
        ["share of first-time edges to new nodes", number(change.edges_to_new_nodes)],
        [f"largest move of a feature's mean, in its deviations{column}", number(features.shift)],
        ["mean degree", number(change.shape.mean_degree)],
        ["largest degree", number(change.shape.maximum_degree)],
        ["components", number(change.shape.components)],
    ]
    return table("How far the graph moved", ("measure", "tonight"), rows)


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
    for measure, (title, limits) in DRIFT.items():
        known = [night for night in story.trend if measure in night.drift]
        if len(known) < 2:
            continue
        values = "; ".join(f"{night.as_of:%Y-%m-%d} {night.drift[measure]:.4g}" for night in known)
        drawn = drift_figure(
            f"drift-{measure}", story.trend, measure, limits(story.params.snapshot) if story.params else ()
        )
        pictures.append(Picture(f"{title[0].upper()}{title[1:]}, over the nights", values, drawn))
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
