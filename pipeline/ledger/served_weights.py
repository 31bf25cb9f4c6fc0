"""Whose weights a version carries, by the ledger: pure functions of its entries.

A refresh is a version of the weights of an earlier one, on the graph of another night. What is compared, rolled back to
or pinned is weights, and so a version that is no refresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from pipeline.ledger.entries import AliasEvent, Entry, GraphRefreshed


def refreshes(entries: Sequence[Entry]) -> dict[int, GraphRefreshed]:
    """Return the newest entry of each version that is a refresh, by its number."""
    return {entry.version: entry for entry in entries if isinstance(entry, GraphRefreshed)}


@overload
def weights_of(entries: Sequence[Entry], version: int) -> int: ...
@overload
def weights_of(entries: Sequence[Entry], version: int | None) -> int | None: ...
def weights_of(entries: Sequence[Entry], version: int | None) -> int | None:
    """Return the version whose weights a version carries: itself where it is no refresh."""
    found = next((item for item in entries if isinstance(item, GraphRefreshed) and item.version == version), None)
    return version if found is None else found.weights_of


def champion_weights(entries: Sequence[Entry]) -> int | None:
    """Return the version whose weights the champion carries; None where there is no champion."""
    events = [entry for entry in entries if isinstance(entry, AliasEvent) and entry.alias == "champion"]
    return weights_of(entries, events[-1].version) if events else None
