"""Register the promoted challenger and make it champion."""

from __future__ import annotations

from pandas import DataFrame

from ncnc_core.link_model import LinkModel
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo, OutsideTrouble
from pipeline.lineage import build_lineage
from pipeline.model_registry import Alias, version_tags
from pipeline.params import Params
from pipeline.records import (
    AliasEntry,
    EdgeSplit,
    EvaluationReport,
    GraphSnapshot,
    LineageRecord,
    NightEntry,
    PromotionDecision,
    RegisteredModel,
    TrainedModel,
)
from pipeline.run_data import model_folder
from pipeline.run_folder import RunFolder


def run(folder: RunFolder, params: Params, *, doors: Doors) -> RegisteredModel:
    """Make one version of the run key, point the aliases at it, and enter the night in the ledger.

    Every part looks first whether it is done, so that a run killed between any two of them is finished by the next.

    Raises:
        NothingToDo: the decision is not to promote, or another run has registered this run key.
        OutsideTrouble: another run is registering this run key just now.
        InvalidInput: the champion is no longer the one that the decision was made against.
    """
    decision, snapshot = folder.get(PromotionDecision), folder.get(GraphSnapshot)
    if not decision.promote:
        raise NothingToDo(f"Nothing to register: {decision.reason}")
    _claim(snapshot, doors)
    record = folder.find(RegisteredModel)
    if record is None:
        _require_same_champion(decision, snapshot, doors)  # before a version is made that could never be promoted
        record = _version(folder, snapshot, decision, doors)
        folder.put(record)
    lineage = folder.find(LineageRecord)
    if lineage is None:
        lineage = build_lineage(
            snapshot=snapshot,
            split=folder.get(EdgeSplit),
            trained=folder.get(TrainedModel),
            report=folder.get(EvaluationReport),
            decision=decision,
            registered=record,
        )
        folder.put(lineage)
    tags = {"ncnc.lineage_sha256": lineage.sha256}
    doors.registry.tag_version(record.name, record.version, tags, description=params.register_.description)
    _promote(record, decision, snapshot, doors)
    doors.registry.close_run(folder.get(TrainedModel).mlflow_run_id, "promoted")
    doors.ledger.append(
        NightEntry(
            graph=snapshot.graph,
            run_name=snapshot.run_name,
            as_of=snapshot.as_of,
            at=doors.clock(),
            outcome="promoted",
            reason=decision.reason,
            completed=True,
            run_key=snapshot.run_key,
            snapshot_tag=snapshot.tag,
            source_sha256=snapshot.source_sha256,
            version=record.version,
        )
    )
    return record


def _claim(snapshot: GraphSnapshot, doors: Doors) -> None:
    """Take the claim on the run key, or say whose it is."""
    name = f"register/{snapshot.graph}/{snapshot.run_key}"
    if doors.claims.take(name, snapshot.run_name):
        return
    holder = doors.claims.holder(name)
    made = doors.registry.version_of_run_key(snapshot.graph, snapshot.run_key)
    if made is not None and not _was_champion(made.version, snapshot.graph, doors):
        raise InvalidInput(
            f"Run {holder} made version {made.version} of {snapshot.graph} from this graph, these parameters and this "
            f"code, and ended before it became champion. Finish that run: ncnc register --run-dir <runs>/{holder}"
        )
    if made is not None:
        raise NothingToDo(
            f"Version {made.version} of {snapshot.graph} already holds this graph, these parameters and this code: "
            f"run {made.run_name} registered it."
        )
    # A run that claimed and died made nothing. The same key is the same work, so the next run of it takes over, once.
    if not doors.claims.take(f"{name}-after-{holder}", snapshot.run_name):
        raise OutsideTrouble(
            f"Run {doors.claims.holder(f'{name}-after-{holder}')} is taking over the claim {name} from run {holder}. "
            f"Let it finish; this step is tried again by itself."
        )


def _require_same_champion(decision: PromotionDecision, snapshot: GraphSnapshot, doors: Doors) -> None:
    made = doors.registry.version_of_run_key(snapshot.graph, snapshot.run_key)
    champion = doors.registry.aliases(snapshot.graph).get("champion")
    if champion not in (decision.champion_version, made.version if made else decision.champion_version):
        raise InvalidInput(
            f"The gate held run {snapshot.run_name} against champion {decision.champion_version}, but the champion is "
            f"now {champion}: another promotion or a rollback came first. Nothing was promoted; the next night "
            f"compares with champion {champion}."
        )


def _was_champion(version: int, graph: str, doors: Doors) -> bool:
    moves = [item for item in doors.ledger.entries(graph) if isinstance(item, AliasEntry)]
    return any(item.alias == "champion" and item.version == version for item in moves)


def _version(folder: RunFolder, snapshot: GraphSnapshot, decision: PromotionDecision, doors: Doors) -> RegisteredModel:
    """Return the record of the version that holds the run key, made if there is none."""
    registry, trained = doors.registry, folder.get(TrainedModel)
    made = registry.version_of_run_key(snapshot.graph, snapshot.run_key)
    if made is None:
        path = model_folder(folder, doors)
        model_id = registry.log_model(trained.mlflow_run_id, path, input_example=_example(LinkModel.load(path)))
        tags = version_tags(
            run_key=snapshot.run_key,
            run_name=snapshot.run_name,
            as_of=snapshot.as_of,
            snapshot_tag=snapshot.tag,
            files=trained.files,
        )
        number = registry.create_version(snapshot.graph, trained.mlflow_run_id, model_id, tags)
        made = registry.version(snapshot.graph, number)
    return RegisteredModel(
        decision_sha256=decision.sha256,
        name=made.name,
        version=made.version,
        model_id=made.model_id,
        previous_version=decision.champion_version,
        run_key=made.run_key,
        files=registry.observe_model(made.model_id),
    )


def _example(model: LinkModel) -> DataFrame:
    """Return two pairs of the model's own nodes, as the input that the served model shows."""
    ids = list(model.node_ids)
    return DataFrame({"source": ids[:2], "target": ids[-2:][::-1]})


def _promote(record: RegisteredModel, decision: PromotionDecision, snapshot: GraphSnapshot, doors: Doors) -> None:
    """Point challenger, previous and champion, in this order, each written to the ledger before it moves.

    A version that was champion once is not made it again here: it was since replaced, or rolled back by a person.
    """
    entries = doors.ledger.entries(record.name)
    moves = [item for item in entries if isinstance(item, AliasEntry) and item.alias == "champion"]
    if any(item.version == record.version for item in moves) and moves[-1].version != record.version:
        return
    _require_same_champion(decision, snapshot, doors)
    champion = doors.registry.aliases(record.name).get("champion")

    def move(alias: Alias, version: int, why: str) -> None:
        doors.registry.move_alias(
            doors.ledger, record.name, alias, version, who=f"run {snapshot.run_name}", why=why, at=doors.clock()
        )

    move("challenger", record.version, "registered by the nightly run")
    # Before the champion moves, or a kill between the two would lose which version it was.
    if champion is not None and champion != record.version:
        move("previous", champion, f"replaced by version {record.version}")
    move("champion", record.version, decision.reason)
