"""`ncnc registry pin`, `unpin`, `pause`, `resume`: a person's word that nothing is promoted for a while."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import (
    Graph,
    ParamsFile,
    Reason,
    Who,
    given,
    graph_of,
    in_utc,
    name_of,
    open_doors,
    print_line,
)

pins = typer.Typer()
Until = Annotated[
    datetime | None,
    typer.Option(
        help="When it ends by itself: ISO 8601, in UTC; without, when somebody ends it.",
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
    ),
]


@pins.command()
def pin(
    version: Annotated[int, typer.Argument(min=1, help="The version to keep as champion; it must be champion now.")],
    reason: Reason,
    until: Until = None,
    graph: Graph = None,
    who: Who = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Keep a version as champion, whatever the next nights bring.

    Nights go on and are judged. None is promoted, and there is no rollback, until the time is over or it is unpinned.
    """
    _stop(graph_of(graph, params), version, until, name_of(who), given(reason))


@pins.command()
def pause(
    reason: Reason,
    until: Until = None,
    graph: Graph = None,
    who: Who = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Promote nothing for a while; a rollback stays possible.

    Nights go on and are judged.
    """
    _stop(graph_of(graph, params), None, until, name_of(who), given(reason))


@pins.command()
def unpin(reason: Reason, graph: Graph = None, who: Who = None, params: ParamsFile = Path("params.yaml")) -> None:
    """End a pin: the next night may promote again."""
    _resume(graph_of(graph, params), True, name_of(who), given(reason))


@pins.command()
def resume(reason: Reason, graph: Graph = None, who: Who = None, params: ParamsFile = Path("params.yaml")) -> None:
    """End a pause: the next night may promote again."""
    _resume(graph_of(graph, params), False, name_of(who), given(reason))


def _stop(graph: str, version: int | None, until: datetime | None, who: str, why: str) -> None:
    from pipeline.commands.renewed_index import renew_index
    from pipeline.ledger.alias_history import Move
    from pipeline.ledger.promotion_stops import stopping

    doors, end = open_doors(), in_utc(until) if until is not None else None
    # A champion that was moved in MLflow is known before it is pinned.
    doors.aliases.look(graph, who=who, at=doors.clock())
    move = Move(graph, who, why, doors.clock())
    doors.ledger.append_made(graph, lambda entries: stopping(entries, move, version=version, until=end))
    doors.aliases.settle(graph)  # so that MLflow knows of a ledger that has this entry
    renew_index(graph, doors)
    print_line(graph=graph, pinned=version, promotions="stopped", until=end.isoformat() if end else None, who=who)


def _resume(graph: str, pinned: bool, who: str, why: str) -> None:
    from pipeline.commands.renewed_index import renew_index
    from pipeline.ledger.alias_history import Move
    from pipeline.ledger.promotion_stops import resuming

    doors = open_doors()
    doors.aliases.expect_agreement(graph)
    move = Move(graph, who, why, doors.clock())
    doors.ledger.append_made(graph, lambda entries: resuming(entries, move, pinned=pinned))
    doors.aliases.settle(graph)
    renew_index(graph, doors)
    print_line(graph=graph, pinned=None, promotions="resumed", who=who)
