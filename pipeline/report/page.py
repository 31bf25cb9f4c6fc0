"""The page: every section in its order, in one HTML file that loads nothing else."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.plain_text import plain
from pipeline.report.blocks import MISSING, Cell, Section, short
from pipeline.report.decision_sections import (
    certificate_section,
    checks_section,
    cost_section,
    decision_section,
    headline,
    lineage_section,
)
from pipeline.report.graph_sections import graph_section, trend_section
from pipeline.report.model_sections import reliability_section, sensitivity_section, training_section
from pipeline.report.night_story import NightStory
from pipeline.report.score_sections import comparison_section, scores_section, slices_section, warm_and_cold_section
from pipeline.report.shadow_section import shadow_section
from pipeline.report.staleness_sections import staleness_section
from pipeline.report.temporal_sections import activity_section, importance_section

REPORT_FILE = "report.html"
GOOD, BAD = ("promoted", "passed"), ("refused", "rejected", "failed", "unfinished")
TONES = dict.fromkeys(GOOD, "good") | dict.fromkeys(BAD, "bad")
SIGNS = {
    "promoted": "✓",
    "passed": "✓",
    "awaiting": "?",
    "rejected": "✗",
    "kept": "=",
    "skipped": "↷",
    "refused": "✗",
    "failed": "✗",
    "unfinished": "…",
}
# The decision comes first, so that the first screen says what matters.
SECTIONS = (
    scores_section,
    comparison_section,
    shadow_section,
    trend_section,
    staleness_section,
    slices_section,
    warm_and_cold_section,
    activity_section,
    importance_section,
    training_section,
    reliability_section,
    graph_section,
    sensitivity_section,
    checks_section,
    certificate_section,
    cost_section,
    lineage_section,
)


def report_page(story: NightStory) -> str:
    """Return a night's report as HTML; the same night gives the same text."""
    return (
        page_environment()
        .get_template("report.html")
        .render(
            story=story,
            headline=headline(story),
            tone=TONES.get(story.outcome, "even"),
            sign=SIGNS.get(story.outcome, ""),
            facts=facts(story),
            sections=sections(story),
            style=Markup(template_text("report.css")),  # noqa: S704 - our own file, and CSS has characters that would be escaped
        )
    )


def page_environment() -> Environment:
    """Return what makes a page of a template: every text is escaped, as names and reasons may hold markup."""
    return Environment(
        loader=PackageLoader("pipeline.report"),
        autoescape=True,
        finalize=_finished,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template_text(name: str) -> str:
    """Return a file of the templates as it is."""
    environment = page_environment()
    return environment.loader.get_source(environment, name)[0] if environment.loader else ""


def _finished(value: object) -> object:
    """Return a value as the page shows it: what turns the direction of text would change what is read."""
    return plain(value) if type(value) is str else value


def sections(story: NightStory) -> tuple[Section, ...]:
    """Return the sections that have content; a night without an evaluation shows its checks first."""
    order = (
        SECTIONS
        if story.evaluation is not None
        else (checks_section, *(s for s in SECTIONS if s is not checks_section))
    )
    made = [section(story) for section in order]
    return (decision_section(story), *(section for section in made if section is not None))


def facts(story: NightStory) -> tuple[tuple[str, Cell], ...]:
    """Return what identifies the night."""
    snapshot = story.snapshot
    found = [
        ("graph", Cell(story.graph)),
        ("as of", Cell(f"{story.as_of:%Y-%m-%d %H:%M} UTC" if story.as_of else MISSING)),
        ("run", Cell(story.run_name, code=True)),
    ]
    if snapshot is not None:
        found += [
            ("snapshot", Cell(snapshot.snapshot_id, code=True)),
            ("nodes", Cell(f"{snapshot.num_nodes:,}")),
            ("edges", Cell(f"{snapshot.num_edges:,}")),
        ]
    if story.split is not None:
        split = story.split
        counts = f"{split.num_train:,} / {split.num_valid:,} / {split.num_test:,}"
        if split.num_without_negatives:
            counts += f" ({split.num_without_negatives:,} more have no negative)"
        if split.num_returning:
            counts += f"; {split.num_returning:,} more came back in the test window, and are not tested"
        found.append((f"{split.method} split: train / valid / test", Cell(counts)))
        if split.num_historical_negatives is not None:
            found.append(
                ("historical negatives", Cell(f"{split.num_historical_negatives:,} of the test's were an edge"))
            )
    if snapshot is not None:
        found.append(("code", Cell(short(snapshot.code_version), code=True)))
    return tuple(found)
