"""The parts of the page that say how good the models are, on what, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records.evaluation import EdgesApart
from pipeline.records.floor import not_computed
from pipeline.records.scores import Interval, ModelScores, PairedComparison, SliceScores
from pipeline.report.blocks import (
    Cell,
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
from pipeline.report.figures import Estimate, forest
from pipeline.report.night_story import NightStory

PICTURED = ("hits@10", "average_precision")  # beside the paired metric


def scores_section(story: NightStory) -> Section | None:
    """Return every scorer's metrics with their intervals."""
    evaluation = story.evaluation
    if evaluation is None:
        return None
    scorers = [item for item in evaluation.scorers if item.metrics]
    metrics = list(dict.fromkeys(name for item in scorers for name in item.metrics))
    rows = [[metric_name(name), *(estimate(item.metrics.get(name)) for item in scorers)] for name in metrics]
    pictured = [name for name in (evaluation.paired_metric, *PICTURED) if name in metrics]
    absent = not_computed(evaluation.floor_absent, evaluation.floor_absent)
    sure = f"{story.params.evaluate.confidence:.0%} " if story.params else ""
    return Section(
        "metrics",
        "Metrics",
        (
            f"{evaluation.num_test_edges:,} test edges and {evaluation.num_negatives:,} negatives, "
            f"the same for every scorer; "
            f"each value with its {sure}interval. Brier and ECE are errors: less is better.",
            *([f"Of the floor {absent}."] if absent else []),
        ),
        (table("Metrics of every scorer", ("metric", *map(_named, scorers)), rows, "many"),),
        tuple(_scores_picture(scorers, name) for name in pictured),
    )


def _named(scores: ModelScores) -> str:
    version = f", version {scores.version}" if scores.version is not None else ""
    return f"{scorer_name(scores.name)}{version}"


def _scores_picture(scorers: Sequence[ModelScores], metric: str) -> Picture:
    drawn = [
        Estimate(scorer_name(item.name), item.metrics[metric], look(item.name))
        for item in scorers
        if metric in item.metrics
    ]
    label = "; ".join(f"{item.label} {estimate_text(item.value)}" for item in drawn)
    name = f"scores-{metric}".replace("@", "-")
    return Picture(f"{metric_name(metric)} by scorer", label, forest(name, drawn, metric_name(metric)))


def comparison_section(story: NightStory) -> Section | None:
    """Return challenger minus champion on the same edges, resampled by edge and by node."""
    evaluation = story.evaluation
    if evaluation is None or evaluation.champion is None:
        return None
    paired = evaluation.paired
    if paired is None:
        note = evaluation.champion_note or "there is no paired difference in the evaluation"
        return Section("comparison", "Challenger against champion", (f"Not compared: {note}.",))
    name = metric_name(paired.metric)
    rows = [
        [_resampling(kind, paired), estimate(value, signed=True), number(value.high - value.low, 3)]
        for kind, value in (("edge", paired.by_edge), ("node", paired.by_node))
    ]
    said = [
        f"The difference is {estimate_text(paired.difference, signed=True)} {name} on {paired.num_edges:,} edges among "
        f"{paired.num_nodes:,} nodes, one-sided p\u00a0=\u00a0{paired.p_value:.3g}.",
        _together(paired),
    ]
    drawn = [
        Estimate("read by the gate", paired.difference, look("challenger")),
        Estimate("by edge", paired.by_edge, look("other")),
        Estimate("by node", paired.by_node, look("other")),
    ]
    if evaluation.drift is not None:
        drawn.append(Estimate("minus control", evaluation.drift, look("cold_control")))
        difference = estimate_text(evaluation.drift, signed=True)
        said.append(f"Challenger minus its cold-start control: {difference} {name}.")
    picture = Picture(
        f"Difference in {name}; right of zero the challenger is better",
        "; ".join(f"{item.label} {estimate_text(item.value, signed=True)}" for item in drawn),
        forest("comparison", drawn, f"challenger minus champion, {name}", zero=True),
    )
    return Section(
        "comparison",
        "Challenger against champion",
        tuple(said),
        (table("The paired difference by resampling", ("resampled by", "difference", "interval's width"), rows),),
        (picture,),
    )


def _resampling(kind: str, paired: PairedComparison) -> str:
    return f"{kind} (read by the gate)" if kind == paired.resampled_by else kind


def _together(paired: PairedComparison) -> str:
    """Say whether edges that share a node move together, from the widths of the two intervals."""
    by_edge, by_node = paired.by_edge.high - paired.by_edge.low, paired.by_node.high - paired.by_node.low
    if by_edge <= 0:
        return "The edges do not differ, so that there is nothing to resample."
    ratio = by_node / by_edge
    says = "edges that share a node move together" if ratio > 1.1 else "that edges share nodes matters little here"
    return f"Resampled by node the interval is {ratio:.2f} times as wide as by edge: {says}."


def slices_section(story: NightStory) -> Section | None:
    """Return each slice of the test edges, with its count."""
    evaluation = story.evaluation
    if evaluation is None or not evaluation.slices:
        return None
    rows = [
        [
            _slice_name(item),
            number(item.num_edges),
            estimate(item.challenger),
            estimate(item.champion),
            estimate(item.difference, signed=True),
        ]
        for item in evaluation.slices
    ]
    metric = metric_name(evaluation.slices[0].metric)
    challenger = [(item, item.challenger) for item in evaluation.slices if item.challenger]
    difference = [(item, item.difference) for item in evaluation.slices if item.difference]
    pictures = [
        _slices_picture(side, title, values)
        for side, title, values in (
            ("challenger", f"Challenger's {metric} by slice", challenger),
            ("difference", f"Challenger minus champion, {metric}, by slice", difference),
        )
        if values
    ]
    header = ("slice", "edges", "challenger", "champion", "difference")
    said = "A slice of few edges says little: read the count and the interval with the value."
    return Section("slices", "Slices", (said,), (table(f"{metric} by slice", header, rows),), tuple(pictures))


def warm_and_cold_section(story: NightStory) -> Section | None:
    """Return warm and cold edges apart, what cold ones can reach, and how many negatives touch a node without edge."""
    apart = story.evaluation.warm_and_cold if story.evaluation is not None else None
    if apart is None:
        return None
    sides = [(side, part) for side, part in (("warm", apart.warm), ("cold", apart.cold)) if part is not None]
    names = list(dict.fromkeys(name for _, part in sides for name in part.scores))
    rows = [
        [side, number(part.num_edges), metric_name(metric), *(_reached(part, name, metric) for name in names)]
        for side, part in sides
        for metric in ("mrr", "hits@10")
        if metric in part.challenger.metrics
    ]
    said = [
        "A warm edge has a message edge at both ends, a cold one lacks it at one. "
        f"{apart.negatives_without_edge:.0%} of the test negatives touch a node without any message edge."
    ]
    if apart.cold_attainable_mrr is not None:
        said.append(
            f"Cold edges can reach an MRR of {apart.cold_attainable_mrr:.3f} at most: nothing tells one node without "
            f"edges from another, so such an edge ties with the negatives that have another such node in its place."
        )
    header = ("edges", "count", "metric", *map(scorer_name, names))
    return Section(
        "warm-and-cold", "Warm and cold edges", tuple(said), (table("Warm and cold edges apart", header, rows, "many"),)
    )


def _reached(part: EdgesApart, name: str, metric: str) -> Cell:
    return estimate(part.scores[name].metrics.get(metric) if name in part.scores else None)


def _slice_name(item: SliceScores) -> str:
    return f"{item.kind.replace('_', ' ')}: {item.name}"


def _slices_picture(side: str, title: str, values: Sequence[tuple[SliceScores, Interval]]) -> Picture:
    drawn = [Estimate(f"{_slice_name(item)} ({item.num_edges:,})", value, look("challenger")) for item, value in values]
    signed = side == "difference"
    label = "; ".join(f"{item.label} {estimate_text(item.value, signed=signed)}" for item in drawn)
    return Picture(title, label, forest(f"slices-{side}", drawn, metric_name(values[0][0].metric), zero=signed))
