"""Whose weights a version carries, by the ledger: pure functions of its entries.

A refresh is a version of the weights of an earlier one, on the graph of another night. What is compared, rolled back to
or pinned is weights, and so a version that is no refresh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, overload

from pipeline.ledger.entries import AliasEntry, AliasEvent, AliasObserved, Entry, GraphRefreshed, NightEntry
from pipeline.records.names import graph_of_tag

M = TypeVar("M", AliasEntry, AliasObserved)


def refreshes(entries: Sequence[Entry]) -> dict[int, GraphRefreshed]:
    """Return the newest entry of each version that is a refresh, by its number."""
    return {entry.version: entry for entry in entries if isinstance(entry, GraphRefreshed)}


@overload
def weights_of(entries: Sequence[Entry], version: int) -> int: ...
@overload
def weights_of(entries: Sequence[Entry], version: int | None) -> int | None: ...
def weights_of(entries: Sequence[Entry], version: int | None) -> int | None:
    """Return the version whose weights a version carries: itself where it is no refresh."""
    told = (item.weights_of for item in entries if isinstance(item, AliasEvent) and item.version == version)
    return next((weights for weights in told if weights is not None), version)


def with_weights(moves: Sequence[M], weights: Mapping[int, int]) -> tuple[M, ...]:
    """Return moves to versions that MLflow has, each refresh among them with the version whose weights it carries.

    The ledger may have lost the refresh's own entry, and would take it for weights that nobody was compared with.
    """
    return tuple(
        move.model_copy(update={"weights_of": weights.get(move.version)}) if move.version is not None else move
        for move in moves
    )


def champion_weights(entries: Sequence[Entry]) -> int | None:
    """Return the version whose weights the champion carries; None where there is no champion."""
    events = [entry for entry in entries if isinstance(entry, AliasEvent) and entry.alias == "champion"]
    return weights_of(entries, events[-1].version) if events else None


def champion_in_words(entries: Sequence[Entry]) -> tuple[int, str] | None:
    """Return the version whose weights the champion carries, and the champion in words; None where there is none."""
    events = [entry for entry in entries if isinstance(entry, AliasEvent) and entry.alias == "champion"]
    version = events[-1].version if events else None
    return None if version is None else (weights_of(entries, version), served_in_words(entries, version))


def served_in_words(entries: Sequence[Entry], version: int) -> str:
    """Return a version with its weights and its graph, each with the night that it is of, as the ledger knows them."""
    refresh = refreshes(entries).get(version)
    weights = version if refresh is None else refresh.weights_of
    nights = (entry for entry in entries if isinstance(entry, NightEntry) and entry.version == weights)
    night = next((f"night of {entry.as_of:%Y-%m-%d %H:%M}" for entry in nights), "night that the ledger does not name")
    if refresh is None:
        return f"version {version}: weights and graph of the {night}"
    return f"version {version}: weights of version {weights} ({night}), graph of {graph_of_tag(refresh.snapshot_tag)}"
