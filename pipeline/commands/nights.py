"""The command beside the steps that tells a person what came of a night."""

from __future__ import annotations

import typer

from pipeline.commands.options import RunDir, open_doors, print_line

reports = typer.Typer()


@reports.command()
def report(run_dir: RunDir) -> None:
    """Write the night's report: one HTML page, whatever came of the night."""
    from pipeline.report.publishing import publish_report
    from pipeline.runs.folder import RunFolder

    doors = open_doors()
    folder = RunFolder(run_dir, doors.registry)
    made = publish_report(folder, doors)
    print_line(run=folder.name, outcome=made.outcome, report=made.page, copy=made.copy, link=made.address, tag=made.tag)
