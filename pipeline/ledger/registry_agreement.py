"""Whether a ledger and a registry belong together and miss nothing of each other: pure functions of what both say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import (
    ALIASES,
    AliasState,
    Move,
    collected_versions,
    single_move,
    standings,
    whose_move,
)
from pipeline.ledger.entries import (
    Alias,
    AliasEntry,
    AliasEvent,
    Entry,
    GraphRefreshed,
    NightEntry,
    RegistryBound,
    RegistryCollected,
)
from pipeline.ledger.served_weights import with_weights


@dataclass(frozen=True)
class RegistryState:
    """A graph's registered model as MLflow has it; `made_at` is None where there is none.

    `where` is the server's address without credentials. `versions` gives the run key of each version, None where this
    pipeline did not make it. `num_entries` is how many entries the ledger had when MLflow last followed it. `weights`
    gives the version whose weights each refresh carries.
    """

    where: str
    made_at: datetime | None
    aliases: Mapping[Alias, AliasState]
    versions: Mapping[int, str | None]
    num_entries: int | None = None
    weights: Mapping[int, int] = field(default_factory=dict)


class RegistriesDisagree(InvalidInput):
    """The ledger and the MLflow that was asked do not belong together, or one of the two has lost something."""


def bound_registry(entries: Sequence[Entry]) -> RegistryBound | None:
    """Return the registered model that the ledger belongs to, by the newest entry about that."""
    return next((entry for entry in reversed(entries) if isinstance(entry, RegistryBound)), None)


def run_keys(entries: Sequence[Entry]) -> dict[int, str]:
    """Return the run key of each version that the ledger knows to be promoted, or to be a refresh."""
    told = [entry for entry in entries if isinstance(entry, NightEntry | GraphRefreshed)]
    return {entry.version: entry.run_key for entry in told if entry.version is not None and entry.run_key is not None}


def highest_version(entries: Sequence[Entry]) -> int:
    """Return the highest version number that the ledger names, 0 where it names none: it is never given again."""
    named = [
        entry.version for entry in entries if isinstance(entry, AliasEvent | NightEntry) and entry.version is not None
    ]
    collected = [version for entry in entries if isinstance(entry, RegistryCollected) for version in entry.versions]
    return max([*named, *collected], default=0)


def missing_versions(entries: Sequence[Entry], state: RegistryState) -> tuple[int, ...]:
    """Return the versions that the ledger tells of and the registry lacks, those that were collected aside."""
    known = {entry.version for entry in entries if isinstance(entry, AliasEvent) and entry.version is not None}
    there = {version for version in known if version in state.versions and not is_stranger(entries, state, version)}
    return tuple(sorted(known - there - collected_versions(entries)))


def is_stranger(entries: Sequence[Entry], state: RegistryState, version: int) -> bool:
    """Return whether a registry's version is another than the one of that number in the ledger."""
    if version not in state.versions:
        return False
    if (known := run_keys(entries).get(version)) is not None:
        return state.versions[version] != known
    bound = bound_registry(entries)
    if bound is None:
        return False
    elsewhere = bound.made_at != state.made_at and version <= highest_version(entries)
    return elsewhere or version in bound.lost


def disagreement(entries: Sequence[Entry], state: RegistryState) -> str | None:
    """Return why nothing may be read as a move of an alias, and no alias may be moved; None where all is well."""
    standing, bound = standings(entries), bound_registry(entries)
    if (said := _entries_lost(entries, state)) is not None and (bound is None or bound.made_at == state.made_at):
        return said
    if bound is None and not standing:
        return None
    if state.made_at is None or (bound is not None and bound.made_at != state.made_at):
        return _another_registry(bound, state)
    if bound is None and not _is_recognised(entries, state):
        return (
            "it does not have the champion that the ledger tells of. Either MLFLOW_TRACKING_URI names another MLflow "
            "than the nights use, or MLflow has lost versions"
        )
    champion = standing["champion"].version if "champion" in standing else None
    if champion is not None and champion not in state.versions:
        return (
            f"champion is version {champion} by the ledger, and MLflow does not have this version. {_serves(state)}. "
            f"Either it was deleted, or MLflow was restored from an older copy"
        )
    for alias in ALIASES:
        version = state.aliases[alias].version
        if version is not None and is_stranger(entries, state, version):
            return (
                f"{alias} points at a version {version} that is not the ledger's version {version}: it was made from "
                f"another graph, parameters or code"
            )
    return None


def expect_agreement(entries: Sequence[Entry], state: RegistryState, graph: str) -> None:
    """Refuse to go on where ledger and registry do not belong together, or one of them has lost something.

    Raises:
        RegistriesDisagree: they do not; nothing was written to either.
    """
    if (said := disagreement(entries, state)) is not None:
        raise RegistriesDisagree(
            f"The ledger of {graph} and the MLflow at {state.where} disagree: {said}. Nothing was written, and no "
            f"alias was moved. `ncnc registry doctor --graph {graph}` shows both sides and what mends it."
        )


def expect_target(entries: Sequence[Entry], state: RegistryState, graph: str, version: int | None) -> None:
    """Refuse to point an alias at a version that the registry lacks, or that is not the ledger's of this number.

    Raises:
        InvalidInput: it is such a version.
    """
    if version is None or version in collected_versions(entries):  # the latter says who collected it
        return
    if version not in state.versions:
        raise InvalidInput(
            f"The MLflow at {state.where} has no version {version} of {graph}, so no alias can point at it. "
            f"`ncnc registry show --graph {graph}` lists its versions."
        )
    if is_stranger(entries, state, version):
        raise InvalidInput(
            f"Version {version} of {graph} in MLflow is not the one that the ledger knows by this number: that one was "
            f"lost. `ncnc registry show --graph {graph}` lists the versions; choose another one."
        )


def binding(entries: Sequence[Entry], state: RegistryState, move: Move) -> tuple[RegistryBound, ...]:
    """Return the entry that binds a ledger to the registry that it agrees with; none where it is bound already."""
    if state.made_at is None or bound_registry(entries) is not None:
        return ()
    return (RegistryBound(graph=move.graph, made_at=state.made_at, where=state.where, at=move.at, who=move.who),)


def adoption(entries: Sequence[Entry], state: RegistryState, move: Move) -> tuple[Entry, ...]:
    """Return the entries after which the ledger tells of this registry as it is: of it alone, and of what it serves.

    No alias in MLflow is moved by them. The versions that the ledger told of and the registry lacks are named as lost.

    Raises:
        InvalidInput: there is no registered model, or an alias points at a version that is not the ledger's.
    """
    if state.made_at is None:
        raise InvalidInput(f"The MLflow at {state.where} has no registered model {move.graph}. Make one first.")
    moves: list[AliasEntry] = []
    for alias in ALIASES:
        version = state.aliases[alias].version
        if version is not None and is_stranger(entries, state, version):
            raise InvalidInput(
                f"{alias} of {move.graph} points at a version {version} that is not the ledger's version {version}. "
                f"Take this alias away in MLflow, or point it at another version; then try again."
            )
        if version is not None or alias in standings(entries):
            moves += with_weights(single_move(entries, alias, version, move), state.weights)
    (bound,) = binding((), state, move)
    return (bound.model_copy(update={"why": move.why, "lost": missing_versions(entries, state)}), *moves)


def _entries_lost(entries: Sequence[Entry], state: RegistryState) -> str | None:
    known = standings(entries)
    for alias in ALIASES:
        settled, moves = state.aliases[alias].settled, known[alias].moves if alias in known else 0
        if settled is not None and settled > moves:
            return _lost(f"MLflow has followed {settled} moves of {alias}, and the ledger has {moves}")
    if state.num_entries is not None and state.num_entries > len(entries):
        return _lost(f"MLflow has followed a ledger of {state.num_entries} entries, and this one has {len(entries)}")
    return None


def _lost(found: str) -> str:
    return (
        f"{found}. Entries of the ledger are missing: the data repository was restored from an older copy, or is a "
        f"mirror that lags behind; or NCNC_DATA_REPOSITORY and MLFLOW_TRACKING_URI do not belong together"
    )


def _another_registry(bound: RegistryBound | None, state: RegistryState) -> str:
    has = "it has no registered model of this graph"
    if state.made_at is not None:
        has = f"its registered model of this graph was made on {_time(state.made_at)}"
    belongs = "the ledger has moves of aliases"
    if bound is not None:
        belongs = f"the ledger belongs to the one that was made on {_time(bound.made_at)}, at {bound.where}"
    return (
        f"{has}, and {belongs}. Either MLFLOW_TRACKING_URI names another MLflow than the nights use, or the registered "
        f"model was deleted"
    )


def _is_recognised(entries: Sequence[Entry], state: RegistryState) -> bool:
    """Return whether a registry is the one that a ledger of before bindings tells of."""
    standing, keys = standings(entries).get("champion"), run_keys(entries)
    champion = standing.version if standing else None
    same = {version for version, key in keys.items() if state.versions.get(version) == key}
    if champion in keys:
        return champion in same
    there = champion is None or champion in state.versions
    return there and (bool(same) or not keys) and whose_move(standing, state.aliases["champion"]) != "outside"


def _serves(state: RegistryState) -> str:
    version = state.aliases["champion"].version
    return "Nothing is served" if version is None else f"Version {version} is served"


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
