"""Options that several commands share, and how a command prints what it found."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import InvalidInput

if TYPE_CHECKING:
    from pipeline.doors import Doors


RunDir = Annotated[Path, typer.Option("--run-dir", help="The run folder, named <graph>-<as of>.")]
ParamsFile = Annotated[Path, typer.Option("--params", envvar="NCNC_PARAMS", help="The parameters file.")]
Graph = Annotated[str | None, typer.Option(help="The graph; default: the one in params.yaml.")]
Reason = Annotated[str, typer.Option(help="Why; the ledger keeps it.")]
Who = Annotated[str | None, typer.Option(help="Who decides; by default user@machine.")]
AsOf = Annotated[
    datetime,
    typer.Option(
        "--as-of",
        envvar="NCNC_AS_OF",
        help="The time of the graph: ISO 8601, in UTC.",
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
    ),
]


def in_utc(as_of: datetime) -> datetime:
    """Return a time in UTC to the second; one without a zone is taken as UTC."""
    aware = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0)


def graph_of(graph: str | None, params: Path) -> str:
    """Return the graph that was named, or that of the parameters file."""
    from pipeline.params.params import Params

    return graph or Params.load(params).snapshot.graph


def name_of(who: str | None) -> str:
    """Return who decides: the name that was given, or user@machine.

    Raises:
        InvalidInput: the name is not UTF-8.
    """
    from pipeline.environment import whoami

    return _in_utf8("--who", who.strip()) if who and who.strip() else whoami()


def given(reason: str) -> str:
    """Return a reason that was given.

    Raises:
        InvalidInput: it is empty, or not UTF-8.
    """
    if not reason.strip():
        raise InvalidInput(f"--reason is {reason!r}. Say in a few words why; the ledger keeps it.")
    return _in_utf8("--reason", reason.strip())


def _in_utf8(option: str, text: str) -> str:
    """Return text that JSON can hold: of bytes that are not UTF-8, Python makes halves of characters."""
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise InvalidInput(f"{option} is not UTF-8: {text!r}. Write it again, in a terminal whose encoding is UTF-8.")
    return text


def print_line(**fields: Any) -> None:  # Any: the one JSON line a caller reads has a shape per command
    """Print the one JSON line that ends a command."""
    print(json.dumps(fields, default=str), flush=True)


def show(text: str) -> None:
    """Show text on standard error, for a person."""
    from pipeline.terminal import Terminal

    Terminal(stderr=True, soft_wrap=True).print(text)


def open_doors() -> Doors:
    """Return the doors that this process's environment names."""
    from pipeline.doors import Doors
    from pipeline.environment import Environment

    return Doors(Environment.of_process())
