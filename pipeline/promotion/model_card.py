"""The model card: what a version was made from, how it measured up, and what it must not be used for, in Markdown."""

from __future__ import annotations

from pipeline.plain_text import markdown
from pipeline.records.chain import Approval, EdgeSplit, GraphSnapshot, PromotionDecision, RegisteredModel, TrainedModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.floor import not_computed, what_suffices
from pipeline.records.recipe import recipe_sentences
from pipeline.records.scores import Interval, ModelScores, interval_text

LENGTH = 4900  # MLflow's database keeps 5000 characters of a description
METRICS = ("mrr", "hits@10", "hits@100", "shared_hits@100", "auc", "average_precision", "brier", "ece")
WORST_SLICES = 6
REASONS = 800  # characters of why the recipe is this one


def model_card(
    description: str,
    *,
    snapshot: GraphSnapshot,
    split: EdgeSplit,
    trained: TrainedModel,
    evaluation: EvaluationRecord,
    decision: PromotionDecision,
    registered: RegisteredModel,
    approval: Approval | None,
    lineage_sha256: str,
) -> str:
    """Return the card, at most `LENGTH` characters; what the records do not hold is left out.

    Where it would be longer, the slices are left out first, then the rules; the sections above them matter more.
    """
    sections = [
        _heading(description, snapshot, registered, decision, approval),
        _data(snapshot, split),
        _training(trained),
        _metrics(evaluation),
        _limits(evaluation, decision),
        _lineage(snapshot, registered, lineage_sha256),
        _rules(decision),
        _slices(evaluation),
    ]
    kept = [section for section in sections if section]
    while len("\n\n".join(kept)) > LENGTH and len(kept) > 1:
        kept.pop()
    card = "\n\n".join(kept)
    return card if len(card) <= LENGTH else card[: LENGTH - 1] + "…"


def _heading(
    description: str,
    snapshot: GraphSnapshot,
    registered: RegisteredModel,
    decision: PromotionDecision,
    approval: Approval | None,
) -> str:
    lines = [f"# {registered.name} version {registered.version}"]
    if description:
        lines.append(_short(description))
    if approval is not None and approval.overridden:
        lines.append(
            f"**OVERRIDE: {_short(approval.who)} promoted this on {approval.at:%Y-%m-%d %H:%M} UTC against an "
            f"objection.** Reason given: {_short(approval.reason)}. Set aside: {_short(approval.overridden)}."
        )
    elif approval is not None:
        lines.append(
            f"Approved by {_short(approval.who)} on {approval.at:%Y-%m-%d %H:%M} UTC: {_short(approval.reason)}."
        )
    else:
        by = "the gate" if registered.evidence is None else "the evidence of nights"
        lines.append(f"Promoted by {by} alone; no person was asked.")
    if registered.evidence is not None:
        lines.append(f"The evidence: {_short(registered.evidence.in_words(), 480)}.")
    lines.append(f"The gate{' on its own night' if registered.evidence else ''}: {_short(decision.reason)}.")
    lines.append(f"Made by run `{snapshot.run_name}`.")
    return "\n\n".join(lines)


def _data(snapshot: GraphSnapshot, split: EdgeSplit) -> str:
    warned = [check.name for check in snapshot.checks if not check.passed]
    without = split.num_without_negatives
    left_out = f" ({without:,} left out, as they have no negative)" if without else ""
    lines = [
        f"- graph `{snapshot.graph}` as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC: {snapshot.num_nodes:,} nodes, "
        f"{snapshot.num_edges:,} edges, {snapshot.num_features} features",
        f"- since the snapshot before: {snapshot.added_edges:,} edges added, {snapshot.removed_edges:,} removed, "
        f"{snapshot.returned_edges:,} returned",
        f"- split: {split.method}, {split.num_train:,} edges to train, {split.num_valid:,} to validate, "
        f"{split.num_test:,} to test{left_out}; negatives {', '.join(split.negative_kinds)}",
    ]
    if warned:
        lines.append(f"- checks that warned: {', '.join(warned)}")
    return "## Data\n\n" + "\n".join(lines)


def _training(trained: TrainedModel) -> str:
    start = "from random weights"
    if trained.warm_start is not None:
        warm = trained.warm_start
        start = f"from the weights of version {warm.version} ({warm.new_nodes:,} new nodes)"
    recipe = _short(" ".join(recipe_sentences(trained)), REASONS)
    said = f"{recipe}. " if recipe else ""
    return (
        f"## Training\n\n{said}{trained.epochs} epochs {start}, the best {trained.best_epoch} by "
        f"{trained.selection_metric} {trained.best_value:.4f} on validation; {trained.num_parameters:,} parameters, "
        f"seed {trained.seed}."
    )


def _metrics(evaluation: EvaluationRecord) -> str:
    scorers = [scorer for scorer in evaluation.scorers if scorer.metrics]
    names = [name for name in METRICS if any(name in scorer.metrics for scorer in scorers)]
    table = [
        f"| scorer | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
        *[f"| {_scorer(scorer)} | {' | '.join(_cell(scorer, name) for name in names)} |" for scorer in scorers],
    ]
    said = (
        f"{evaluation.num_test_edges:,} test edges that no scorer had seen and {evaluation.num_negatives:,} negatives, "
        f"the same for every scorer."
    )
    if evaluation.paired is not None:
        paired = evaluation.paired
        said += (
            f" Challenger minus champion, {paired.metric}: {_signed(paired.difference)}, p {paired.p_value:.2g}, "
            f"resampled by {paired.resampled_by}."
        )
    elif evaluation.champion_note:
        said += f" No comparison with a champion: {_short(evaluation.champion_note)}."
    return "## Metrics\n\n" + said + "\n\n" + "\n".join(table)


def _slices(evaluation: EvaluationRecord) -> str:
    measured = [part for part in evaluation.slices if part.challenger is not None]
    if not measured:
        return ""
    worst = sorted(measured, key=lambda part: part.challenger.value if part.challenger else 0.0)[:WORST_SLICES]
    rows = [
        f"| {markdown(part.key)} | {part.num_edges:,} | {_interval(part.challenger)} | {_interval(part.champion)} |"
        for part in worst
    ]
    table = ["| slice | edges | challenger | champion |", "|---|---|---|---|", *rows]
    return f"## Slices where it is weakest ({worst[0].metric})\n\n" + "\n".join(table)


def _limits(evaluation: EvaluationRecord, decision: PromotionDecision) -> str:
    lines = [
        "- scores pairs of nodes that its graph held at the time above; it knows nothing of later nodes and edges",
        "- predicts undirected links: (u, v) and (v, u) have one score; weights and types chose the rows of its graph, "
        "and it does not see them",
    ]
    if decision.cold_start:
        lines.append("- cold start: held against the floor alone, never against another model")
    if suffices := what_suffices(evaluation, evaluation.over_floor or ()):
        lines.append(f"- {markdown(suffices)}")
    if absent := not_computed(evaluation.floor_absent, evaluation.floor_absent):
        lines.append(f"- of the floor {markdown(absent)}")
    if evaluation.num_seen_by_champion:
        lines.append(f"- {evaluation.num_seen_by_champion:,} test edges were left out, for the champion had seen them")
    for part in evaluation.sensitivity:
        if part.scorer == evaluation.challenger.name and abs(part.value.value - part.unchanged) > 0.1 * part.unchanged:
            lines.append(
                f"- {part.change} {part.share:.0%} of the message edges at random, and its {part.metric} goes from "
                f"{part.unchanged:.3f} to {part.value.value:.3f}"
            )
    return "## Limits\n\n" + "\n".join(lines)


def _rules(decision: PromotionDecision) -> str:
    rows = [
        f"| {rule.name} | {_short(rule.threshold)} | {_short(rule.observed)} | {'yes' if rule.passed else 'NO'} |"
        for rule in decision.rules
    ]
    return "## Rules of the gate\n\n" + "\n".join(["| rule | needed | observed | passed |", "|---|---|---|---|", *rows])


def _lineage(snapshot: GraphSnapshot, registered: RegisteredModel, lineage_sha256: str) -> str:
    name, version = registered.name, registered.version
    return "\n".join(
        [
            "## Lineage, and how to load it",
            "",
            f"- lineage `{lineage_sha256}`; check every byte with `ncnc audit model {name}@{version}`",
            f"- snapshot `{snapshot.tag}`, content `{snapshot.content_id[:12]}`, code `{snapshot.code_version[:12]}`, "
            f"commit `{(snapshot.git_commit or 'not recorded')[:12]}`",
            "",
            "```python",
            f'model = mlflow.pyfunc.load_model("models:/{name}/{version}")',
            'model.predict(pandas.DataFrame({"source": [...], "target": [...]}))',
            "```",
        ]
    )


def _scorer(scores: ModelScores) -> str:
    return scores.name if scores.version is None else f"{scores.name} (version {scores.version})"


def _cell(scores: ModelScores, metric: str) -> str:
    return _interval(scores.metrics.get(metric))


def _interval(interval: Interval | None) -> str:
    return "-" if interval is None else interval_text(interval)


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"


def _short(text: str, length: int = 240) -> str:
    """Return text from outside on one line of Markdown, cut where it is long; it ends in no full stop."""
    line = " ".join(text.split()).rstrip(".")
    return markdown(line if len(line) <= length else line[: length - 1] + "…")
