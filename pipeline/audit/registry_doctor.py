"""What a graph's ledger, MLflow and data repository disagree about, in plain words, each with what mends it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, StepError
from pipeline.ledger.alias_history import ALIASES, Move, standings, whose_move
from pipeline.ledger.entries import Entry, NightEntry, PromotionsStopped
from pipeline.ledger.promotion_stops import standing_stop
from pipeline.ledger.registry_agreement import (
    RegistryState,
    adoption,
    bound_registry,
    disagreement,
    missing_versions,
)

RESTORE_SNAPSHOT = (
    "Restore it from a backup. Without it the version still serves and scores, but an audit of it ends at this snapshot"
)


@dataclass(frozen=True)
class Disagreement:
    """One thing that does not agree, and what mends it."""

    what: str
    mend: str


@dataclass(frozen=True)
class Diagnosis:
    """What was found about a graph: `served` is the champion in MLflow, `champion` that of the ledger."""

    graph: str
    where: str
    served: int | None
    champion: int | None
    stop: PromotionsStopped | None
    disagreements: tuple[Disagreement, ...]


def diagnose(graph: str, doors: Doors) -> Diagnosis:
    """Compare ledger, MLflow and data repository of a graph; nothing is written.

    Raises:
        OutsideTrouble: one of them gives no answer.
        TamperedRecord: a line of the ledger was changed or removed.
    """
    doors.ledger.expect_whole(graph)
    state = doors.registry.aliases.state(graph)
    entries = doors.ledger.entries(graph)
    standing = standings(entries).get("champion")
    published = {item.tag for item in doors.snapshots.list_with_journal(graph)[0]}  # retracted ones too
    return Diagnosis(
        graph=graph,
        where=state.where,
        served=state.aliases["champion"].version,
        champion=standing.version if standing else None,
        stop=standing_stop(entries, doors.clock()),
        disagreements=(
            *_about_aliases(graph, entries, state),
            *_about_versions(graph, entries, state),
            *_about_snapshots(graph, published, doors),
            *_about_the_served(graph, state, published, doors),
        ),
    )


def adoption_plan(move: Move, doors: Doors) -> tuple[Entry, ...]:
    """Return what `AliasMoves.adopt` would enter in the ledger now; see there."""
    state = doors.registry.aliases.state(move.graph)
    if state.made_at is None:
        state = replace(state, made_at=move.at)  # it would be made then
    return adoption(doors.ledger.entries(move.graph), state, move)


def _about_aliases(graph: str, entries: Sequence[Entry], state: RegistryState) -> Iterator[Disagreement]:
    if (said := disagreement(entries, state)) is not None:
        yield Disagreement(
            f"{said[0].upper()}{said[1:]}. Everything that writes stops until this is mended.",
            "Set MLFLOW_TRACKING_URI and NCNC_DATA_REPOSITORY to what the nights use, or restore the newer copy of the "
            "one that lost something. If there is no newer copy, let the ledger follow this MLflow as it is, which "
            f"moves no alias. This shows it, and --apply does it: ncnc registry doctor --graph {graph} --adopt "
            "--reason ...",
        )
        return
    known = standings(entries)
    for alias in ALIASES:
        found, ours = state.aliases[alias].version, known[alias].version if alias in known else None
        whose = whose_move(known.get(alias), state.aliases[alias])
        if whose != "nobody":
            said = f"{alias} is {_version(found)} in MLflow and {_version(ours)} by the ledger: "
            yield Disagreement(
                said + ("it was changed in MLflow." if whose == "outside" else "a move was cut off."),
                f"The next run enters it, and it stays. To move it back: ncnc rollback --graph {graph} --to VERSION "
                f"--reason ..."
                if whose == "outside"
                else "The next run finishes it",
            )


def _about_versions(graph: str, entries: Sequence[Entry], state: RegistryState) -> Iterator[Disagreement]:
    bound = bound_registry(entries)
    lost = set(missing_versions(entries, state)) - set(bound.lost if bound is not None else ())
    runs = {entry.version: entry.run_name for entry in entries if isinstance(entry, NightEntry)}
    for version in sorted(lost):
        yield Disagreement(
            f"Version {version} of the ledger (run {runs.get(version, 'unknown')}) is not in MLflow.",
            "Restore a copy of MLflow that has it. If there is none, enter it as lost: ncnc registry doctor --graph "
            f"{graph} --adopt --reason ...",
        )


def _about_snapshots(graph: str, published: Set[str], doors: Doors) -> Iterator[Disagreement]:
    for version, tag in sorted(doors.registry.contents.snapshots_of_versions(graph).items()):
        if tag is not None and tag not in published:
            yield Disagreement(
                f"Version {version} was made from the snapshot {tag}, which the data repository does not have.",
                RESTORE_SNAPSHOT,
            )


def _about_the_served(graph: str, state: RegistryState, published: Set[str], doors: Doors) -> Iterator[Disagreement]:
    """Look at the champion's own bytes: its model in MLflow, and its snapshot's on the DVC remote."""
    served = state.aliases["champion"].version
    if served is None:
        return
    try:
        version = doors.registry.versions.get(graph, served)
        with tempfile.TemporaryDirectory() as scratch:
            doors.registry.models.fetch(version, Path(scratch) / "model")
    except InvalidInput as error:
        yield Disagreement(
            f"The champion cannot be served whole: {error}",
            f"Restore MLflow's artifacts, or roll back: ncnc rollback --graph {graph} --to VERSION --reason ...",
        )
        return
    tag = version.tags.get("ncnc.snapshot_tag")
    if tag is None or tag not in published:
        return
    try:
        _, sizes, _ = doors.snapshots.describe(tag)
    except StepError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            lost = f"The DVC remote lacks the list of files of the champion's snapshot {tag}, or is gone as a whole."
            yield Disagreement(lost, RESTORE_SNAPSHOT)
            return
        yield Disagreement(
            f"The champion's snapshot {tag} cannot be looked at: {error}",
            f"If the DVC remote is away, start it and ask again. If it is lost: {RESTORE_SNAPSHOT}",
        )
        return
    absent = [path for path, size in sizes.items() if size is None]
    if absent:
        yield Disagreement(
            f"The DVC remote lacks {len(absent)} of {len(sizes)} files of the champion's snapshot {tag}, for example "
            f"{absent[0]}.",
            RESTORE_SNAPSHOT,
        )


def _version(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"
