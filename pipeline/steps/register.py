"""Register the promoted challenger and make it champion, where nobody rejected it."""

from __future__ import annotations

import logging

from pipeline.doors import Doors
from pipeline.errors import NothingToDo
from pipeline.ledger.approvals import Answer, answering, as_approval, last_night, rejection, standing_answer
from pipeline.ledger.collected_models import expect_model
from pipeline.ledger.entries import ApprovalEntry, NightEntry
from pipeline.params.params import Params
from pipeline.promotion.registration import register_run
from pipeline.records.chain import GraphSnapshot, PromotionDecision, RegisteredModel
from pipeline.runs.folder import RunFolder

logger = logging.getLogger(__name__)


def run(folder: RunFolder, params: Params, *, doors: Doors, answer: Answer | None = None) -> RegisteredModel:
    """Make one version of the run key and make it champion; with an answer, as a person said.

    The first answer about a run stands: a retry, or an answer that comes after it, changes nothing.

    Raises:
        NothingToDo: the decision is not to promote, a person rejected the run or has not answered yet, or another run
            has registered this run key.
        OutsideTrouble: another run is registering this run key just now.
        InvalidInput: the champion is no longer the one that the decision was made against, or the trained model was
            collected.
    """
    decision, snapshot = folder.get(PromotionDecision), folder.get(GraphSnapshot)
    if not decision.promote and (answer is None or not answer.overridden):
        standing = standing_answer(doors.ledger.entries(snapshot.graph), snapshot.run_name)
        if standing is None or not standing.overridden:
            raise NothingToDo(f"Nothing to register: {decision.reason}")
    if answer is not None:
        doors.ledger.append_made(
            snapshot.graph, lambda entries: answering(entries, snapshot.graph, snapshot.run_name, answer)
        )
    entries = doors.ledger.entries(snapshot.graph)
    standing = standing_answer(entries, snapshot.run_name)
    if standing is not None and standing.verdict == "rejected":
        _enter_rejection(standing, snapshot, doors, folder)
        raise NothingToDo(
            f"Run {snapshot.run_name} was {rejection(standing)}. Nothing was promoted, and a retry does not "
            f"change that; ncnc promote --run-dir <runs>/{snapshot.run_name} --override --reason ... overrules it, and "
            f"says so."
        )
    if standing is None:
        night = last_night(entries, snapshot.run_name)
        if night is not None and night.outcome == "awaiting":
            raise NothingToDo(
                f"Run {snapshot.run_name} awaits a person since {night.at:%Y-%m-%d %H:%M} UTC. Answer in Airflow, or: "
                f"ncnc promote --run-dir <runs>/{snapshot.run_name} --reason ... (or ncnc reject)."
            )
    elif answer is not None and not answer.approved:
        logger.warning("the rejection by %s came too late: %s had approved the run", answer.who, standing.who)
    expect_model(entries, snapshot.run_name)  # also where this machine has a copy: an audit would ask for MLflow's
    return register_run(folder, params, as_approval(standing), doors)


def _enter_rejection(standing: ApprovalEntry, snapshot: GraphSnapshot, doors: Doors, folder: RunFolder) -> None:
    doors.ledger.append(
        NightEntry(
            graph=snapshot.graph,
            run_name=snapshot.run_name,
            as_of=snapshot.as_of,
            at=doors.clock(),
            outcome="rejected",
            reason=rejection(standing),
            completed=True,
            run_key=snapshot.run_key,
            snapshot_tag=snapshot.tag,
            source_sha256=snapshot.source_sha256,
        )
    )
    if run_id := folder.mlflow_run():
        doors.registry.runs.close(run_id, "rejected")
