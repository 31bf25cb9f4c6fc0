"""Put a run that the gate let pass before a person: it awaits an answer, and the ledger says so."""

from __future__ import annotations

from pipeline.doors import Doors
from pipeline.errors import NothingToDo
from pipeline.ledger.approvals import AWAITS, last_night, rejection, standing_answer
from pipeline.ledger.entries import NightEntry
from pipeline.records.chain import GraphSnapshot, PromotionDecision
from pipeline.runs.folder import RunFolder


def nominate(folder: RunFolder, *, doors: Doors) -> NightEntry:
    """Enter a run as awaiting a person's answer, and return the entry.

    Raises:
        NothingToDo: the gate let nothing pass, or the run was answered already; nobody needs to be asked.
    """
    decision, snapshot = folder.get(PromotionDecision), folder.get(GraphSnapshot)
    if not decision.promote:
        raise NothingToDo(f"Nobody needs to be asked: {decision.reason}")
    entries = doors.ledger.entries(snapshot.graph)
    standing, night = standing_answer(entries, snapshot.run_name), last_night(entries, snapshot.run_name)
    if standing is not None and standing.verdict == "rejected":
        raise NothingToDo(
            f"Run {snapshot.run_name} was {rejection(standing)}, and a rejection stands. "
            f"ncnc promote --run-dir <runs>/{snapshot.run_name} --override --reason ... overrules it, and says so."
        )
    if night is not None and night.outcome == "promoted":
        raise NothingToDo(f"Run {snapshot.run_name} was promoted already, as version {night.version}.")
    entry = NightEntry(
        graph=snapshot.graph,
        run_name=snapshot.run_name,
        as_of=snapshot.as_of,
        at=doors.clock(),
        outcome="awaiting",
        reason=f"{AWAITS}{decision.reason}",
        completed=True,
        run_key=snapshot.run_key,
        snapshot_tag=snapshot.tag,
        source_sha256=snapshot.source_sha256,
    )
    doors.ledger.append(entry)
    return entry
