"""The audit of a refresh, with faults planted in MLflow, and after the version was collected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.audit.audit import AuditResult, audit_model, verify_served
from pipeline.collection.registry import collect
from pipeline.collection.retention import RegistryPolicy
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.params.refresh import RefreshParams
from pipeline.refreshes.refresh import Asked, refresh
from pipeline.runs.folder import RunFolder
from tests.fixtures.audited_night import flipped
from tests.fixtures.kept_nights import KeptNights

GRAPH = "refreshed"


@pytest.fixture(scope="module")
def nights(
    tmp_path_factory: pytest.TempPathFactory, tracking_uri: str, make_decided_run: Callable[..., RunFolder]
) -> KeptNights:
    """Two kept nights after a promotion: version 2 and version 3 are refreshes of version 1."""
    made = KeptNights.at(tmp_path_factory.mktemp("refreshed"), GRAPH, tracking_uri, make_decided_run)
    made.promoted(1)
    for night in (2, 3):
        made.ended(night, "kept")
        refresh(GRAPH, RefreshParams(), Asked(f"run of night {night}", "kept"), doors=made.doors)
    return made


def audited(nights: KeptNights, place: Path, version: int | str = "champion") -> AuditResult:
    return audit_model(GRAPH, version, doors=nights.doors, work_folder=place / "work")


def faults(result: AuditResult) -> list[str]:
    return [check.what for check in result.faults]


def packed(nights: KeptNights, tracking_uri: str, version: int, name: str) -> Path:
    model_id = nights.doors.registry.versions.get(GRAPH, version).model_id
    artifacts = Path(tracking_uri.removeprefix("sqlite:///")).parent / "mlartifacts" / GRAPH
    (found,) = [path for path in artifacts.rglob(name) if model_id in path.parts and "link_model" in path.parts]
    return found


def test_refresh_is_made_again_from_its_parents_and_its_weights_are_audited_too(
    nights: KeptNights, tmp_path: Path
) -> None:
    result = audited(nights, tmp_path)
    assert faults(result) == []
    told = {check.what: check.observed for check in result.checks}
    assert {"made again weights.safetensors", "made again graph.safetensors", "snapshot content id"} <= told.keys()
    assert {
        "version 1: lineage digest in the ledger",
        "version 1: run key derived",
        "lineage of the weights",
    } <= told.keys()
    assert (result.version, result.weights_of, result.snapshot_tag) == (3, 1, nights.tags[2])


def test_served_graph_that_was_changed_is_found(nights: KeptNights, tracking_uri: str, tmp_path: Path) -> None:
    with flipped(packed(nights, tracking_uri, 3, "graph.safetensors")):
        wrong = faults(audited(nights, tmp_path))
        assert wrong == [
            "served artifacts/link_model/graph.safetensors",
            "served as refreshed graph.safetensors",
        ]
        served = verify_served(GRAPH, 3, doors=nights.doors, work_folder=tmp_path / "verify")
        assert faults(served) == wrong
    assert verify_served(GRAPH, 3, doors=nights.doors, work_folder=tmp_path / "verified").ok


def test_tag_that_names_other_weights_is_found(nights: KeptNights, tmp_path: Path) -> None:
    versions = nights.doors.registry.versions
    versions.tag(GRAPH, 3, {"ncnc.weights_of": "2"})
    try:
        assert "weights of the version" in faults(audited(nights, tmp_path))
    finally:
        versions.tag(GRAPH, 3, {"ncnc.weights_of": "1"})


def test_record_that_was_changed_with_its_tag_is_found_by_the_ledger(nights: KeptNights, tmp_path: Path) -> None:
    registry = nights.doors.registry
    version = registry.versions.get(GRAPH, 3)
    good = version.tags["ncnc.lineage_sha256"]
    record = registry.refreshes.get(version.run_id, good)
    assert record is not None
    other = record.model_copy(update={"snapshot_tag": nights.tags[1]})
    registry.refreshes.put(version.run_id, other)
    registry.versions.tag(GRAPH, 3, {"ncnc.lineage_sha256": other.sha256})
    try:
        assert faults(audited(nights, tmp_path)) == ["lineage digest in the ledger"]
    finally:
        registry.versions.tag(GRAPH, 3, {"ncnc.lineage_sha256": good})


def test_collected_refresh_is_made_again_bit_for_bit(nights: KeptNights, tmp_path: Path) -> None:
    doors = nights.doors
    policy = RegistryPolicy(keep_versions=1, keep_days=0, keep_refreshes=1)
    for night in (1, 2, 3):  # what the steps around do: the runs are over
        run_id = doors.registry.runs.find(GRAPH, f"{GRAPH}-{nights.as_of(night):%Y%m%dT%H%M%SZ}")
        assert run_id is not None
        doors.registry.runs.close(run_id, "kept")
    later = Doors(doors.environment, clock=lambda: datetime.now(UTC) + timedelta(days=400))
    plan = collect(GRAPH, policy, who="ann", reason="routine", doors=later)
    assert plan.going[0] == (2,)
    result = audited(nights, tmp_path, 2)
    assert faults(result) == []
    told = {check.what: check.observed for check in result.checks}
    assert told["served files"].startswith("collected")
    assert "made again graph.safetensors" in told
    with pytest.raises(InvalidInput, match="no version 9"):
        audited(nights, tmp_path, 9)
