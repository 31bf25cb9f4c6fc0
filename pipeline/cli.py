"""The command line: one argv that the person, `dvc.yaml` and Airflow run.

Exit codes: 0 done, 2 the input is wrong, 75 trouble outside, 99 nothing to do. The last line on standard output is
one JSON object; errors go to standard error.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.models import models, recommendations
from pipeline.commands.nights import reports
from pipeline.commands.options import ParamsFile, open_doors, print_line
from pipeline.commands.promotions import promotions
from pipeline.commands.registry import registry
from pipeline.commands.snapshots import snapshots, snapshots_check
from pipeline.commands.steps import steps
from pipeline.commands.tune import tuning
from pipeline.errors import InvalidInput, StepError, TamperedRecord

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
audit_app = typer.Typer(no_args_is_help=True, help="Walk a model back to the bytes that made it.")
app.add_typer(steps)
app.add_typer(models)
app.add_typer(tuning)
app.add_typer(promotions)
app.add_typer(registry, name="registry")
app.add_typer(recommendations)
app.add_typer(reports)
app.add_typer(snapshots, name="snapshots")
snapshots.command(name="check")(snapshots_check)
app.add_typer(audit_app, name="audit")


@app.command(name="try")
def try_(
    edges: Annotated[Path, typer.Argument(help="A Parquet or CSV file, one row per edge.")],
    nodes: Annotated[Path | None, typer.Option(help="A node table with features.")] = None,
    params: ParamsFile = Path("params.yaml"),
    settings: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the file.")] = None,
    home: Annotated[Path, typer.Option(help="Where the trial keeps everything it makes.")] = Path(".ncnc/try"),
) -> None:
    """Check, split, train and evaluate on your own edge file, without Airflow."""
    from rich.console import Console

    from pipeline.commands.score_tables import rules_table, scores_table, slices_table
    from pipeline.commands.trial import run_trial, trial_params
    from pipeline.params.params import Params

    console = Console(stderr=True)
    effective = trial_params(Params.load(params), settings or [], edges)
    trial = run_trial(edges, nodes, effective, home, lambda step: console.print(f"[bold]{step}[/bold] ..."))
    console.print(f"{trial.snapshot.num_nodes} nodes, {trial.snapshot.num_edges} edges")
    console.print(scores_table(trial.report))
    console.print(slices_table(trial.report))
    console.print(rules_table(trial.decision))
    console.print(f"the gate would {'promote' if trial.decision.promote else 'refuse'} it: {trial.decision.reason}")
    print_line(folder=trial.folder, promote=trial.decision.promote, reason=trial.decision.reason)


@app.command()
def status(
    graph: Annotated[str | None, typer.Option(help="The graph; by default the one that params.yaml names.")] = None,
    nights: Annotated[int, typer.Option(min=1, help="How many nights to show.")] = 10,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Show the last nights, their outcomes and reasons, and the age of the champion."""
    from rich.console import Console

    from pipeline.commands.score_tables import nights_table
    from pipeline.ledger.entries import NightEntry
    from pipeline.params.params import Params

    doors, console = open_doors(), Console(stderr=True)
    name = graph or Params.load(params).snapshot.graph
    entries = [entry for entry in doors.ledger.entries(name) if isinstance(entry, NightEntry)]
    console.print(nights_table(entries[-nights:]))
    champion = doors.registry.champion(name)
    age_days = (doors.clock() - champion.as_of).days if champion else None
    console.print(
        f"champion: version {champion.version}, graph as of {champion.as_of:%Y-%m-%d %H:%M}, {age_days} days old"
        if champion
        else f"{name} has no champion yet"
    )
    print_line(graph=name, nights=len(entries), champion=champion.version if champion else None, age_days=age_days)


@audit_app.command(name="model")
def audit_model(model: Annotated[str, typer.Argument(help="NAME@alias or NAME@version.")]) -> None:
    """Recompute every digest from the registered version down to the snapshot's bytes."""
    import tempfile

    from rich.console import Console

    from pipeline.audit.audit import audit_model as walk

    name, at, version = model.partition("@")
    if not at:
        raise InvalidInput(f"A model is named NAME@alias or NAME@version, not {model!r}. For example {model}@champion.")
    with tempfile.TemporaryDirectory() as scratch:
        report = walk(name, version, doors=open_doors(), work_folder=Path(scratch))
    console = Console(stderr=True)
    for check in report.checks:
        console.print(f"{'[green]ok[/green]   ' if check.ok else '[red]WRONG[/red]'} {check.what}: {check.observed}")
    console.print(f"run {report.run_name}, snapshot {report.snapshot_tag}, code {report.code_version}")
    wrong = [check.what for check in report.faults]
    print_line(model=model, version=report.version, checked=len(report.checks), wrong=wrong)
    if wrong:
        raise TamperedRecord(
            f"{len(wrong)} of {len(report.checks)} checks of {model} fail: {', '.join(wrong)}. "
            f"Restore those bytes from a backup, or promote another version."
        )


@app.callback()
def options(
    log_level: Annotated[str, typer.Option(envvar="NCNC_LOG_LEVEL", help="DEBUG, INFO, WARNING.")] = "INFO",
) -> None:
    """Retrain a link-prediction model every night; promote it only when it is provably better."""
    if log_level.upper() not in logging.getLevelNamesMapping():
        raise InvalidInput(f"NCNC_LOG_LEVEL is {log_level!r}, but must be DEBUG, INFO, WARNING or ERROR. Correct it.")
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def main() -> None:
    """Run the command line and end with the contract's exit code."""
    try:
        app()
    except StepError as error:
        print(f"ncnc: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
