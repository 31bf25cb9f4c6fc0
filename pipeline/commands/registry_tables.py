"""Tables of a registry for a person: its story, its versions, and what a collection would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.table import Table

from pipeline.ledger.alias_history import Standing
from pipeline.ledger.entries import Alias, NightEntry
from pipeline.ledger.promotion_stops import stop_in_words
from pipeline.ledger.story import Event
from pipeline.records.names import graph_of_tag
from pipeline.registry.facts import RegisteredVersion
from pipeline.terminal import styled

if TYPE_CHECKING:
    from pipeline.audit.registry_doctor import Diagnosis
    from pipeline.collection.registry import RegistryPlan


LONGEST_REASON = 240  # characters: the gate's reasons have about 150, those of a refused delivery a line a check
COLOURS = {
    "promotion": "bold green",
    "rollback": "bold yellow",
    "moved outside": "bold red",
    "taken away": "bold red",
    "refresh refused": "red",
    "rejected": "yellow",
    "refused": "red",
    "failed": "red",
}


def story_table(graph: str, events: Sequence[Event]) -> Table:
    """Return the history of a graph, one event a row; the champion's column shows who is champion after it.

    A long reason is cut; the event has all of it.
    """
    table = Table(title=f"the story of {graph}", title_justify="left")
    table.add_column("when (UTC)", no_wrap=True)
    table.add_column("champion", justify="right")
    table.add_column("what happened", ratio=2)
    table.add_column("who", ratio=1)
    table.add_column("why", ratio=2)
    for event in events:
        champion = "-" if event.champion is None else str(event.champion)
        what = styled((event.what, COLOURS.get(event.kind, "")))
        table.add_row(f"{event.at:%Y-%m-%d %H:%M}", champion, what, event.who, _beginning(event.why))
    return table


def _beginning(reason: str) -> str:
    if len(reason) <= LONGEST_REASON:
        return reason
    return f"{reason[:LONGEST_REASON].rpartition(' ')[0]} ..."


def versions_table(
    graph: str, versions: Sequence[RegisteredVersion], standing: Mapping[Alias, Standing], was: Sequence[int]
) -> Table:
    """Return the versions of a graph, newest first, with the aliases as MLflow and the ledger have them."""
    table = Table(title=f"versions of {graph}", title_justify="left")
    for name in (
        "version",
        "weights, graph",
        "made (UTC)",
        "aliases",
        "by the ledger",
        "was champion",
        "run",
        "approved by",
    ):
        table.add_column(name)
    ledger: dict[int, list[str]] = {}
    for alias, stands in standing.items():
        if stands.version is not None:
            ledger.setdefault(stands.version, []).append(alias)
    for item in reversed(versions):
        table.add_row(
            str(item.version),
            _carried(item),
            f"{item.made_at:%Y-%m-%d %H:%M}",
            ", ".join(item.aliases) or "-",
            ", ".join(sorted(ledger.get(item.version, []))) or "-",
            "its weights" if item.weights_of in was else "yes" if item.version in was else "no",
            item.run_name or "not made by this pipeline",
            item.approved_by or "-",
        )
    return table


def _carried(item: RegisteredVersion) -> str:
    graph = f"graph of {graph_of_tag(item.snapshot_tag)}" if item.snapshot_tag else "-"
    return graph if item.weights_of is None else f"weights of {item.weights_of}, {graph}"


def awaiting_table(nights: Sequence[NightEntry]) -> Table:
    """Return the runs that await a person."""
    table = Table(title="awaiting a person", title_justify="left")
    for name in ("run", "since (UTC)", "reason"):
        table.add_column(name)
    for night in nights:
        table.add_row(night.run_name, f"{night.at:%Y-%m-%d %H:%M}", night.reason)
    return table


def diagnosis_lines(found: Diagnosis) -> tuple[str, ...]:
    """Return what the doctor found, a line each: what is served, what holds promotions, what disagrees."""
    served = "nothing is served" if found.served is None else f"version {found.served} is served"
    lines = [f"{found.graph}, in the MLflow at {found.where}: {served}"]
    if found.stop is not None:
        lines.append(stop_in_words(found.stop))
    for item in found.disagreements:
        lines += [f"- {item.what}", f"  {item.mend}"]
    return (*lines, *([] if found.disagreements else ["ledger, MLflow and data repository agree"]))


def collection_table(plan: RegistryPlan) -> Table:
    """Return what a collection takes and what stays, each with its reasons."""
    table = Table(
        title=f"{decimal(plan.num_bytes)} of run folders go; {plan.policy}", title_justify="left", show_lines=False
    )
    table.add_column("what", no_wrap=True)
    table.add_column("")
    table.add_column("why", ratio=1)
    for verdicts in (plan.versions, plan.models, plan.checkpoints, plan.folders):
        for verdict in verdicts.values():
            said = styled(("goes", "red")) if verdict.goes else "stays"
            table.add_row(verdict.name, said, "; ".join(verdict.reasons) or "nothing keeps it")
    return table
