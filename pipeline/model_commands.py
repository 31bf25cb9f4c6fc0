"""Asking a trained model why a pair has its score."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.step_commands import open_doors, print_line, show

models = typer.Typer()


@models.command()
def explain(
    model: Annotated[str, typer.Argument(help="NAME@alias, NAME@version, or the folder of a saved model.")],
    source: Annotated[str, typer.Option(help="One node's id.")],
    target: Annotated[str, typer.Option(help="The other node's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="All of it as one JSON line, nothing for a person.")] = False,
) -> None:
    """Show what each common neighbour, and each one it could have, adds to a pair's score."""
    from pipeline.opened_model import opened_model, refused_as_input

    opened = opened_model(model, lambda: open_doors().registry)
    with refused_as_input():
        found = opened.model.explain(opened.node_id(source), opened.node_id(target))
    if as_json:
        print_line(model=opened.name, **asdict(found))
        return
    show(str(found))
    print_line(
        model=opened.name, source=found.source, target=found.target, score=found.score, neighbors=len(found.neighbors)
    )
