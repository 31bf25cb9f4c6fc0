"""The ledger's entry of a night that has a snapshot, made in one place."""

from __future__ import annotations

from datetime import datetime

from pipeline.ledger.entries import NightEntry, NightOutcome
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
    """Return the entry of a night that was refused or skipped before a decision; it may have no snapshot."""
    return NightEntry(
        graph=graph, run_name=run_name, as_of=as_of, at=at, outcome=outcome, reason=reason, completed=False
    )
