"""The parts of the page about the models: how they were trained, and how reliable their scores are."""

from __future__ import annotations

from pipeline.records.chain import EdgeSplit, WarmStart
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.recipe import recipe_sentences
from pipeline.records.scores import ModelScores
from pipeline.report.blocks import (
    MISSING,
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
from pipeline.report.figures import reliability_figure, sensitivity_figure, training_figure
from pipeline.report.night_story import NightStory


def training_section(story: NightStory) -> Section | None:
    """Return how the challenger was trained: its recipe and why, loss, validation metric and the best epoch."""
    trained = story.trained
    if trained is None:
        return None
    metric = metric_name(trained.selection_metric)
    said = [
        *recipe_sentences(trained),
        f"{trained.epochs} epochs; epoch {trained.best_epoch} is the best with {metric} {trained.best_value:.3f} on "
        f"validation.",
    ]
    if trained.warm_start is not None:
        said += [_began_warm(trained.warm_start, story.split), _against_control(story.evaluation)]
    if trained.start_note:
        said.append(f"Did not begin warm: {trained.start_note}.")
    if story.snapshot is not None and story.snapshot.num_features:
        said.append(_scale(trained.standardized_features))
    if not trained.history:
        return Section("training", "Training", (*said, "The record holds no history of the epochs."))
    history = trained.history
    picture = Picture(
        "Loss and validation metric by epoch",
        f"Loss from {history[0].loss:.4g} to {history[-1].loss:.4g} over {len(history)} epochs; the best is epoch "
        f"{trained.best_epoch}",
        training_figure("training", history, trained.best_epoch, trained.selection_metric),
    )
    rows = [[str(item.epoch), number(item.loss), number(item.value), number(item.seconds, 3)] for item in history]
    folded = table("Every epoch", ("epoch", "loss", f"{metric}, validation", "seconds"), rows)
    return Section("training", "Training", tuple(said), pictures=(picture,), folded=(folded,), half=True)


def _scale(standardized: int) -> str:
    """Say whether the model brings the node features to one scale."""
    if standardized:
        return f"{standardized:,} node features are standardised, by their mean and deviation at the training cut."
    return "Node features are read as they were delivered (train.model.standardize_features; never for mostly zeros)."


def _began_warm(start: WarmStart, split: EdgeSplit | None) -> str:
    """Say what the source of the warm start knew, and which validation edges it had seen or been trained on."""
    edges = f"{split.num_valid:,} validation edges" if split else "validation edges"
    trained_on = start.valid_edges_trained_on
    if trained_on is None:
        told = "its split could not be read, so it is not known how many of them it was trained on"
    elif trained_on:
        told = f"it was trained on {trained_on:,} of them, so the validation metric and the calibration look too good"
    else:
        told = "it was trained on none of them, so the validation metric is not affected"
    return (
        f"Began from the weights of version {start.version}: {start.known_nodes:,} nodes known to it, "
        f"{start.new_nodes:,} new. Of the {edges} it had seen {start.valid_edges_seen:,}; {told}."
    )


def _against_control(evaluation: EvaluationRecord | None) -> str:
    """Say what the warm start has come to, against the same recipe from random weights."""
    if evaluation is None:
        return "It was not compared with a cold-start control: the night was not evaluated."
    difference = evaluation.drift
    if difference is None:
        return "It was not compared with a cold-start control: none was trained (train.cold_control)."
    if difference.high < 0:
        means = "the warm start has cost quality: begin cold once (train.warm_start: none)"
    elif difference.low > 0:
        means = "the warm start has gained quality"
    else:
        means = "the two cannot be told apart"
    return (
        f"This model minus its cold-start control: {estimate_text(difference, signed=True)} "
        f"{metric_name(evaluation.paired_metric)}; {means}."
    )


def reliability_section(story: NightStory) -> Section | None:
    """Return whether the probabilities that the models state come true."""
    evaluation = story.evaluation
    stating = [item for item in evaluation.scorers if item.reliability] if evaluation else []
    if not stating:
        return None
    said = [
        f"{scorer_name(item.name).capitalize()}: expected calibration error {_value(item, 'ece')}, Brier score "
        f"{_value(item, 'brier')}."
        for item in stating
    ]
    picture = Picture(
        "Stated probability against what came true",
        " ".join(said),
        reliability_figure("reliability", stating),
    )
    rows = [
        [scorer_name(item.name), f"{held.low:.2f} to {held.high:.2f}", number(held.stated, 3), number(held.observed, 3),
         Cell(f"{held.weight:.1%}", number=True)]
        for item in stating
        for held in item.reliability
    ]  # fmt: skip
    header = ("scorer", "bin", "stated", "observed", "share of the pairs")
    said.append("At even odds a perfect model lies on the diagonal; a larger mark holds more pairs.")
    folded = table("Reliability by bin", header, rows)
    return Section("reliability", "Reliability", tuple(said), pictures=(picture,), folded=(folded,), half=True)


def _value(scores: ModelScores, metric: str) -> str:
    return estimate_text(scores.metrics[metric]) if metric in scores.metrics else MISSING


def sensitivity_section(story: NightStory) -> Section | None:
    """Return what the scores do when a share of the message edges is removed or added at random."""
    evaluation = story.evaluation
    if evaluation is None or not evaluation.sensitivity:
        return None
    results = evaluation.sensitivity
    metric = results[0].metric
    rows = [
        [
            scorer_name(item.scorer),
            f"{item.change} {item.share:.0%}",
            estimate(item.value),
            number(item.unchanged, 3),
            Cell(f"{item.value.value - item.unchanged:+.3f}", number=True),
            number(item.rank_correlation, 3),
        ]
        for item in results
    ]
    worst, name = min(results, key=lambda item: item.value.value - item.unchanged), metric_name(metric)
    said = (
        f"The lowest against the graph as it is: {worst.value.value - worst.unchanged:+.3f} {name} for "
        f"{scorer_name(worst.scorer)}, {worst.change} {worst.share:.0%} of the message edges."
    )
    picture = Picture(f"{name} on a disturbed graph", said, sensitivity_figure("sensitivity", results, metric))
    header = ("scorer", "change", f"{name} then", "as it is", "difference", "rank correlation")
    shown = table("Scores on a disturbed graph", header, rows)
    return Section("sensitivity", "Sensitivity", (said,), (shown,), (picture,))
