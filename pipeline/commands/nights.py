"""Commands that show the outcome of the nights: status, report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import ParamsFile, RunDir, open_doors, print_line

nights = typer.Typer()


@nights.command()
def status(
    graph: Annotated[str | None, typer.Option(help="The graph; default: the one in params.yaml.")] = None,
    shown: Annotated[int, typer.Option("--nights", min=1, help="How many nights to show.")] = 10,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Show the last nights, what needs a person, how old the champion's weights and graph are, and the index."""
    from pipeline.commands.score_tables import nights_table
    from pipeline.ledger.night import last_nights
    from pipeline.ledger.served_weights import served_in_words
    from pipeline.ledger.shadows import standing_shadow
    from pipeline.params.params import Params
    from pipeline.report.kept_index import current_needs, find_index, retracted_parts
    from pipeline.terminal import for_messages

    doors, console = open_doors(), for_messages()
    name = graph or Params.load(params).snapshot.graph
    entries = list(last_nights(ledger := doors.ledger.entries(name)).values())
    console.print(nights_table(entries[-shown:]))
    for need in (needed := current_needs(doors, name, ledger)):
        console.print(f"{need.what} {need.advice} {need.command}".rstrip())
    champion, weights = doors.registry.versions.champion(name), doors.registry.versions.champion_weights(name)
    ages = [None if one is None else (doors.clock() - one.as_of).days for one in (weights, champion)]
    served = f"champion: {served_in_words(ledger, champion.version)}" if champion else f"{name} has no champion yet"
    console.print(f"{served}; weights {ages[0]} days old, graph {ages[1]} days old" if champion else served)
    index, shadow = find_index(doors, name), standing_shadow(ledger)
    beside = [f"shadow: {shadow.shadow.in_words()}"] if shadow is not None else []
    console.print("\n".join([*beside, f"all nights: {index or 'no page yet; ncnc report makes it'}"]))
    print_line(
        graph=name,
        nights=len(entries),
        champion=champion.version if champion else None,
        weights_of=weights.version if weights else None,
        shadow=shadow.shadow.run_name if shadow else None,
        age_days=ages[0],
        graph_age_days=ages[1],
        retracted="; ".join(dict.fromkeys(part.reason for part in retracted_parts(doors, name))) or None,
        stopped=[need.what for need in needed if need.kind in ("disagreement", "stopped")],
        needs=[need.kind for need in needed],
        index=index,
    )


@nights.command()
def report(
    run_dir: RunDir,
    ended: Annotated[
        bool, typer.Option("--ended", help="The night is over: enter it as failed where no step has entered it.")
    ] = False,
    why: Annotated[str, typer.Option(help="With --ended: what the night's last step said.")] = "",
) -> None:
    """Write the report of a night, one HTML page, and the index of all nights beside it.

    You can run it for every night, also one that was refused or skipped.
    """
    from pipeline.night import end_night
    from pipeline.report.publishing import publish_report
    from pipeline.runs.folder import RunFolder

    doors = open_doors()
    folder = RunFolder(run_dir, doors.registry)
    if ended:
        end_night(folder, why, doors=doors)
    made = publish_report(folder, doors)
    print_line(
        run=folder.name,
        outcome=made.outcome,
        report=made.page,
        copy=made.copy,
        link=made.address,
        tag=made.tag,
        summary=made.summary,
        index=made.index.page,
        index_link=made.index.address,
        needs=[asdict(need) | {"urgent": need.urgent} for need in made.index.needs],
    )
