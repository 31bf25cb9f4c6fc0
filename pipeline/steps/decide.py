"""Decide whether tonight's challenger, or the shadow of an earlier night, becomes champion."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.doors import Doors
from pipeline.ledger.entries import Entry, NightEntry, NightOutcome, ShadowEvidence, repeats
from pipeline.ledger.night import ended_night
from pipeline.ledger.shadows import entering
from pipeline.params.params import Params
from pipeline.promotion.accumulated import decide
from pipeline.records.chain import GraphSnapshot, PromotionDecision
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.shadow import ShadowState
from pipeline.runs.folder import RunFolder


def run(folder: RunFolder, params: Params, *, doors: Doors) -> PromotionDecision:
    """Apply the gate to the evaluation, and enter the shadows' evidence, and a night that promotes no model of its own.

    A promoted night is entered by `register`, once the version exists. A night that promotes the shadow has kept the
    champion from its own model.
    """
    if (done := folder.find(PromotionDecision)) is not None:
        return done
    snapshot, evaluation = folder.get(GraphSnapshot), folder.get(EvaluationRecord)
    decision = decide(evaluation, params.decide, snapshot)
    night = None
    if not decision.promote:
        outcome: NightOutcome = "refused" if decision.cold_start else "kept"
        night = ended_night(snapshot, outcome, decision.reason, at=doors.clock())
    shadows = _evidence(decision, snapshot, doors)
    # The ledger first: were the record first, a kill between the two would leave a decided night unentered. In one
    # commit, so that a collection never finds the night ended and its shadow not yet one.
    place = evaluation.shadow_place
    before = place.shadow.before if place is not None and place.shadow is not None else None
    doors.ledger.append_made(snapshot.graph, lambda entries: _new(entries, shadows, before, night))
    if night is not None and (run_id := folder.mlflow_run()):
        doors.registry.runs.close(run_id, night.outcome)
    folder.put(decision)
    return decision


def _new(
    entries: Sequence[Entry], shadows: Sequence[ShadowEvidence], before: ShadowState | None, night: NightEntry | None
) -> tuple[Entry, ...]:
    """Return what the ledger does not have yet."""
    ended = () if night is None or repeats(entries, night) else (night,)
    return (*entering(entries, shadows, before), *ended)


def _evidence(decision: PromotionDecision, snapshot: GraphSnapshot, doors: Doors) -> tuple[ShadowEvidence, ...]:
    if decision.champion_version is None:
        return ()
    return tuple(
        ShadowEvidence(
            graph=snapshot.graph,
            run_name=snapshot.run_name,
            champion=decision.champion_version,
            report_sha256=decision.report_sha256,
            shadow=shadow.state,
            at=doors.clock(),
        )
        for shadow in decision.shadows
    )
