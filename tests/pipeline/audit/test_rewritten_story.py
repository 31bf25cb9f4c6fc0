"""What somebody can rewrite who may write to MLflow: all of it, and the audit starts at the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from ncnc_core.link_model import LinkModel
from pipeline.audit.anchoring import anchor_version, without_anchor
from pipeline.audit.audit import audit_model, verify_served
from pipeline.errors import NothingToDo
from pipeline.records.chain import (
    EdgeSplit,
    GraphSnapshot,
    LineageRecord,
    PromotionDecision,
    RegisteredModel,
    TrainedModel,
)
from pipeline.records.digests import digests_of_folder
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.measures import figures
from pipeline.records.scores import Interval
from tests.fixtures.audited_night import Night


@pytest.fixture(scope="module")
def forged(night: Night) -> Night:
    """The night after its champion's weights were negated, and all of MLflow was made to agree with that."""
    registry, client = night.doors.registry, MlflowClient(night.doors.registry.server.tracking_uri)
    version = registry.versions.named(night.graph, "champion")
    served = night.stored("link_model/weights.safetensors").parent
    model = LinkModel.load(served)
    for parameter in model.network.parameters():
        parameter.data.neg_()
    model.save(served)
    files = digests_of_folder(served)
    registry.runs.put_folder(version.run_id, served, "model")
    trained = night.folder.get(TrainedModel).model_copy(update={"files": files})
    measured = night.folder.get(EvaluationRecord)
    raised = {name: Interval(value=0.99, low=0.98, high=1) for name in measured.challenger.metrics}
    evaluation = measured.model_copy(
        update={
            "trained_model_sha256": trained.sha256,
            "challenger": measured.challenger.model_copy(update={"metrics": raised}),
        }
    )
    decision = night.folder.get(PromotionDecision).model_copy(update={"report_sha256": evaluation.sha256})
    registered = night.folder.get(RegisteredModel).model_copy(
        update={"decision_sha256": decision.sha256, "files": registry.models.observe(version.model_id)}
    )
    lineage = LineageRecord.of(
        snapshot=night.folder.get(GraphSnapshot),
        split=night.folder.get(EdgeSplit),
        trained=trained,
        evaluation=evaluation,
        decision=decision,
        registered=registered,
    )
    for record in (trained, evaluation, decision, registered, lineage):
        registry.runs.put_record(version.run_id, record)
    registry.runs.log_metrics(version.run_id, figures(evaluation))
    tags = {
        "ncnc.lineage_sha256": lineage.sha256,
        "ncnc.files": json.dumps({item.path: item.sha256 for item in files}),
    }
    for name, value in tags.items():
        client.set_model_version_tag(night.graph, "1", name, value)
    return night


def test_model_negated_with_all_of_mlflow_made_to_agree_is_found_by_the_ledger(forged: Night, tmp_path: Path) -> None:
    result = audit_model(forged.graph, "champion", doors=forged.doors, work_folder=tmp_path / "audit")
    assert {check.what for check in result.faults} == {"lineage digest in the ledger", "record lineage_record.json"}
    verified = verify_served(forged.graph, "champion", doors=forged.doors, work_folder=tmp_path / "verify")
    assert {check.what for check in verified.faults} == {"lineage digest in the ledger", "record lineage_record.json"}


def test_rewritten_version_is_not_anchored_over_what_the_ledger_says(forged: Night, tmp_path: Path) -> None:
    anchored = {"who": "ann", "reason": "trust me", "doors": forged.doors, "work_folder": tmp_path}
    assert without_anchor(forged.graph, forged.doors) == ()
    with pytest.raises(NothingToDo, match="Version 1 of rewritten_story is anchored already"):
        anchor_version(forged.graph, 1, **anchored)
