"""`ncnc snapshots retract`: take a snapshot back that was published by mistake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import ParamsFile, open_doors, print_line, show
from pipeline.errors import StepError

if TYPE_CHECKING:
    from pipeline.doors import Doors


def snapshots_retract(
    tag: Annotated[str, typer.Argument(help="The newest snapshot of its graph.")],
    reason: Annotated[str, typer.Option(help="Why; the journal keeps it.")],
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Take back a snapshot that was published by mistake.

    Its tag stays, and the next night is built on the snapshot before, whose graph is served again. Models made from it
    stay: this names them.
    """
    from pipeline.commands.renewed_index import renew_index
    from pipeline.environment import whoami

    doors = open_doors()
    entry = doors.snapshots.retractions.retract(tag, reason)
    referred = referred_to(doors, tag.split("/")[1], tag)
    served = _serve_the_one_before(tag, whoami(), params, doors)
    renew_index(tag.split("/")[1], doors)
    show(f"{tag} is retracted. Referred to: {referred}.")
    if "version" in referred:
        show(
            "A version stays as it is. If it is champion, take it back: ncnc rollback --graph ... --to ... --reason ..."
        )
    print_line(**entry.model_dump(mode="json"), referred=referred, served=served)


def _serve_the_one_before(tag: str, who: str, params: Path, doors: Doors) -> int | None:
    """Serve the newest graph that stands, and return the version that serves; None where there is no registry."""
    from pipeline.commands.refresh import refresh_after

    try:
        return refresh_after(f"{tag} was retracted", tag.split("/")[1], who=who, params=params, doors=doors)
    except StepError:  # said already: what refers to the tag is unknown for the same reason
        return None


def referred_to(doors: Doors, graph: str, tag: str) -> str:
    """Return what refers to a tag, or why that is unknown: you can look at a snapshot without a registry."""
    from pipeline.collection.references import references_from

    try:
        found = references_from(doors)([graph])
    except StepError as error:
        return f"unknown: {error}"
    night = tag.split("/")[1:3]  # a split is kept for what refers to its snapshot
    return "; ".join(said for named, said in found.items() if named.split("/")[1:3] == night) or "by nobody"
