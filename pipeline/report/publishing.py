"""Where a night's report goes: the run folder, a folder of all reports, MLflow, and the branch that DVC compares.

With it goes the index of all nights, which is made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ncnc_core.whole_file import write_whole
from pipeline.doors import Doors
from pipeline.records.measures import measures
from pipeline.report.approval_text import approval_text
from pipeline.report.index_publishing import PublishedIndex, publish_index
from pipeline.report.kept_figures import figures_of
from pipeline.report.kept_index import reports_folder
from pipeline.report.night_story import NightStory, read_story
from pipeline.report.page import REPORT_FILE, report_page
from pipeline.runs.folder import RunFolder


@dataclass(frozen=True)
class PublishedReport:
    """Where one night's report lies. A night without a decision has no tag and an empty summary."""

    outcome: str
    page: Path
    copy: Path
    address: str
    tag: str | None
    index: PublishedIndex
    summary: str  # what decides, for the form that a person answers


def publish_report(folder: RunFolder, doors: Doors) -> PublishedReport:
    """Make the report of a night, whatever its outcome, and write it everywhere; a second call writes the same again.

    Raises:
        OutsideTrouble: MLflow or the data repository's origin gives no answer.
    """
    story = read_story(folder, doors)
    text = report_page(story)
    page = write_whole(folder.path / REPORT_FILE, text)
    # Run folders are deleted after a while; this folder keeps every page in one place.
    copy = write_whole(reports_folder(doors) / f"{story.run_name}.html", text)
    run_id = doors.registry.pages.keep(story.graph, story.run_name, page, outcome=story.outcome)
    address = doors.registry.pages.address(run_id, doors.environment.mlflow_pages)
    tag = _tag(folder, story, doors)
    index = publish_index(doors, story.graph, figures_of(story, doors.registry.pages.place(run_id)))
    return PublishedReport(story.outcome, page, copy, address, tag, index, approval_text(story))


def _tag(folder: RunFolder, story: NightStory, doors: Doors) -> str | None:
    """Publish a decided night's commit and tag. A run named by hand, as `dvc repro` names it, gets none."""
    if story.decision is None or folder.as_of is None:
        return None
    return doors.nights.publish(story.run_name, measures(story.trained, story.evaluation, story.decision))
