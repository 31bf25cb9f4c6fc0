"""Six of the seven steps as commands; a step is a verb, an Airflow task and a section of params.yaml of one name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import AsOf, ParamsFile, RunDir, in_utc, open_doors, print_line
from pipeline.errors import InvalidInput, NothingToDo, StepError

if TYPE_CHECKING:
    from pipeline.checks.data_checks import DataChecks
    from pipeline.graphs.change_summary import ChangeSummary
    from pipeline.night import Argument
    from pipeline.params.params import Params


steps = typer.Typer()


def show_checks(checks: DataChecks, change: ChangeSummary | None) -> None:
    """Show every check and what changed on standard error, for a person."""
    from pipeline.checks.data_checks import TEXT_WIDTH
    from pipeline.checks.markdown import changes
    from pipeline.terminal import for_messages

    console = for_messages(width=TEXT_WIDTH)
    console.print(checks.heading)
    console.print(checks.table())
    if change is not None:
        console.print(changes(change), soft_wrap=True)


def _run_step(step: str, run_dir: Path, params: Params | None = None, **arguments: Argument) -> None:
    """Run a step by its name and print its line of JSON; `main` handles the errors."""
    from pipeline.night import run_step
    from pipeline.records.measures import write_measures
    from pipeline.runs.folder import RunFolder

    doors = open_doors()
    folder = RunFolder(run_dir, doors.registry)
    try:
        record = run_step(step, folder, params or folder.frozen_params(), doors=doors, **arguments)
    except StepError as error:
        print_line(step=step, run=folder.name, exit_code=error.exit_code, reason=str(error))
        raise
    write_measures(folder.path, record)  # here, because a step whose record was fetched has its files to leave as well
    print_line(step=step, run=folder.name, exit_code=0, record=record.file_name, sha256=record.sha256)


@steps.command()
def snapshot(
    run_dir: RunDir,
    as_of: AsOf,
    params: ParamsFile = Path("params.yaml"),
    unchanged: Annotated[
        str, typer.Option(help="ok: exit with 0 instead of 99 if nothing changed, as dvc repro needs.")
    ] = "skip",
) -> None:
    """Read and check tonight's delivery, and publish it as a snapshot."""
    from pipeline.params.params import Params

    if unchanged not in ("skip", "ok"):
        raise InvalidInput(f"--unchanged takes skip or ok, not {unchanged!r}. Leave it out for skip.")
    try:
        _run_step("snapshot", run_dir, Params.load(params), as_of=in_utc(as_of))
    except NothingToDo:
        if unchanged != "ok":
            raise
    finally:
        _show_left_checks(run_dir)


def _show_left_checks(run_dir: Path) -> None:
    """Show what a night's checks left in the run folder, whether it was accepted, skipped or refused."""
    from pipeline.checks.data_checks import DataChecks
    from pipeline.graphs.change_summary import ChangeSummary

    if (run_dir / DataChecks.file_name).is_file():
        measured = (run_dir / ChangeSummary.file_name).is_file()
        show_checks(DataChecks.read(run_dir), ChangeSummary.read(run_dir) if measured else None)


@steps.command()
def split(run_dir: RunDir) -> None:
    """Divide the edges into train, validation and test, and certify that nothing leaks."""
    _run_step("split", run_dir)


@steps.command()
def train(run_dir: RunDir) -> None:
    """Train tonight's model, the challenger."""
    _run_step("train", run_dir)


@steps.command()
def evaluate(run_dir: RunDir) -> None:
    """Score the challenger, the champion and the floor on edges that no model has seen."""
    _run_step("evaluate", run_dir)


@steps.command()
def decide(run_dir: RunDir) -> None:
    """Decide by the gate's rules whether the challenger may become champion."""
    _run_step("decide", run_dir)
    show_rules(run_dir)


def show_rules(run_dir: Path) -> None:
    """Show every rule of the gate on standard error, for a person."""
    from pipeline.checks.data_checks import TEXT_WIDTH
    from pipeline.commands.score_tables import rules_table
    from pipeline.records.chain import PromotionDecision
    from pipeline.terminal import for_messages

    for_messages(width=TEXT_WIDTH).print(rules_table(PromotionDecision.read(run_dir)))


@steps.command()
def register(
    run_dir: RunDir,
    answer: Annotated[str | None, typer.Option(help="A person's answer about the run: Approve or Reject.")] = None,
    by: Annotated[str, typer.Option(help="Who answered; empty if nobody did in time.")] = "",
    at: Annotated[str | None, typer.Option(help="When, as ISO 8601.")] = None,
    why: Annotated[str, typer.Option(help="Why, in the person's own words.")] = "",
) -> None:
    """Register the challenger and make it champion, or record that a person rejected it."""
    from pipeline.ledger.approvals import Answer

    if (answer is None) != (at is None):
        raise InvalidInput("--answer and --at belong together: the answer and its time. Pass both, or neither.")
    if answer is None or at is None:
        _run_step("register", run_dir)
        return
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        raise InvalidInput(f"--at takes a time such as 2026-01-02T03:00:00+00:00, not {at!r}. Correct it.") from None
    _run_step("register", run_dir, answer=Answer.of_operator(answer, by, in_utc(when), why))
