"""Nominate a run: ask a person whether a run that passed the gate is promoted."""

from __future__ import annotations

from pipeline.doors import Doors
from pipeline.errors import NothingToDo
from pipeline.ledger.approvals import AWAITS, last_night, rejection, standing_answer
from pipeline.ledger.entries import NightEntry, PromotionsStopped
from pipeline.ledger.night import ended_night
from pipeline.ledger.promotion_stops import standing_stop, stop_in_words
from pipeline.records.chain import GraphSnapshot, PromotionDecision
from pipeline.runs.folder import RunFolder


def nominate(folder: RunFolder, *, doors: Doors) -> NightEntry:
    """Enter in the ledger that a run awaits a person's answer, and return the entry.

    Raises:
        NothingToDo: the run did not pass the gate, it was answered already, or promotions are stopped.
    """
    decision, snapshot = folder.get(PromotionDecision), folder.get(GraphSnapshot)
    if not decision.promotes:
        raise NothingToDo(f"No approval is needed, for the gate did not pass this run: {decision.reason}")
    doors.aliases.expect_agreement(snapshot.graph)
    entries = doors.ledger.entries(snapshot.graph)
    standing, night = standing_answer(entries, snapshot.run_name), last_night(entries, snapshot.run_name)
    if standing is not None and standing.verdict == "rejected":
        raise NothingToDo(
            f"Run {snapshot.run_name} was {rejection(standing)}, and a rejection is final. To "
            f"promote it all the same: ncnc promote --run-dir <runs>/{snapshot.run_name} --override --reason ..."
        )
    if night is not None and night.outcome == "promoted":
        raise NothingToDo(f"Run {snapshot.run_name} was promoted already, as version {night.version}.")
    if (stop := standing_stop(entries, doors.clock())) is not None:
        raise NothingToDo(keep_stopped_night(folder, decision, stop, doors))
    entry = ended_night(snapshot, "awaiting", f"{AWAITS}{decision.reason}", at=doors.clock())
    doors.ledger.append(entry)
    return entry


def keep_stopped_night(folder: RunFolder, decision: PromotionDecision, stop: PromotionsStopped, doors: Doors) -> str:
    """Enter a night that passed the gate while promotions are stopped as kept, and return the reason."""
    reason = f"{stop_in_words(stop)}. The gate: {decision.reason}"
    doors.ledger.append(ended_night(folder.get(GraphSnapshot), "kept", reason, at=doors.clock()))
    if run_id := folder.mlflow_run():
        doors.registry.runs.close(run_id, "kept")
    return (
        f"Nothing was promoted: {reason}. To promote it once promotions go on: ncnc promote --run-dir "
        f"<runs>/{folder.name} --reason ..."
    )
