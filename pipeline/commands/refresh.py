"""`ncnc refresh`: serve the champion's weights on the newest graph; and the same after what a person decided."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import ParamsFile, Who, given, name_of, open_doors, print_line
from pipeline.errors import InvalidInput, NothingToDo, OutsideTrouble, StepError
from pipeline.plain_text import plain_lines

if TYPE_CHECKING:
    from pipeline.doors import Doors
    from pipeline.params.refresh import RefreshParams


refreshing = typer.Typer()

logger = logging.getLogger(__name__)


@refreshing.command()
def refresh(
    run_dir: Annotated[Path | None, typer.Option("--run-dir", help="A decided run, whose graph is served.")] = None,
    graph: Annotated[str | None, typer.Option(help="A graph: its newest snapshot is served.")] = None,
    reason: Annotated[str, typer.Option(help="With --graph: why; the ledger keeps it.")] = "",
    who: Who = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Serve the champion on tonight's graph, where the night promoted nothing.

    The weights stay, and nothing is trained. Name a run with --run-dir, as the night does, or a graph with --graph, as
    you do by hand.
    """
    if (run_dir is None) == (graph is None):
        raise InvalidInput("ncnc refresh takes --run-dir RUN or --graph GRAPH, exactly one of the two. Pass one.")
    doors = open_doors()
    if run_dir is not None:
        _of_a_night(run_dir, doors)
    elif graph is not None:
        _by_hand(graph, given(reason), name_of(who), params, doors)


def _of_a_night(run_dir: Path, doors: Doors) -> None:
    from pipeline.night import run_step
    from pipeline.params.params import Params
    from pipeline.records.chain import GraphSnapshot
    from pipeline.runs.folder import RunFolder

    folder = RunFolder(run_dir, doors.registry)
    try:
        params = folder.frozen_params() if folder.has(GraphSnapshot) else Params()  # the step says that it has none
        record = run_step("refresh", folder, params, doors=doors)
    except NothingToDo as nothing:
        # The JSON line comes last, for Airflow reads that: what serves is announced where nothing was to be done too.
        typer.echo(f"ncnc: {plain_lines(str(nothing))}", err=True)
        served = _served(folder.graph, doors)
        print_line(step="refresh", run=folder.name, exit_code=nothing.exit_code, reason=str(nothing), served=served)
        raise typer.Exit(nothing.exit_code) from nothing
    except StepError as error:
        print_line(step="refresh", run=folder.name, exit_code=error.exit_code, reason=str(error), served=None)
        raise
    served = _served(folder.graph, doors)
    told = {"record": record.file_name, "sha256": record.sha256, "served": served}
    print_line(step="refresh", run=folder.name, exit_code=0, **told)


def _by_hand(graph: str, reason: str, who: str, params: Path, doors: Doors) -> None:
    from pipeline.commands.renewed_index import renew_index
    from pipeline.refreshes.refresh import Asked
    from pipeline.refreshes.refresh import refresh as served_anew

    record = served_anew(graph, refresh_params(params), Asked(who, reason), doors=doors)
    renew_index(graph, doors)
    print_line(
        graph=graph,
        served=record.version,
        weights_of=record.weights_of,
        graph_as_of=record.as_of.isoformat(),
        rules={rule.name: rule.observed for rule in record.rules},
        lineage=f"ncnc audit model {graph}@{record.version}",
    )


def refresh_params(path: Path) -> RefreshParams:
    """Return the section `refresh` of a parameters file, or its defaults where there is no file."""
    from pipeline.params.params import Params
    from pipeline.params.refresh import RefreshParams

    return Params.load(path).refresh if path.is_file() else RefreshParams()


def refresh_after(
    what: str, graph: str, *, who: str, params: Path, doors: Doors, tried_again: bool = False
) -> int | None:
    """Refresh after a person's decision, and return the version that serves then.

    What was decided stands, whatever becomes of the refresh: one that is refused or cannot be made is a warning. With
    `tried_again` the caller is tried again after trouble outside, which is then raised.

    Raises:
        OutsideTrouble: a service does not answer.
    """
    from pipeline.refreshes.refresh import Asked
    from pipeline.refreshes.refresh import refresh as served_anew

    try:
        served_anew(graph, refresh_params(params), Asked(who, what), doors=doors)
    except NothingToDo as nothing:
        logger.info("%s", nothing)
    except StepError as error:
        if tried_again and isinstance(error, OutsideTrouble):
            raise
        logger.warning(
            "the newest graph is not served after: %s. %s To try again: ncnc refresh --graph %s --reason ...",
            *(what, error, graph),
        )
    return _served(graph, doors)


def _served(graph: str, doors: Doors) -> int | None:
    return doors.registry.aliases.of(graph).get("champion")
