"""Options that several commands share, and how a command prints what it found."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.doors import Doors


RunDir = Annotated[Path, typer.Option("--run-dir", help="The run folder, named <graph>-<as of>.")]
ParamsFile = Annotated[Path, typer.Option("--params", envvar="NCNC_PARAMS", help="The parameters file.")]
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
