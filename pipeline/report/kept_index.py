"""What is kept of the index: where its page is, the figures beside it, and what needs a person by them.

Nothing here draws, so that `ncnc status` need not wait for what does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NewerFormat, TamperedRecord
from pipeline.ledger.entries import Entry
from pipeline.report.kept_figures import KeptFigures
from pipeline.report.needs import Need, needs

ALL_REPORTS = "reports"


def reports_folder(doors: Doors) -> Path:
    """Return the folder of all reports on this machine."""
    return doors.environment.home / ALL_REPORTS


def index_page(doors: Doors, graph: str) -> Path:
    """Return the path of a graph's index in the folder of all reports; a night's page is named for its time as well."""
    return reports_folder(doors) / f"{graph}.html"


def find_index(doors: Doors, graph: str) -> str | None:
    """Return where people open the index: the file on this machine, else in MLflow; None where none was made yet."""
    page = index_page(doors, graph)
    if page.is_file():
        return str(page)
    run_id = doors.registry.pages.index_run(graph)
    return run_id and doors.registry.pages.index_address(run_id, doors.environment.mlflow_pages)


def current_needs(
    doors: Doors, graph: str, entries: Sequence[Entry], kept: KeptFigures | None = None
) -> tuple[Need, ...]:
    """Return what needs a person now; the figures are those kept beside the index, where none are handed in."""
    kept = kept_figures(doors, graph) if kept is None else kept
    return needs(
        entries,
        kept.by_night,
        doors.registry.aliases.state(graph),
        graph=graph,
        at=doors.clock(),
        retracted="; ".join(part.said for part in retracted_parts(doors, graph)),
    )


def kept_figures(doors: Doors, graph: str) -> KeptFigures:
    """Return the figures as they are kept; nothing where they were damaged or a newer version wrote them."""
    run_id = doors.registry.pages.index_run(graph)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / KeptFigures.file_name
        try:
            if run_id is not None and doors.registry.runs.fetch_file(run_id, path, path.name):
                return KeptFigures.read(path.parent)
        except (TamperedRecord, NewerFormat):
            pass  # they are copies: all of them are read anew, some each night
    return KeptFigures(graph=graph)


@dataclass(frozen=True)
class RetractedPart:
    """A part of the champion that was made from a snapshot that was retracted: in words, and why it was."""

    said: str
    reason: str


def retracted_parts(doors: Doors, graph: str) -> tuple[RetractedPart, ...]:
    """Return which of the champion's parts, weights and graph, were made from a snapshot that was retracted."""
    versions, retracted = doors.registry.versions, doors.snapshots.journal().retracted
    try:
        parts = {"weights": versions.champion_weights(graph), "graph": versions.champion(graph)}
    except InvalidInput:  # MLflow has it no more, or it is none of ours: that is told as a disagreement
        return ()
    tags = {part: version.snapshot_tag for part, version in parts.items() if version is not None}
    found = ((part, retracted[tag]) for part, tag in tags.items() if tag in retracted)
    return tuple(
        RetractedPart(f"the champion's {part} came from {one.tag}, which was {one.in_words}", one.reason)
        for part, one in found
    )
