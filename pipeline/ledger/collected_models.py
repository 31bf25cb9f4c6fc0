"""Trained models that a collection deleted, as the ledger records them; a step that needs one says so."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import InvalidInput
from pipeline.ledger.entries import Entry, RegistryCollected


def model_collection(entries: Sequence[Entry], run_name: str) -> RegistryCollected | None:
    """Return the collection that took a run's trained model, or None where none did."""
    taken = (item for item in reversed(entries) if isinstance(item, RegistryCollected) and run_name in item.models)
    return next(taken, None)


def collected_in_words(entry: RegistryCollected) -> str:
    """Return who collected, when, and by which policy."""
    return f"collected by {entry.who} on {entry.at:%Y-%m-%d %H:%M} UTC, {entry.reason} ({entry.policy})"


def expect_model(entries: Sequence[Entry], run_name: str) -> None:
    """Refuse to go on with a run whose trained model a collection took.

    Raises:
        InvalidInput: it did.
    """
    if (taken := model_collection(entries, run_name)) is not None:
        raise InvalidInput(
            f"The trained model of run {run_name} was {collected_in_words(taken)}: it can no longer be promoted. Its "
            f"records stay. Start a run of another as-of, which trains a model anew."
        )
