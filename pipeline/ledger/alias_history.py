"""What the ledger says of a graph's aliases, and which moves may follow: pure functions of its entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.ledger.entries import (
    Alias,
    AliasEntry,
    AliasEvent,
    AliasObserved,
    AnchorEntry,
    Entry,
    GraphRefreshed,
    RegistryCollected,
)
from pipeline.ledger.served_weights import weights_of

ALIASES: tuple[Alias, ...] = get_args(Alias)


@dataclass(frozen=True)
class Standing:
    """Where an alias points by the ledger, where it pointed before, and the number of entries about it.

    `observed`: the last of them only says where it was found, and nobody asked for that move.
    """

    version: int | None
    previous: int | None
    moves: int
    observed: bool = False


@dataclass(frozen=True)
class AliasState:
    """An alias in MLflow: where it points, and how many ledger entries about it MLflow has followed."""

    version: int | None
    settled: int | None


@dataclass(frozen=True)
class Move:
    """Who moves an alias of which graph, when and why."""

    graph: str
    who: str
    why: str
    at: datetime


class Overtaken(InvalidInput):
    """The champion is no longer the one that this move was meant to replace."""


def standings(entries: Sequence[Entry]) -> dict[Alias, Standing]:
    """Return where each alias that the ledger knows stands."""
    found: dict[Alias, Standing] = {}
    for entry in entries:
        if isinstance(entry, AliasEvent):
            moves = found[entry.alias].moves + 1 if entry.alias in found else 1
            observed = isinstance(entry, AliasObserved)
            found[entry.alias] = Standing(entry.version, entry.previous, moves, observed)
    return found


def champions(entries: Sequence[Entry]) -> tuple[int, ...]:
    """Return every version whose weights were ever champion, ordered by when they last became so; today's are last.

    A refresh is none of them: it is the version whose weights it carries.
    """
    moves = [entry for entry in entries if isinstance(entry, AliasEntry | AliasObserved) and entry.alias == "champion"]
    versions = (weights_of(entries, move.version) for move in reversed(moves))
    return tuple(reversed(dict.fromkeys(version for version in versions if version is not None)))


def lineages(entries: Sequence[Entry]) -> dict[int, tuple[str, ...]]:
    """Return the lineage digests that the ledger gives each version; one promoted before format 3 has none.

    More than one digest of a version contradict each other: what a version was made from never changes.
    """
    found: dict[int, tuple[str, ...]] = {}
    anchors = (entry for entry in entries if isinstance(entry, AliasEntry | AnchorEntry | GraphRefreshed))
    for version, digest in ((entry.version, entry.lineage_sha256) for entry in anchors):
        if version is not None and digest is not None and digest not in found.get(version, ()):
            found[version] = (*found.get(version, ()), digest)
    return found


def expect_lineage(entries: Sequence[Entry], graph: str, version: int, lineage_sha256: str) -> None:
    """Refuse a lineage digest of a version where the ledger has another one.

    Raises:
        TamperedRecord: it has.
    """
    for known in lineages(entries).get(version, ()):
        if known != lineage_sha256:
            raise TamperedRecord(
                f"The lineage record of version {version} of {graph} has sha256 {lineage_sha256[:12]}, but the ledger "
                f"has {known[:12]}: records in MLflow were changed. Restore them from a backup; "
                f"`ncnc audit model {graph}@{version}` names what differs."
            )


def collected_versions(entries: Sequence[Entry]) -> frozenset[int]:
    """Return the versions that a collection has deleted, or is about to."""
    return frozenset(version for entry in entries if isinstance(entry, RegistryCollected) for version in entry.versions)


def whose_move(standing: Standing | None, state: AliasState) -> Literal["nobody", "ours", "outside"]:
    """Return who made the move where MLflow and the ledger differ.

    Ours: it is in the ledger, and the process died before it set the alias in MLflow. Outside: MLflow had followed the
    ledger already, and somebody changed the alias in MLflow since.
    """
    if standing is None:
        return "nobody" if state.version is None else "outside"
    if state.version == standing.version:
        return "nobody"
    if standing.observed:  # found there, and not asked for: it is never moved back to where it was found
        return "outside"
    if state.settled is None:  # MLflow never followed: only a move from where the ledger says can be ours
        return "ours" if state.version == standing.previous else "outside"
    return "outside" if state.settled == standing.moves else "ours"


def observed_moves(
    entries: Sequence[Entry], states: Mapping[Alias, AliasState], *, graph: str, who: str, at: datetime
) -> tuple[AliasObserved, ...]:
    """Return an entry for each alias that was changed in MLflow without the ledger."""
    known = standings(entries)
    return tuple(
        AliasObserved(
            graph=graph,
            alias=alias,
            version=states[alias].version,
            previous=known[alias].version if alias in known else None,
            at=at,
            who=who,
        )
        for alias in ALIASES
        if whose_move(known.get(alias), states[alias]) == "outside"
    )


def anchoring(entries: Sequence[Entry], anchor: AnchorEntry) -> tuple[AnchorEntry, ...]:
    """Return the entry that gives a version its lineage digest; none where the ledger has this digest already.

    Raises:
        TamperedRecord: the ledger has another lineage digest of the version.
        InvalidInput: the version was collected.
    """
    expect_there(entries, anchor.version, anchor.graph)
    expect_lineage(entries, anchor.graph, anchor.version, anchor.lineage_sha256)
    return () if anchor.version in lineages(entries) else (anchor,)


def single_move(entries: Sequence[Entry], alias: Alias, version: int | None, move: Move) -> tuple[AliasEntry, ...]:
    """Return the entry that moves one alias; none where it stands there already."""
    standing = standings(entries).get(alias)
    if standing is not None and standing.version == version:
        return ()
    expect_there(entries, version, move.graph)
    return (_entry(move, alias, version, standing.version if standing else None, _lineage(entries, version)),)


def crowning(
    entries: Sequence[Entry],
    version: int,
    move: Move,
    *,
    instead_of: int | None,
    challenger: bool = True,
    lineage_sha256: str | None = None,
) -> tuple[AliasEntry, ...]:
    """Return the entries that make a version champion, and `previous` the version whose weights were champion.

    None where the champion has this version's weights, on whichever graph. `lineage_sha256` is the digest of the
    version's lineage record; where it is not given, what the ledger has of it.

    Raises:
        Overtaken: the champion is another than the one this move was meant to replace.
        InvalidInput: the version was collected.
        TamperedRecord: the ledger has another lineage digest of the version.
    """
    known = standings(entries)
    champion = weights_of(entries, known["champion"].version) if "champion" in known else None
    if champion == version:
        return ()
    if champion != weights_of(entries, instead_of):
        raise Overtaken(
            f"Version {version} of {move.graph} was to replace champion {_said(instead_of)}, but the champion is now "
            f"{_said(champion)}: another promotion or a rollback came first, and won. Nothing was promoted. "
            f"`ncnc registry history --graph {move.graph}` shows it; the next night compares with {_said(champion)}."
        )
    expect_there(entries, version, move.graph)
    if lineage_sha256 is not None:
        expect_lineage(entries, move.graph, version, lineage_sha256)
    steps: list[tuple[Alias, int]] = [("challenger", version)] if challenger else []
    if champion is not None:
        steps.append(("previous", champion))
    steps.append(("champion", version))
    moves = []
    for alias, target in steps:
        before = known[alias].version if alias in known else None
        if before != target:
            given = lineage_sha256 if target == version else None
            moves.append(_entry(move, alias, target, before, given or _lineage(entries, target)))
    return tuple(moves)


def expect_there(entries: Sequence[Entry], version: int | None, graph: str) -> None:
    """Refuse a version that was collected."""
    if version in collected_versions(entries):
        raise InvalidInput(
            f"Version {version} of {graph} was collected, and its bytes are gone. `ncnc registry show --graph {graph}` "
            f"shows the versions that are there."
        )


def _lineage(entries: Sequence[Entry], version: int | None) -> str | None:
    """Return the newest lineage digest that the ledger has of a version."""
    known = lineages(entries).get(version, ()) if version is not None else ()
    return known[-1] if known else None


def _entry(
    move: Move, alias: Alias, version: int | None, previous: int | None, lineage_sha256: str | None
) -> AliasEntry:
    return AliasEntry(
        graph=move.graph,
        alias=alias,
        version=version,
        previous=previous,
        at=move.at,
        who=move.who,
        why=move.why,
        lineage_sha256=lineage_sha256,
    )


def _said(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
