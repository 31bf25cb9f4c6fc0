from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline.audit.audit import AuditResult, audit_model
from pipeline.collection.registry import collect
from pipeline.collection.retention import RegistryPolicy
from pipeline.commands.by_hand import promote_by_hand
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.ledger.entries import RegistryCollected
from pipeline.params.params import Params
from pipeline.records.chain import CHAIN, GraphSnapshot, LineageRecord
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.measures import figures
from pipeline.records.names import PARAMS_FILE
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version
from tests.fixtures.audited_night import AS_OF, Night, flipped

GRAPH = "audit"


def audit(night: Night, work_folder: Path, which: int | str = "champion") -> AuditResult:
    return audit_model(GRAPH, which, doors=night.doors, work_folder=work_folder)


def faults(result: AuditResult) -> set[str]:
    return {check.what for check in result.faults}


def test_untouched_model_agrees_in_everything_and_the_walk_says_what_it_checked(night: Night, tmp_path: Path) -> None:
    result = audit(night, tmp_path)
    assert result.faults == ()
    assert result.ok
    looked_at = {check.what for check in result.checks}
    assert {f"record {kind.file_name}" for kind in CHAIN} <= looked_at
    assert {
        "ledger",
        "lineage digest in the ledger",
        "figures in MLflow",
        "folder that is served",
        "link promotion_decision.json report_sha256",
        "trained weights.safetensors",
        "control weights.safetensors",
        "served artifacts/link_model/weights.safetensors",
        "served code/ncnc_core/networks/ncnc.py",
        "served as trained weights.safetensors",
        "split test.bin",
        "snapshot nodes/20260102T000000Z.parquet",
        "snapshot SHA256SUMS",
        "snapshot content id",
        "parameters",
        "run key derived",
    } <= looked_at
    snapshot, lineage = night.folder.get(GraphSnapshot), night.folder.get(LineageRecord)
    assert [item.path for item in lineage.records] == [kind.file_name for kind in CHAIN[:-1]]
    assert (lineage.snapshot_tag, lineage.content_id) == (snapshot.tag, snapshot.content_id)
    assert (result.code_version, result.git_commit) == (code_version(), "0" * 40)
    assert (result.run_name, result.snapshot_tag, result.version) == (night.folder.name, snapshot.tag, 1)


def test_parameters_changed_together_with_their_digest_are_found_by_the_snapshot(night: Night, tmp_path: Path) -> None:
    registry, run_id = night.doors.registry, night.folder.require_mlflow_run()
    other = tmp_path / "other.yaml"
    other.write_text("decide: {minimum_test_edges: 1}\n")
    registry.runs.put_file(run_id, other, PARAMS_FILE)
    try:
        assert faults(audit(night, tmp_path)) == {"parameters"}
    finally:
        registry.runs.put_file(run_id, night.folder.path / PARAMS_FILE, PARAMS_FILE)


def test_every_flipped_byte_is_named_though_several_are(night: Night, tmp_path: Path) -> None:
    with (
        flipped(night.stored("model/*/weights.safetensors")),
        flipped(night.stored("control/*/graph.safetensors")),
        flipped(night.stored("link_model/graph.safetensors")),
        flipped(night.stored("ncnc_core/networks/ncnc.py")),
        flipped(night.stored("evaluation_report.json")),
        flipped(night.in_remote(b"pairs of the test side")),
    ):
        result = audit(night, tmp_path)
    assert not result.ok
    assert faults(result) == {
        "trained weights.safetensors",
        "control graph.safetensors",
        "served artifacts/link_model/graph.safetensors",
        "served as trained graph.safetensors",
        "served code/ncnc_core/networks/ncnc.py",
        "record evaluation_report.json",
        "link evaluation_report.json trained_model_sha256",
        "link promotion_decision.json report_sha256",
        f"split split/{GRAPH}/20260102T000000Z/{'3' * 12}",
    }
    observed = {check.what: check.observed for check in result.faults}
    assert "test.bin" in observed[f"split split/{GRAPH}/20260102T000000Z/{'3' * 12}"]
    assert "evaluation_report.json" in observed["record evaluation_report.json"]
    assert observed["link promotion_decision.json report_sha256"] == "nothing"


def test_flipped_byte_of_the_snapshot_in_the_dvc_remote_is_named(night: Night, tmp_path: Path) -> None:
    nodes = night.doors.snapshots.fetch(night.folder.get(GraphSnapshot).tag, tmp_path / "fetched")
    nodes = nodes / "nodes" / "20260102T000000Z.parquet"
    with flipped(night.in_remote(nodes.read_bytes()), position=100):
        result = audit(night, tmp_path / "work")
    assert [check.what for check in result.faults] == [f"snapshot {night.folder.get(GraphSnapshot).tag}"]
    assert "nodes/20260102T000000Z.parquet" in result.faults[0].observed


def test_tag_that_was_moved_is_named_although_the_bytes_are_as_they_were(night: Night, tmp_path: Path) -> None:
    tag, origin = night.folder.get(GraphSnapshot).tag, night.origin
    before = origin.git("rev-parse", f"refs/tags/{tag}").strip()
    described = origin.git("show", f"refs/tags/{tag}:{GRAPH}/snapshot.json")
    changed = {f"{GRAPH}/snapshot.json": described.replace('"num_edges": 3', '"num_edges": 2')}
    origin.git("update-ref", f"refs/tags/{tag}", origin.commit_files("Move", changed, onto=f"refs/tags/{tag}^0"))
    try:
        assert faults(audit(night, tmp_path)) == {f"description at {tag}"}
    finally:
        origin.git("update-ref", f"refs/tags/{tag}", before)


def test_record_changed_together_with_its_digest_is_found_by_the_lineage(night: Night, tmp_path: Path) -> None:
    registry, client = night.doors.registry, MlflowClient(night.doors.registry.server.tracking_uri)
    run_id = registry.versions.get(GRAPH, 1).run_id
    result = night.folder.get(EvaluationRecord)
    registry.runs.put_record(run_id, result.model_copy(update={"num_test_edges": 9999}))
    try:
        found = audit(night, tmp_path, 1)
    finally:
        client.set_tag(run_id, f"ncnc.sha256.{EvaluationRecord.file_name}", result.sha256)
    assert faults(found) == {
        "record evaluation_report.json",
        "link promotion_decision.json report_sha256",
    }


def test_figure_that_mlflow_shows_and_the_record_does_not_is_named(night: Night, tmp_path: Path) -> None:
    runs, run_id = night.doors.registry.runs, night.folder.require_mlflow_run()
    recorded = figures(night.folder.get(EvaluationRecord))
    runs.log_metrics(run_id, {**recorded, "challenger_mrr": 0.99})
    try:
        (wrong,) = audit(night, tmp_path).faults
    finally:
        runs.log_metrics(run_id, recorded)
    said = f"challenger_mrr is 0.99, recorded {recorded['challenger_mrr']}"
    assert (wrong.what, wrong.observed) == ("figures in MLflow", said)


def test_file_smuggled_into_the_served_code_is_found(night: Night, tmp_path: Path) -> None:
    smuggled = night.stored("ncnc_core/networks/ncnc.py").with_name("sitecustomize.py")
    smuggled.write_text("import os")
    try:
        assert faults(audit(night, tmp_path)) == {"served code/ncnc_core/networks/sitecustomize.py"}
    finally:
        smuggled.unlink()


def test_unknown_alias_says_which_there_are(night: Night, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no alias 'king'; it has: challenger \(version 1\), champion"):
        audit(night, tmp_path, "king")


def test_model_that_was_registered_by_an_override_is_audited_and_the_override_shown(
    night: Night, make_decided_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    folder = make_decided_run(night.doors, "overruled", promote=False, published={"params_sha256": Params().sha256})
    promote_by_hand(folder, who="ann", reason="the customer asked", override=True, doors=night.doors)
    checks = audit_model("overruled", "champion", doors=night.doors, work_folder=tmp_path).checks
    (verdict,) = [check for check in checks if check.what == "verdict of the decision"]
    assert (verdict.ok, verdict.observed) == (True, "do not promote; OVERRIDE by ann")


def test_champion_is_audited_as_before_after_everything_old_was_collected(night: Night, tmp_path: Path) -> None:
    doors = Doors(night.doors.environment, clock=lambda: datetime(2046, 1, 2, tzinfo=UTC))
    strict = RegistryPolicy(keep_versions=1, keep_days=0, checkpoint_days=0, folder_days=0, model_days=0, keep_models=0)
    assert collect(GRAPH, strict, who="ann", reason="routine", doors=doors).going[2] == (night.folder.name,)
    assert not night.folder.path.exists()
    assert audit_model(GRAPH, "champion", doors=doors, work_folder=tmp_path).ok


def test_audit_tells_bytes_that_a_policy_took_from_bytes_that_are_missing(night: Night, tmp_path: Path) -> None:
    registry, run_id = night.doors.registry, night.folder.require_mlflow_run()
    registry.contents.remove_trained(run_id)
    assert {"trained weights.safetensors", "control weights.safetensors"} <= faults(audit(night, tmp_path / "missing"))
    collected = RegistryCollected(
        graph=GRAPH, versions=(), checkpoints=(), run_folders=(), models=(night.folder.name,), policy="model-days 90",
        at=AS_OF, who="cron", reason="routine",
    )  # fmt: skip
    night.doors.ledger.append(collected)
    result = audit(night, tmp_path / "collected")
    assert result.ok
    observed = {check.what: check.observed for check in result.checks}
    said = "collected by cron on 2026-01-02 00:00 UTC, routine (model-days 90)"
    assert (observed["trained files"], observed["control files"]) == (said, said)
    # What lies there all the same is held against the record as ever.
    registry.runs.put_folder(run_id, night.stored("link_model/weights.safetensors").parent, "model")
    assert "trained files" not in {check.what for check in audit(night, tmp_path / "back").checks}


def test_model_of_a_snapshot_that_was_retracted_is_audited_and_that_is_shown(night: Night, tmp_path: Path) -> None:
    def standing(place: Path) -> list[tuple[bool, str]]:
        checks = audit(night, place).checks
        return [(check.ok, check.observed) for check in checks if check.what == "standing of the snapshot"]

    assert standing(tmp_path / "before") == []
    (published,) = night.doors.snapshots.list(GRAPH)
    night.doors.snapshots.retractions.retract(published.tag, "half of the rows")
    ((ok, said),) = standing(tmp_path / "after")
    assert ok
    assert said.startswith("RETRACTED: retracted on 2026-01-02 00:00 by ")
    assert said.endswith("(half of the rows)")
