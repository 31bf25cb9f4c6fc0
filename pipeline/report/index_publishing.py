"""Where the index of all nights goes: beside the nights' pages, and in MLflow; and what is read for it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ncnc_core.whole_file import write_whole
from pipeline.doors import Doors
from pipeline.ledger.night import last_nights
from pipeline.ledger.shadows import standing_shadow
from pipeline.report.kept_figures import NightFigures, missing, read_figures
from pipeline.report.kept_index import current_needs, index_page, kept_figures, reports_folder
from pipeline.report.needs import Need
from pipeline.report.night_rows import NightRow, night_rows
from pipeline.report.nights_page import Link, nights_page, nights_picture


@dataclass(frozen=True)
class PublishedIndex:
    """Where the index of a graph lies, and what needs a person by it."""

    page: Path
    address: str
    needs: tuple[Need, ...]


def publish_index(doors: Doors, graph: str, tonight: NightFigures | None = None) -> PublishedIndex:
    """Make the index of a graph and write it everywhere; `tonight` takes the place of what is kept of that night.

    Read are the ledger, one small file of figures, and the records of at most `READ_AT_ONCE` nights that it lacks. Of
    two calls at one time the later wins; what it lacks of the other one's night the next call reads.

    Raises:
        OutsideTrouble: MLflow or the data repository's origin gives no answer.
    """
    entries = doors.ledger.entries(graph)
    kept = kept_figures(doors, graph)
    kept = kept.having(*([tonight] if tonight is not None else []))
    lacking = missing(kept, list(last_nights(entries)))
    kept = kept.having(*(read_figures(doors, graph, run_name) for run_name in lacking))
    rows, needed = night_rows(entries, kept.by_night), current_needs(doors, graph, entries, kept)
    picture, folder = nights_picture(rows), reports_folder(doors)
    standing = standing_shadow(entries)
    shadow = standing.shadow.in_words() if standing is not None else ""
    text = nights_page(graph, rows, needed, picture, _beside(folder, doors), shadow)
    page = write_whole(index_page(doors, graph), text)
    with tempfile.TemporaryDirectory() as scratch:
        text = nights_page(graph, rows, needed, picture, _on_the_site(folder, doors), shadow)
        run_id = doors.registry.pages.keep_index(graph, write_whole(Path(scratch) / "nights.html", text))
        doors.registry.runs.put_file(run_id, kept.write(Path(scratch)), kept.file_name)
    return PublishedIndex(page, doors.registry.pages.index_address(run_id, doors.environment.mlflow_pages), needed)


def _beside(folder: Path, doors: Doors) -> Link:
    """Return the links of the page in the folder of all reports: the page beside it, else the one in MLflow."""

    def link(row: NightRow) -> str:
        name = f"{row.night.run_name}.html" if row.night else ""
        return name if (folder / name).is_file() else _address(row, doors)

    return link


def _on_the_site(folder: Path, doors: Doors) -> Link:
    """Return the links of the page in MLflow: the night's page there, else, without a site, the file."""

    def link(row: NightRow) -> str:
        file = folder / f"{row.night.run_name}.html" if row.night else folder
        return _address(row, doors) or (file.as_uri() if file.is_file() else "")

    return link


def _address(row: NightRow, doors: Doors) -> str:
    pages = doors.registry.pages
    return pages.at(row.figures.place if row.figures else "", doors.environment.mlflow_pages)
