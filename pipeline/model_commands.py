"""Asking a trained model: which links a node lacks, and why a pair has its score."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import InvalidInput
from pipeline.step_commands import open_doors, print_line

if TYPE_CHECKING:
    from ncnc_core.link_model import LinkModel

models = typer.Typer()

ModelName = Annotated[str, typer.Argument(help="NAME@alias, NAME@version, or the folder of a saved model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print all of it as one JSON line, and nothing for a person.")]


@models.command()
def recommend(
    model: ModelName,
    node: Annotated[list[str], typer.Option(help="A node's id; may be given several times.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many candidates a node.")] = 10,
    known: Annotated[bool, typer.Option("--known", help="Rank the edges that the graph has already, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rank the links that a node does not have yet."""
    with _opened(model) as opened, _refused_as_input():
        found = opened.recommend([_node_id(opened, one) for one in node], k, exclude_known=not known)
    if as_json:
        print_line(model=model, recommendations=[asdict(row) for row in found])
        return
    _show(str(found) or "no candidates: the graph has every one of these links")
    print_line(model=model, nodes=node, candidates=len(found))


@models.command()
def explain(
    model: ModelName,
    source: Annotated[str, typer.Option(help="One node's id.")],
    target: Annotated[str, typer.Option(help="The other node's id.")],
    as_json: AsJson = False,
) -> None:
    """Show what each common neighbour, and each one it could have, adds to a pair's score."""
    with _opened(model) as opened, _refused_as_input():
        found = opened.explain(_node_id(opened, source), _node_id(opened, target))
    if as_json:
        print_line(model=model, **asdict(found))
        return
    _show(str(found))
    print_line(model=model, source=found.source, target=found.target, score=found.score, neighbors=len(found.neighbors))


@contextmanager
def _opened(model: str) -> Iterator[LinkModel]:
    """Load a model from its folder, or fetch it through the registry's door and verify its bytes.

    Raises:
        InvalidInput: there is no such folder, name, alias or version.
    """
    from ncnc_core.link_model import LinkModel

    if Path(model).is_dir():
        with _refused_as_input():
            found = LinkModel.load(Path(model))
        yield found
        return
    name, at, version = model.partition("@")
    if not at:
        raise InvalidInput(
            f"A model is NAME@alias, NAME@version or a folder, and {model!r} is none. For example {model}@champion."
        )
    registry = open_doors().registry
    with tempfile.TemporaryDirectory() as scratch:
        folder = registry.fetch_model(registry.named(name, version), Path(scratch) / "model")
        with _refused_as_input():
            found = LinkModel.load(folder)
        yield found


@contextmanager
def _refused_as_input() -> Iterator[None]:
    """Turn what the core refuses into the exit code of wrong input."""
    from ncnc_core.errors import InvalidGraph

    try:
        yield
    except InvalidGraph as error:
        raise InvalidInput(str(error)) from error


def _node_id(model: LinkModel, text: str) -> int | str:
    """Return an id as the model has it: what is typed is text, and ids may be whole numbers."""
    if not model.node_ids or isinstance(model.node_ids[0], str):
        return text
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(
            f"The nodes of this model are whole numbers, not {text!r}; for example {model.node_ids[0]}. Correct the id."
        ) from None


def _show(text: str) -> None:
    from rich.console import Console

    Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(text)
