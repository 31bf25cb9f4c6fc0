"""The command line: one argv that the person, `dvc.yaml` and Airflow run.

Exit codes: 0 done, 2 the input is wrong, 75 trouble outside, 99 nothing to do. The last line on standard output is
one JSON object; errors go to standard error.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from pipeline.errors import InvalidInput, NothingToDo, StepError

if TYPE_CHECKING:
    from pipeline.doors import Doors
    from pipeline.params import Params

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
snapshots_app = typer.Typer(no_args_is_help=True, help="Published graph snapshots: init, ingest, list, get.")
audit_app = typer.Typer(no_args_is_help=True, help="Walk a model back to the bytes that made it.")
app.add_typer(snapshots_app, name="snapshots")
app.add_typer(audit_app, name="audit")

RunDir = Annotated[Path, typer.Option("--run-dir", help="The run's folder, named <graph>-<as of>.")]
ParamsFile = Annotated[Path, typer.Option("--params", envvar="NCNC_PARAMS", help="The parameters of the run.")]
AsOf = Annotated[
    datetime,
    typer.Option(
        "--as-of",
        envvar="NCNC_AS_OF",
        help="The time the graph is taken at, ISO 8601, UTC.",
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
    ),
]


def _utc(as_of: datetime) -> datetime:
    aware = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0)


def _print_line(**fields: Any) -> None:  # Any: the one JSON line a caller reads has a shape per command
    print(json.dumps(fields, default=str), flush=True)


def _doors() -> Doors:
    from pipeline.doors import Doors
    from pipeline.environment import Environment

    return Doors(Environment.of_process())


def _run_step(step: str, run_dir: Path, params: Params | None = None, **arguments: datetime) -> None:
    """Run a step by its name and print its line; what it raises goes on to `main`."""
    from pipeline.night import run_step
    from pipeline.run_folder import RunFolder

    doors = _doors()
    folder = RunFolder(run_dir, doors.registry)
    try:
        record = run_step(step, folder, params or folder.frozen_params(), doors=doors, **arguments)
    except StepError as error:
        _print_line(step=step, run=folder.name, exit_code=error.exit_code, reason=str(error))
        raise
    _print_line(step=step, run=folder.name, exit_code=0, record=record.file_name, sha256=record.sha256)


@app.command()
def snapshot(
    run_dir: RunDir,
    as_of: AsOf,
    params: ParamsFile = Path("params.yaml"),
    unchanged: Annotated[
        str, typer.Option(help="ok: an unchanged graph ends 0 instead of 99, as dvc repro needs.")
    ] = "skip",
) -> None:
    """Read tonight's delivery, check it, and publish it as a versioned snapshot."""
    from pipeline.params import Params

    if unchanged not in ("skip", "ok"):
        raise InvalidInput(f"--unchanged takes skip or ok, not {unchanged!r}. Leave it out for skip.")
    try:
        _run_step("snapshot", run_dir, Params.load(params), as_of=_utc(as_of))
    except NothingToDo:
        if unchanged != "ok":
            raise


@app.command()
def split(run_dir: RunDir) -> None:
    """Divide the snapshot's edges into train, validation and test, and certify that nothing leaks."""
    _run_step("split", run_dir)


@app.command()
def train(run_dir: RunDir) -> None:
    """Train the challenger."""
    _run_step("train", run_dir)


@app.command()
def evaluate(run_dir: RunDir) -> None:
    """Score challenger, champion and heuristics on edges that no model has seen."""
    _run_step("evaluate", run_dir)


@app.command()
def decide(run_dir: RunDir) -> None:
    """Hold the evaluation against the gate."""
    _run_step("decide", run_dir)


@app.command()
def register(run_dir: RunDir) -> None:
    """Register the promoted challenger and make it champion."""
    _run_step("register", run_dir)


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

    from pipeline.params import Params
    from pipeline.score_table import scores_table
    from pipeline.trial import run_trial, trial_params

    console = Console(stderr=True)
    effective = trial_params(Params.load(params), settings or [], edges)
    trial = run_trial(edges, nodes, effective, home, lambda step: console.print(f"[bold]{step}[/bold] ..."))
    console.print(f"{trial.snapshot.num_nodes} nodes, {trial.snapshot.num_edges} edges")
    console.print(scores_table(trial.report))
    console.print(f"the gate would {'promote' if trial.decision.promote else 'refuse'} it: {trial.decision.reason}")
    _print_line(folder=trial.folder, promote=trial.decision.promote, reason=trial.decision.reason)


@app.command()
def status(
    graph: Annotated[str | None, typer.Option(help="The graph; by default the one that params.yaml names.")] = None,
    nights: Annotated[int, typer.Option(min=1, help="How many nights to show.")] = 10,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Show the last nights, their outcomes and reasons, and the age of the champion."""
    from rich.console import Console

    from pipeline.params import Params
    from pipeline.records import NightEntry
    from pipeline.score_table import nights_table

    doors, console = _doors(), Console(stderr=True)
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
    _print_line(graph=name, nights=len(entries), champion=champion.version if champion else None, age_days=age_days)


@snapshots_app.command(name="init")
def snapshots_init() -> None:
    """Make the data repository that NCNC_DATA_REPOSITORY names, with NCNC_DVC_REMOTE as its remote."""
    from pipeline.environment import Environment
    from pipeline.snapshot_store import SnapshotStore

    environment = Environment.of_process()
    SnapshotStore.create(environment.data_repository, environment.dvc_remote)
    _print_line(data_repository=environment.data_repository)


@snapshots_app.command(name="ingest")
def snapshots_ingest(as_of: AsOf, params: ParamsFile = Path("params.yaml")) -> None:
    """Publish a delivery as history: a snapshot that no run is made from."""
    from pipeline.params import Params
    from pipeline.steps.snapshot import ingest

    published = ingest(Params.load(params), doors=_doors(), as_of=_utc(as_of))
    _print_line(tag=published.tag)


@snapshots_app.command(name="list")
def snapshots_list(graph: Annotated[str, typer.Argument()]) -> None:
    """List the published snapshots of a graph, oldest first."""
    for item in _doors().snapshots.list(graph):
        _print_line(tag=item.tag, as_of=item.as_of.isoformat(), content_id=item.content_id)


@snapshots_app.command(name="get")
def snapshots_get(tag: Annotated[str, typer.Argument()], destination: Annotated[Path, typer.Argument()]) -> None:
    """Fetch a snapshot's files and verify every byte."""
    folder = _doors().snapshots.fetch(tag, destination)
    _print_line(tag=tag, folder=folder)


@audit_app.command(name="model")
def audit_model(model: Annotated[str, typer.Argument(help="NAME@alias or NAME@version.")]) -> None:
    """Recompute every digest from the registered version down to the snapshot's bytes."""
    from rich.console import Console

    from pipeline.lineage import audit_model as walk

    name, at, version = model.partition("@")
    if not at:
        raise InvalidInput(f"A model is named NAME@alias or NAME@version, not {model!r}. For example {model}@champion.")
    report = walk(name, version, doors=_doors())
    console = Console(stderr=True)
    for item in report.items:
        console.print(f"{'[green]ok[/green]   ' if item.ok else '[red]WRONG[/red]'} {item.what}: {item.observed}")
    _print_line(model=model, checked=len(report.items), wrong=[item.what for item in report.items if not item.ok])
    if not report.ok:
        raise InvalidInput(f"{model} fails its audit. The lines marked WRONG name what differs from its record.")


@app.callback()
def options(
    log_level: Annotated[str, typer.Option(envvar="NCNC_LOG_LEVEL", help="DEBUG, INFO, WARNING.")] = "INFO",
) -> None:
    """Retrain a link-prediction model every night; promote it only when it is provably better."""
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def main() -> None:
    """Run the command line and end with the contract's exit code."""
    try:
        app(standalone_mode=False)
    except StepError as error:
        print(f"ncnc: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Abort:
        sys.exit(130)


if __name__ == "__main__":
    main()
