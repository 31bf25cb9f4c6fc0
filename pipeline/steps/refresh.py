"""Serve the champion on tonight's graph where the night promoted nothing."""

from __future__ import annotations

from pipeline.doors import Doors
from pipeline.errors import NothingToDo
from pipeline.ledger.approvals import last_night
from pipeline.params.params import Params
from pipeline.records.chain import GraphSnapshot
from pipeline.records.graph_refresh import GraphRefresh
from pipeline.refreshes.refresh import Asked, refresh
from pipeline.runs.folder import RunFolder


def run(folder: RunFolder, params: Params, *, doors: Doors) -> GraphRefresh:
    """Refresh the champion to tonight's graph, and leave the record of the version.

    Raises:
        NothingToDo: the night published no snapshot, came to no decision or was refused, a newer snapshot is there, or
            the champion serves tonight's graph already, as one that was promoted tonight does.
        RefusedRefresh: the champion would do far worse on tonight's graph; what is served stays.
    """
    if (done := folder.find(GraphRefresh)) is not None:
        return done
    snapshot = folder.find(GraphSnapshot)
    if snapshot is None:
        raise NothingToDo(f"Run {folder.name} has published no snapshot: the graph that is served stays.")
    night = last_night(doors.ledger.entries(snapshot.graph), folder.name)
    if night is None or not night.completed or night.outcome == "refused":
        raise NothingToDo(f"Run {folder.name} {_came_to(night.outcome if night else None)}: what is served stays.")
    newest = doors.snapshots.latest(snapshot.graph)
    if newest is None or newest.tag != snapshot.tag:
        stands = f"the newest is {newest.tag}" if newest else "no other one stands"
        raise NothingToDo(
            f"{snapshot.tag} is not the newest snapshot any more, {stands}. To serve that: "
            f"ncnc refresh --graph {snapshot.graph} --reason ..."
        )
    came_to = "awaits a person" if night.outcome == "awaiting" else f"was {night.outcome}"
    why = f"the night of {snapshot.as_of:%Y-%m-%d %H:%M} {came_to}"
    asked = Asked(who=f"run {folder.name}", why=why)
    record = refresh(snapshot.graph, params.refresh, asked, doors=doors, folder=folder)
    folder.put(record)
    return record


def _came_to(outcome: str | None) -> str:
    return "came to no decision yet" if outcome is None else f"was {outcome}"
