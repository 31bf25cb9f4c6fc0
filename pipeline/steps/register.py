"""Register the challenger that the gate let pass, or the shadow, and promote it, where nobody rejected it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pipeline.doors import Doors
from pipeline.errors import NothingToDo
from pipeline.ledger.approvals import Answer, answering, as_approval, last_night, rejection, standing_answer
from pipeline.ledger.collected_models import expect_model
from pipeline.ledger.entries import ApprovalEntry, Entry
from pipeline.ledger.night import ended_night
from pipeline.ledger.promotion_stops import PromotionsAreStopped
from pipeline.params.params import Params
from pipeline.promotion.nomination import keep_stopped_night
from pipeline.promotion.registration import DecidedRun, register_run
from pipeline.promotion.shadow_promotion import promote_shadow
from pipeline.records.chain import RegisteredModel
from pipeline.runs.folder import RunFolder

logger = logging.getLogger(__name__)


def run(folder: RunFolder, params: Params, *, doors: Doors, answer: Answer | None = None) -> RegisteredModel:
    """Make one version of the run key and promote it; with an answer, as a person said.

    Where the night's decision promotes the shadow, the version is of the shadow's run, and so is the record.

    The first answer about a run stands: a retry, or an answer that comes after it, changes nothing.

    Raises:
        NothingToDo: the decision is not to promote, a person rejected the run or has not answered yet, promotions are
            stopped, or another run has registered this run key.
        InvalidInput: the champion is no longer the one that the decision was made against, or the trained model was
            collected.
    """
    decided = DecidedRun.of(folder)
    snapshot, promote = decided.snapshot, decided.decision.promotes
    if answer is not None and (promote or answer.overridden):
        doors.ledger.append_made(
            snapshot.graph, lambda entries: answering(entries, snapshot.graph, snapshot.run_name, answer)
        )
    entries = doors.ledger.entries(snapshot.graph)
    standing = standing_answer(entries, snapshot.run_name)
    if not promote and (standing is None or not standing.overridden):
        raise NothingToDo(f"Nothing to register: {decided.decision.reason}")
    _expect_consent(decided, entries, standing, doors)
    if answer is not None and not answer.approved and standing is not None:
        logger.warning("the rejection by %s came too late: %s had approved the run", answer.who, standing.who)
    description, approval = params.register_.description, as_approval(standing)
    try:
        if (shadow := decided.decision.promoted_shadow) is not None:
            return promote_shadow(decided, shadow, description, approval, doors)
        expect_model(entries, snapshot.run_name)  # also where this machine has a copy: an audit would ask for MLflow's
        return register_run(decided, description, approval, doors)
    except PromotionsAreStopped as stopped:
        raise NothingToDo(keep_stopped_night(folder, decided.decision, stopped.stop, doors)) from stopped


def _expect_consent(
    decided: DecidedRun, entries: Sequence[Entry], standing: ApprovalEntry | None, doors: Doors
) -> None:
    """Go on only where nobody rejected the run, and nobody's answer is awaited; a rejection ends the night.

    Raises:
        NothingToDo: the run was rejected, or awaits a person.
    """
    run_name = decided.snapshot.run_name
    if standing is not None and standing.verdict == "rejected":
        doors.ledger.append(ended_night(decided.snapshot, "rejected", rejection(standing), at=doors.clock()))
        if run_id := decided.folder.mlflow_run():
            doors.registry.runs.close(run_id, "rejected")
        raise NothingToDo(
            f"Run {run_name} was {rejection(standing)}. Nothing was promoted, and a retry does not change that. To "
            f"promote it all the same: ncnc promote --run-dir <runs>/{run_name} --override --reason ..."
        )
    night = last_night(entries, run_name)
    if standing is None and night is not None and night.outcome == "awaiting":
        raise NothingToDo(
            f"Run {run_name} awaits a person since {night.at:%Y-%m-%d %H:%M} UTC. Answer in Airflow, or: "
            f"ncnc promote --run-dir <runs>/{run_name} --reason ... (or ncnc reject)."
        )
