"""The ledger's entries of nights, made in one place, and the last one of each night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.ledger.entries import Entry, NightEntry, NightOutcome
from pipeline.records.chain import GraphSnapshot


def ended_night(
    snapshot: GraphSnapshot, outcome: NightOutcome, reason: str, *, at: datetime, version: int | None = None
) -> NightEntry:
    """Return the entry of a night that came to a decision, or waits for a person's; `version` is the promoted one."""
    return NightEntry(
        graph=snapshot.graph,
        run_name=snapshot.run_name,
        as_of=snapshot.as_of,
        at=at,
        outcome=outcome,
        reason=reason,
        completed=True,
        run_key=snapshot.run_key,
        snapshot_tag=snapshot.tag,
        source_sha256=snapshot.source_sha256,
        version=version,
    )


def broken_off_night(
    graph: str, run_name: str, as_of: datetime, outcome: NightOutcome, reason: str, *, at: datetime
) -> NightEntry:
    """Return the entry of a night that was refused, skipped or failed before a decision; it may have no snapshot."""
    return NightEntry(
        graph=graph, run_name=run_name, as_of=as_of, at=at, outcome=outcome, reason=reason, completed=False
    )


def last_nights(entries: Sequence[Entry]) -> dict[str, NightEntry]:
    """Return the newest entry of each night by its run name, in the order of the nights."""
    newest = {entry.run_name: entry for entry in entries if isinstance(entry, NightEntry)}
    return dict(sorted(newest.items(), key=lambda item: item[1].as_of))
