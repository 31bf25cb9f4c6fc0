"""The promotion of a shadow: an earlier run is registered and made champion by a later night's decision."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.ledger.collected_models import expect_model
from pipeline.ledger.entries import Entry
from pipeline.ledger.night import ended_night
from pipeline.ledger.shadows import standing_shadow
from pipeline.promotion.registration import DecidedRun, register_run
from pipeline.records.chain import Approval, RegisteredModel
from pipeline.records.names import RUNS
from pipeline.records.shadow import ShadowPromotion, ShadowVerdict
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version


def promote_shadow(
    night: DecidedRun, shadow: ShadowVerdict, description: str, approval: Approval | None, doors: Doors
) -> RegisteredModel:
    """Register the shadow's run with the evidence in place of its own night's gate, and promote it.

    The chain of records is that of its own night; what was decided there stays in it. Safe to run twice. It may be
    newer code than the one that trained the model: the record says which.

    Raises:
        InvalidInput: the shadow's model was collected, or its snapshot retracted; or the champion is another by now.
        PromotionsAreStopped: the champion is pinned, or promotions are paused.
    """
    run = DecidedRun.of(RunFolder(doors.environment.home / RUNS / shadow.run_name, doors.registry))
    if (taken_back := doors.snapshots.journal().retracted.get(run.snapshot.tag)) is not None:
        raise InvalidInput(
            f"The shadow, run {shadow.run_name}, was made from {run.snapshot.tag}, which was {taken_back.in_words}. "
            f"Nothing was promoted; the next night has another shadow."
        )
    entries = doors.ledger.entries(run.snapshot.graph)
    if not run.folder.has(RegisteredModel):  # a try that was killed made it: what it began is finished
        _expect_standing(night, shadow, entries)
    expect_model(entries, shadow.run_name)
    evidence = ShadowPromotion(
        decided_by=night.snapshot.run_name,
        decision_sha256=night.decision.sha256,
        champion_version=_champion(night),
        shadow=shadow.state,
        code_version=code_version(),
    )
    record = register_run(run, description, approval, doors, evidence)
    # It may have awaited a person: its own model was kept out all the same.
    doors.ledger.append(ended_night(night.snapshot, "kept", night.decision.reason, at=doors.clock()))
    return record


def _expect_standing(night: DecidedRun, shadow: ShadowVerdict, entries: Sequence[Entry]) -> None:
    """Refuse a decision that came to nothing then, and is taken up again when the shadow is gone or has shown less."""
    now = standing_shadow(entries)
    if now is None or now.shadow.run_name != shadow.run_name or now.shadow.standing != "better":
        raise InvalidInput(
            f"Run {night.snapshot.run_name} decided to promote the shadow, run {shadow.run_name}, but by the ledger it "
            f"is not the shadow any more, or its evidence no longer suffices: another promotion, a rollback or a later "
            f"night came first. Nothing was promoted. `ncnc registry history --graph {night.snapshot.graph}` shows it."
        )


def _champion(night: DecidedRun) -> int:
    version = night.decision.champion_version
    if version is None:
        raise InvalidInput(
            f"Run {night.snapshot.run_name} decided to promote a shadow beside no champion. Its record was changed: "
            f"delete the run folder and let the step fetch it again."
        )
    return version
