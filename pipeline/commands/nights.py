"""Commands that show the outcome of the nights: status, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import ParamsFile, RunDir, open_doors, print_line

if TYPE_CHECKING:
    from pipeline.doors import Doors
    from pipeline.ledger.entries import Entry

nights = typer.Typer()


@nights.command()
def status(
    graph: Annotated[str | None, typer.Option(help="The graph; default: the one in params.yaml.")] = None,
    shown: Annotated[int, typer.Option("--nights", min=1, help="How many nights to show.")] = 10,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Show the last nights with their outcomes, and the age of the champion."""
    from rich.console import Console

    from pipeline.commands.score_tables import nights_table
    from pipeline.ledger.entries import NightEntry
    from pipeline.params.params import Params

    doors, console = open_doors(), Console(stderr=True)
    name = graph or Params.load(params).snapshot.graph
    ledger = doors.ledger.entries(name)
    entries = [entry for entry in ledger if isinstance(entry, NightEntry)]
    console.print(nights_table(entries[-shown:]))
    said = _what_stops(name, ledger, doors)
    for line in said:
        console.print(line, markup=False)
    champion = doors.registry.versions.champion(name)
    age_days = (doors.clock() - champion.as_of).days if champion else None
    console.print(
        f"champion: version {champion.version}, graph as of {champion.as_of:%Y-%m-%d %H:%M}, {age_days} days old"
        if champion
        else f"{name} has no champion yet"
    )
    print_line(
        graph=name,
        nights=len(entries),
        champion=champion.version if champion else None,
        age_days=age_days,
        stopped=said,
    )


def _what_stops(graph: str, entries: Sequence[Entry], doors: Doors) -> list[str]:
    """Return in words what keeps nights from promoting: a pin, a pause, or a registry that is not the ledger's."""
    from pipeline.ledger.promotion_stops import standing_stop, stop_in_words
    from pipeline.ledger.registry_agreement import disagreement

    found = []
    if (said := disagreement(entries, doors.registry.aliases.state(graph))) is not None:
        found.append(f"ledger and MLflow disagree: {said}. See: ncnc registry doctor --graph {graph}")
    if (stop := standing_stop(entries, doors.clock())) is not None:
        found.append(stop_in_words(stop))
    return found


@nights.command()
def report(run_dir: RunDir) -> None:
    """Write the report of a night: one HTML page.

    You can run it for every night, also one that was refused or skipped.
    """
    from pipeline.report.publishing import publish_report
    from pipeline.runs.folder import RunFolder

    doors = open_doors()
    folder = RunFolder(run_dir, doors.registry)
    made = publish_report(folder, doors)
    print_line(run=folder.name, outcome=made.outcome, report=made.page, copy=made.copy, link=made.address, tag=made.tag)
