"""Commands that hold a registered model against the ledger: audit (all it was made from), verify (what is served)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import open_doors, print_line
from pipeline.errors import InvalidInput, OutsideTrouble, TamperedRecord

if TYPE_CHECKING:
    from pipeline.audit.audit import AuditResult


audits = typer.Typer(no_args_is_help=True, help="Check a registered model against everything it was made from.")
verifications = typer.Typer()
Model = Annotated[str, typer.Argument(help="NAME@alias, NAME@version or NAME/version.")]


@audits.command(name="model")
def audit_model(model: Model) -> None:
    """Recompute every digest from the ledger and a registered version back to the bytes of its snapshot."""
    import tempfile

    from pipeline.audit.audit import audit_model as walk

    name, version = _named(model)
    with tempfile.TemporaryDirectory() as scratch:
        result = walk(name, version, doors=open_doors(), work_folder=Path(scratch))
    _show_checks(result)
    _expect_no_fault(result, model)


@verifications.command()
def verify(
    model: Model,
    output: Annotated[
        Path | None, typer.Option(help="Also keep the verified files in this folder, absent or empty, to serve them.")
    ] = None,
) -> None:
    """Check every file that MLflow serves for a version, code included, against the ledger; nothing of it is run."""
    import tempfile

    from pipeline.audit.audit import verify_served

    name, version = _named(model)
    if output is not None and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InvalidInput(f"{output} is not empty. Name a folder that is absent or empty.")
    doors = open_doors()
    with tempfile.TemporaryDirectory() as scratch:
        result = verify_served(name, version, doors=doors, work_folder=Path(scratch))
    _show_checks(result)
    _expect_no_fault(result, model)
    if output is not None:
        made = doors.registry.versions.get(name, result.version)
        doors.registry.models.keep(made, result.served_files, output)


def _named(model: str) -> tuple[str, str]:
    """Return the name and the version or alias, also of a name as MLflow writes it."""
    named = re.fullmatch(r"(?:models:/)?([a-z0-9_-]+)[@/]([^@/]+)", model)
    if named is None:
        raise InvalidInput(
            f"A model is named NAME@alias, NAME@version or NAME/version, not {model!r}. For example demo@champion."
        )
    return named[1], named[2]


def _show_checks(result: AuditResult) -> None:
    from pipeline.records.names import graph_of_tag
    from pipeline.terminal import for_messages, styled

    console = for_messages()
    for check in result.checks:
        verdict = ("ok   ", "green") if check.ok else ("WRONG", "red")
        console.print(styled(verdict, f" {check.what}: {check.observed}"))
    if result.weights_of is not None:
        graph = graph_of_tag(result.snapshot_tag)
        console.print(f"version {result.version}: weights of version {result.weights_of}, graph of {graph}")
    console.print(f"run {result.run_name}, snapshot {result.snapshot_tag}, code {result.code_version}")


def _expect_no_fault(result: AuditResult, model: str) -> None:
    wrong = [check.what for check in result.faults]
    print_line(model=model, version=result.version, checked=len(result.checks), wrong=wrong)
    if not wrong:
        return
    said = f"{len(wrong)} of {len(result.checks)} checks of {model} fail: {', '.join(wrong)}."
    away = [check for check in result.faults if check.not_reached]
    if len(away) == len(wrong):
        raise OutsideTrouble(
            f"{said} None was found to be wrong: what they need could not be read ({away[0].observed}). Run this again "
            f"when it can be; what is lost for good is restored from a backup."
        )
    raise TamperedRecord(f"{said} Restore those bytes from a backup, or promote another version.")
