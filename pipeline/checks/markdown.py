"""The check results as Markdown and text, and the files that keep them in the run folder."""

from __future__ import annotations

from pathlib import Path

from ncnc_core.whole_file import write_whole
from pipeline.checks.data_checks import DataChecks, verdict
from pipeline.graphs.change_summary import ChangeSummary, HubChange, Turnover
from pipeline.graphs.drift_measures import DRIFT_MEASURES
from pipeline.plain_text import markdown

MARKDOWN_FILE = "night_report.md"  # its name in the format of 2026-11, which stays
CHECKS_TEXT_FILE = "data_checks.txt"


def check_results(checks: DataChecks, change: ChangeSummary | None) -> str:
    """Return the results of a night in Markdown: the verdict, what changed, and every check."""
    outcome = "refused: nothing of it was versioned" if checks.refused else "accepted"
    parts = [
        f"# {checks.graph} as of {checks.as_of:%Y-%m-%d %H:%M} UTC",
        f"The delivery {markdown(checks.delivery)} was {outcome}.",
        *[f"- {markdown(reason)}" for reason in checks.reasons],
        "## What changed",
        changes(change) if change else "The graph could not be built from what was delivered.",
        "## Checks",
        _table(
            ("check", "verdict", "observed", "threshold"),
            [(item.name, verdict(item), item.observed, item.threshold) for item in checks.checks],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def changes(change: ChangeSummary) -> str:
    """Return the changes as Markdown tables, which are readable as plain text too."""
    turnover = [_turnover("nodes", change.nodes), _turnover("edges", change.edges)]
    tables = [
        _table(("", "before", "tonight", "added", "returned", "removed"), turnover),
        _table(("measure", "before", "tonight"), _measures(change)),
    ]
    for title, hubs in (("gaining", change.gaining), ("losing", change.losing)):
        if hubs:
            tables.append(_table((f"nodes {title} the most edges", "before", "tonight"), [_hub(hub) for hub in hubs]))
    return "\n\n".join(tables)


def write_check_results(folder: Path, checks: DataChecks, change: ChangeSummary | None) -> tuple[Path, ...]:
    """Write the checks as JSON and text, the changes as JSON, and both as Markdown; each by one atomic rename."""
    clear_check_results(folder)
    written = [
        checks.write(folder),
        write_whole(folder / CHECKS_TEXT_FILE, checks.to_text()),
        write_whole(folder / MARKDOWN_FILE, check_results(checks, change)),
    ]
    return tuple(written if change is None else [*written, change.write(folder)])


def clear_check_results(folder: Path) -> None:
    """Remove the results of an earlier attempt: one that gets no delivery must not show another's checks."""
    for name in (DataChecks.file_name, ChangeSummary.file_name, CHECKS_TEXT_FILE, MARKDOWN_FILE):
        (folder / name).unlink(missing_ok=True)


def _turnover(name: str, counts: Turnover) -> tuple[str, ...]:
    return (name, *(str(value) for value in counts.model_dump().values()))


def _hub(hub: HubChange) -> tuple[str, ...]:
    return hub.node, str(hub.before), str(hub.tonight)


def _measures(change: ChangeSummary) -> list[tuple[str, ...]]:
    before, now = change.shape_before, change.shape
    shape = [
        (label, _number(getattr(before, name, None)), _number(getattr(now, name)))
        for label, name in (
            ("mean degree", "mean_degree"),
            ("largest degree", "maximum_degree"),
            ("density", "density"),
            ("components", "components"),
            ("share outside the largest component", "outside_largest"),
            ("nodes without an edge", "orphans"),
        )
    ]
    compared = [(measure.label, "", _number(measure.of(change))) for measure in DRIFT_MEASURES]
    return [*shape, *compared]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table with its columns padded, so that it reads in a terminal too."""
    cells = [[markdown(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "| " + " | ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
