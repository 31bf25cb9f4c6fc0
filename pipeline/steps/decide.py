"""Decide whether tonight's challenger becomes champion."""

from __future__ import annotations

from pipeline.doors import Doors
from pipeline.ledger.entries import NightOutcome
from pipeline.ledger.night import ended_night
from pipeline.params.params import Params
from pipeline.promotion import gate
from pipeline.records.chain import GraphSnapshot, PromotionDecision
from pipeline.records.evaluation import EvaluationRecord
from pipeline.runs.folder import RunFolder


def run(folder: RunFolder, params: Params, *, doors: Doors) -> PromotionDecision:
    """Apply the gate to the evaluation, and enter a night that promotes nothing in the ledger.

    A promoted night is entered by `register`, once the version exists.
    """
    if (done := folder.find(PromotionDecision)) is not None:
        return done
    snapshot, evaluation = folder.get(GraphSnapshot), folder.get(EvaluationRecord)
    decision = gate.decide(evaluation, params.decide)
    if not decision.promote:
        outcome: NightOutcome = "refused" if decision.cold_start else "kept"
        # The ledger first: were the record first, a kill between the two would leave a decided night unentered.
        doors.ledger.append(ended_night(snapshot, outcome, decision.reason, at=doors.clock()))
        if run_id := folder.mlflow_run():
            doors.registry.runs.close(run_id, outcome)
    folder.put(decision)
    return decision
