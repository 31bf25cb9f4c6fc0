"""The parts of the page that say what was decided, on which checks, at what cost, and what it was made from."""

from __future__ import annotations

from pipeline.ledger.entries import GraphRefreshed
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult
from pipeline.records.floor import best_unbeaten, what_suffices
from pipeline.report.blocks import (
    MISSING,
    Cell,
    Picture,
    Section,
    Table,
    digest,
    estimate_text,
    judged,
    metric_name,
    number,
    scorer_name,
    seconds,
    table,
)
from pipeline.report.lineage_picture import chain, lineage_label, lineage_picture, tall_lineage_picture
from pipeline.report.night_story import NightStory


def headline(story: NightStory) -> str:
    """Return the outcome in one sentence."""
    champion = story.decision.champion_version if story.decision else None
    stays = (
        f"champion version {champion} stays{_on_its_graph(story)}"
        if champion is not None
        else "there is no champion yet"
    )
    if story.outcome == "promoted" and story.entry is not None:
        return f"Promoted: version {story.entry.version} becomes the champion."
    if story.outcome == "kept" and (shadow := _shadow_promoted(story)):
        return shadow
    if story.outcome == "refused" and story.checks is not None and story.checks.refused:
        return "Refused: the delivery fails its checks. Nothing was trained, and the champion was not touched."
    if story.outcome == "refused" and story.decision is None:
        return "Refused: the night ended before a decision, and the champion was not touched."
    if story.outcome in ("failed", "unfinished"):
        word = "Failed" if story.outcome == "failed" else "Not finished"
        after = (
            f"the last step that left its record is {story.last_step}" if story.last_step else "no step left a record"
        )
        return f"{word}: {after}."
    sentences = {
        "kept": f"Kept: {stays}.",
        "refused": f"Refused by the gate: {stays}.",
        "awaiting": f"Passed the gate, and waits for a person; {stays} until then.",
        "rejected": f"Rejected by a person: {stays}.",
        "skipped": "Skipped: there was nothing to train, and the champion was not touched.",
        "passed": f"Passed the gate, and not registered yet; {stays} until then.",
    }
    return sentences.get(story.outcome, f"{story.outcome.capitalize()}.")


def _shadow_promoted(story: NightStory) -> str:
    """Return the headline of a night that promotes the shadow; empty where it does not."""
    shadow = story.decision.promoted_shadow if story.decision else None
    if shadow is None:
        return ""
    model = f"the shadow, the model of the night of {shadow.as_of:%Y-%m-%d %H:%M}"
    if story.shadow_version is None:
        return f"Kept: the night's own model stays out, and {model}, was to become champion and has not."
    return f"Promoted: version {story.shadow_version}, {model}, becomes the champion. The night's own model does not."


def _on_its_graph(story: NightStory) -> str:
    """Return which graph the champion that stays serves since this night; empty where nothing came of that."""
    if isinstance(story.refresh, GraphRefreshed):
        return f", on tonight's graph (version {story.refresh.version})"
    return ", and serves the graph of before" if story.refresh is not None else ""


def _of_the_graph(story: NightStory) -> list[str]:
    refresh = None if story.outcome == "promoted" else story.refresh  # that was while a person was asked
    if isinstance(refresh, GraphRefreshed):
        return [
            f"Version {refresh.version} serves the graph of this night with the weights of version "
            f"{refresh.weights_of}. {refresh.why}."
        ]
    return [] if refresh is None else [f"The graph of this night is not served: {refresh.why}."]


def decision_section(story: NightStory) -> Section:
    """Return the decision, its reasons, and the verdict of every rule."""
    sentences = [*_reasons(story), *_of_the_graph(story)]
    tables: tuple[Table, ...] = ()
    if story.registered is not None and (approval := story.registered.approval) is not None:
        sentences.append(f"Approved by {approval.who}, {approval.at:%Y-%m-%d %H:%M} UTC: {approval.reason}.")
        if approval.overridden:
            sentences.append(f"Overruled: {approval.overridden}.")
    if story.evaluation is not None:
        sentences.append(_in_plain_words(story.evaluation))
        sentences += _instead(story, story.evaluation)
    if story.decision is not None:
        failed = [rule.name.replace("_", " ") for rule in story.decision.rules if not rule.passed]
        count = len(story.decision.rules)
        verb = "fails" if len(failed) == 1 else "fail"
        sentences.append(
            f"{len(failed)} of {count} rules {verb}: {', '.join(failed)}." if failed else f"All {count} rules hold."
        )
        rows = [
            [rule.name.replace("_", " "), judged(rule.passed), rule.observed, rule.threshold]
            for rule in story.decision.rules
        ]
        tables = (table("The rules of the gate", ("rule", "verdict", "observed", "threshold"), rows, "prose"),)
    return Section("decision", "Decision and reasons", tuple(sentences), tables)


def _reasons(story: NightStory) -> tuple[str, ...]:
    """Return the recorded reasons: one for each failed check of a refused delivery, else the night's or the gate's."""
    if story.decision is None and story.checks is not None and story.checks.refused:
        return story.checks.reasons
    approved = story.registered is not None and story.registered.approval is not None  # the next sentence tells it
    if story.entry is not None and not (approved and story.decision is not None):
        return (f"Reason: {story.entry.reason}",)
    return (f"Reason: {story.decision.reason}",) if story.decision else ()


def _in_plain_words(evaluation: EvaluationRecord) -> str:
    metric = evaluation.paired_metric
    parts = [
        f"the {scores.name} {estimate_text(scores.metrics[metric])}"
        for scores in (evaluation.challenger, *([evaluation.champion] if evaluation.champion else []))
        if metric in scores.metrics
    ]
    if (best := evaluation.best_of_floor) is not None:
        parts.append(f"the best of the floor ({scorer_name(best.name)}) {estimate_text(best.metrics[metric])}")
    seen = "no model" if evaluation.champion is None else "neither model"
    edges = f"On {evaluation.num_test_edges:,} edges that {seen} has seen"
    note = f" ({evaluation.champion_note})" if evaluation.champion_note else ""
    return f"{edges}, by {metric_name(metric)}: {', '.join(parts)}{note}."


def _instead(story: NightStory, evaluation: EvaluationRecord) -> list[str]:
    """Say what does what the challenger does, and where nothing serves yet, that it is the thing to use."""
    best = best_unbeaten(evaluation, evaluation.over_floor or ())
    if best is None:
        return []
    said = [f"{what_suffices(evaluation, evaluation.over_floor or ()).replace(best.name, scorer_name(best.name), 1)}."]
    if story.decision is not None and story.decision.champion_version is None and not story.decision.promote:
        said.append(f"No model serves: until one is better, rank pairs by {scorer_name(best.name)}.")
    return said


def checks_section(story: NightStory) -> Section | None:
    """Return every check of the delivery and of the graph it makes."""
    checks = story.checks.checks if story.checks else story.snapshot.checks if story.snapshot else ()
    if not checks:
        return None
    failed = [item for item in checks if not item.passed]
    held = len(checks) - len(failed)
    said = [f"{held} of {len(checks)} checks hold."]
    if story.checks is not None:
        said.append(f"Delivery: {story.checks.delivery}")
    rows = [_check(item) for item in (*failed, *(item for item in checks if item.passed))]
    header = ("check", "verdict", "observed", "threshold")
    shown = table("Data checks, failed ones first", header, rows, "prose")
    return Section("checks", "Data checks", tuple(said), (shown,))


def _check(item: CheckResult) -> list[Cell | str]:
    warning = item.level == "warn"
    return [item.name.replace("_", " "), judged(item.passed, warning=warning), item.observed, item.threshold]


def certificate_section(story: NightStory) -> Section | None:
    """Return every invariant of the leak certificate, from the split to the scoring."""
    held = story.evaluation.certificate if story.evaluation else story.split.certificate if story.split else ()
    if not held:
        return None
    broken = [item for item in held if not item.passed]
    looked_at = sum(item.checked for item in held)
    verdict = f"{len(broken)} of them broken" if broken else "none is broken"
    rows = [
        [item.name.replace("_", " "), judged(item.passed), number(item.checked), number(item.violations)]
        for item in (*broken, *(item for item in held if item.passed))
    ]
    return Section(
        "certificate",
        "Leak certificate",
        (f"{len(held)} invariants over {looked_at:,} items; {verdict}.",),
        folded=(table("Invariants", ("invariant", "verdict", "checked", "violations"), rows),),
        half=True,
    )


def cost_section(story: NightStory) -> Section | None:
    """Return what training and evaluation took."""
    trained, evaluation = story.trained, story.evaluation
    rows: list[list[Cell | str]] = []
    if trained is not None:
        rows.append([f"training, {trained.epochs} epochs", seconds(trained.seconds), number(None)])
    if evaluation is not None:
        rows.append(["evaluation", seconds(evaluation.seconds), number(None)])
        rows += [[f"evaluation: {item.part}", seconds(item.seconds), number(item.pairs)] for item in evaluation.costs]
    if not rows:
        return None
    said = []
    if trained is not None:
        machine = ", ".join(f"{name} {value}" for name, value in trained.machine.items())
        said = [f"{trained.num_parameters:,} parameters, trained on {machine}."]
    header = ("part", "seconds", "pairs scored")
    return Section("cost", "Cost", tuple(said), (table("Seconds by part", header, rows),), half=True)


def lineage_section(story: NightStory) -> Section | None:
    """Return the night's chain as a picture, and the digests in full."""
    if story.snapshot is None:
        return None
    links = chain(story)
    picture = Picture(
        "From the source's bytes to the version; each digest fixes everything before it.",
        f"Lineage: {lineage_label(links)}",
        lineage_picture(links),
        tall_lineage_picture(links),
        wide=True,
    )
    rows = [[link.what, Cell(link.digest or MISSING, code=True), link.note] for link in links]
    rows += [
        ["snapshot tag", Cell(story.snapshot.tag, code=True), ""],
        ["code", digest(story.snapshot.code_version), f"commit {story.snapshot.git_commit or 'not recorded'}"],
        ["run key", digest(story.snapshot.run_key), ""],
    ]
    if story.lineage is not None:
        rows.append(["lineage record", Cell(story.lineage.sha256, code=True), ""])
    return Section(
        "lineage",
        "Lineage",
        pictures=(picture,),
        folded=(table("The digests in full", ("what", "sha256", "note"), rows),),
    )
