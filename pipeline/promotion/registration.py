"""Register a run: make its version and card; promote the version: make it champion; then enter the night."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.alias_history import Move, champions
from pipeline.ledger.night import ended_night
from pipeline.ledger.promotion_stops import expect_promotions
from pipeline.ledger.registry_agreement import highest_version
from pipeline.ledger.served_weights import champion_weights
from pipeline.promotion.model_card import model_card
from pipeline.records.chain import (
    Approval,
    EdgeSplit,
    GraphSnapshot,
    LineageRecord,
    PromotionDecision,
    RegisteredModel,
    TrainedModel,
)
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.shadow import ShadowPromotion
from pipeline.registry.facts import ModelVersion, version_tags
from pipeline.runs.data import example_pairs, model_folder
from pipeline.runs.folder import RunFolder


@dataclass(frozen=True)
class DecidedRun:
    """A decided run: its folder, and its records, each read once."""

    folder: RunFolder
    snapshot: GraphSnapshot
    split: EdgeSplit
    trained: TrainedModel
    evaluation: EvaluationRecord
    decision: PromotionDecision

    @classmethod
    def of(cls, folder: RunFolder) -> DecidedRun:
        """Read the records of a run.

        Raises:
            InvalidInput: a step of the run has not been run yet.
        """
        return cls(
            folder=folder,
            snapshot=folder.get(GraphSnapshot),
            split=folder.get(EdgeSplit),
            trained=folder.get(TrainedModel),
            evaluation=folder.get(EvaluationRecord),
            decision=folder.get(PromotionDecision),
        )


def register_run(
    run: DecidedRun,
    description: str,
    approval: Approval | None,
    doors: Doors,
    evidence: ShadowPromotion | None = None,
) -> RegisteredModel:
    """Make one version of the run key, promote it, and enter the night in the ledger.

    `description` is what the model card says the model is for, and `evidence` is why a later night promotes the run.
    Each part first looks whether it is done, so that a run killed between any two of them is finished by the next call.

    Raises:
        NothingToDo: another run has registered this run key.
        InvalidInput: the champion is no longer the one that the decision was made against.
        PromotionsAreStopped: the champion is pinned, or promotions are paused.
    """
    snapshot = run.snapshot
    doors.aliases.look(snapshot.graph, who=f"run {snapshot.run_name}", at=doors.clock())
    if (made := doors.registry.versions.of_run_key(snapshot.graph, snapshot.run_key)) is not None:
        _expect_own(made, snapshot, doors)
    record = run.folder.find(RegisteredModel)
    if record is None:
        expect_promotions(doors.ledger.entries(snapshot.graph), doors.clock())  # no version, if it is not promoted
        if approval is None or not approval.overridden:
            _expect_champion(run.decision, snapshot, doors)  # before a version is made that could never be promoted
        record = _version(run, approval, evidence, doors)
        run.folder.put(record)
    _describe(run, description, record, approval, doors)
    _promote(record, run, approval, doors)
    doors.registry.runs.close(run.trained.mlflow_run_id, "promoted")
    reason = _reason(run.decision, approval, record.evidence)
    doors.ledger.append(ended_night(snapshot, "promoted", reason, at=doors.clock(), version=record.version))
    return record


def _expect_own(made: ModelVersion, snapshot: GraphSnapshot, doors: Doors) -> None:
    """Refuse a version that another run with this run's key made: its records are not this run's."""
    if made.run_name == snapshot.run_name:
        return
    if made.version in champions(doors.ledger.entries(snapshot.graph)):
        raise NothingToDo(
            f"Version {made.version} of {snapshot.graph} already holds this graph, these parameters and this code: "
            f"run {made.run_name} registered it."
        )
    raise InvalidInput(
        f"Run {made.run_name} made version {made.version} of {snapshot.graph} from this graph, these parameters and "
        f"this code, and it did not become champion yet. Finish that run: "
        f"ncnc register --run-dir <runs>/{made.run_name}"
    )


def _expect_champion(decision: PromotionDecision, snapshot: GraphSnapshot, doors: Doors) -> None:
    made = doors.registry.versions.of_run_key(snapshot.graph, snapshot.run_key)
    champion = champion_weights(doors.ledger.entries(snapshot.graph))
    if champion not in (decision.champion_version, made.version if made else decision.champion_version):
        raise InvalidInput(
            f"The gate compared run {snapshot.run_name} with champion {decision.champion_version}, but the champion is "
            f"now {champion}: another promotion or a rollback came first. Nothing was promoted; the next night "
            f"compares with champion {champion}."
        )


def _version(
    run: DecidedRun, approval: Approval | None, evidence: ShadowPromotion | None, doors: Doors
) -> RegisteredModel:
    """Return the record of the version that holds the run key, made if there is none."""
    registry, snapshot, trained = doors.registry, run.snapshot, run.trained
    made = registry.versions.sole_of_run_key(snapshot.graph, snapshot.run_key)
    if made is None:
        path = model_folder(run.folder, doors, trained)
        model_id = registry.models.log(trained.mlflow_run_id, path, input_example=example_pairs(path))
        tags = version_tags(
            run_key=snapshot.run_key,
            run_name=snapshot.run_name,
            as_of=snapshot.as_of,
            snapshot_tag=snapshot.tag,
            files=trained.files,
        )
        above = highest_version(doors.ledger.entries(snapshot.graph))
        number = registry.versions.create(snapshot.graph, trained.mlflow_run_id, model_id, tags, above=above)
        made = registry.versions.get(snapshot.graph, number)
    _expect_own(made, snapshot, doors)
    return RegisteredModel(
        decision_sha256=run.decision.sha256,
        name=made.name,
        version=made.version,
        model_id=made.model_id,
        previous_version=run.decision.champion_version,
        run_key=made.run_key,
        files=registry.models.observe(made.model_id),
        approval=approval,
        evidence=evidence,
    )


def _describe(
    run: DecidedRun, description: str, record: RegisteredModel, approval: Approval | None, doors: Doors
) -> None:
    """Write the lineage record, and give the version its tags and its card."""
    lineage = run.folder.find(LineageRecord)
    if lineage is None:
        lineage = LineageRecord.of(
            snapshot=run.snapshot,
            split=run.split,
            trained=run.trained,
            evaluation=run.evaluation,
            decision=run.decision,
            registered=record,
        )
        run.folder.put(lineage)
    card = model_card(
        description,
        snapshot=run.snapshot,
        split=run.split,
        trained=run.trained,
        evaluation=run.evaluation,
        decision=run.decision,
        registered=record,
        approval=approval,
        lineage_sha256=lineage.sha256,
    )
    tags = {"ncnc.lineage_sha256": lineage.sha256} | _approval_tags(approval)
    if record.evidence is not None:
        tags["ncnc.promoted_by_evidence_of"] = record.evidence.decided_by
    doors.registry.versions.tag(record.name, record.version, tags, description=card)


def _approval_tags(approval: Approval | None) -> dict[str, str]:
    if approval is None:
        return {"ncnc.approval": "automatic"}
    return {
        "ncnc.approval": "override" if approval.overridden else "person",
        "ncnc.approved_by": approval.who,
        "ncnc.approved_at": approval.at.isoformat(),
    }


def _reason(decision: PromotionDecision, approval: Approval | None, evidence: ShadowPromotion | None) -> str:
    reason = decision.reason if evidence is None else evidence.in_words()
    if approval is None:
        return reason
    if approval.overridden:
        return f"OVERRIDE by {approval.who}: {approval.reason}; set aside: {approval.overridden}"
    return f"{reason}; approved by {approval.who}: {approval.reason}"


def _promote(record: RegisteredModel, run: DecidedRun, approval: Approval | None, doors: Doors) -> None:
    """Make the version champion, and the champion of before `previous`.

    A version that was champion once is not made champion again here: it was since replaced, or a person rolled it back.
    """
    entries = doors.ledger.entries(record.name)
    if record.version in champions(entries):
        doors.aliases.settle(record.name)
        return
    overruled = approval is not None and bool(approval.overridden)
    by = f"{approval.who}, " if approval else ""
    decided_by = record.evidence.decided_by if record.evidence else run.snapshot.run_name
    reason = _reason(run.decision, approval, record.evidence)
    move = Move(record.name, f"{by}run {decided_by}", reason, doors.clock())
    # An override sets aside which champion the gate compared with, but not that it may have changed since this read.
    instead_of = champion_weights(entries) if overruled else run.decision.champion_version
    lineage = run.folder.get(LineageRecord)
    doors.aliases.crown(record.version, move, instead_of=instead_of, lineage_sha256=lineage.sha256)
