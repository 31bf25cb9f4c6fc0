from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline import registry_references
from pipeline.model_registry import ModelRegistry


def version(client: MlflowClient, graph: str, tags: dict[str, str] | None = None, run_id: str | None = None) -> int:
    return int(client.create_model_version(graph, source="file:///nowhere", tags=tags or {}, run_id=run_id).version)


def test_every_version_is_told_with_its_snapshot(
    tracking_uri: str, graph: str, run_name: str, make_snapshot: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_references, "PAGE", 2)
    registry, client = ModelRegistry(tracking_uri), MlflowClient(tracking_uri)
    assert registry.snapshots_of_versions(graph) == {}
    assert registry.snapshots_of_open_runs(graph) == {}
    client.create_registered_model(graph)
    client.create_registered_model(f"{graph}-other")
    version(client, f"{graph}-other", {"ncnc.snapshot_tag": "snap/other"})
    for number in (1, 2, 3):
        version(client, graph, {"ncnc.snapshot_tag": f"snap/{number}"})
    version(client, graph)  # by hand, and of no run
    run_id = registry.open_run(graph, run_name, run_key="3" * 64, params={})
    client.set_tag(run_id, "ncnc.snapshot_tag", "snap/5")
    version(client, graph, run_id=run_id)  # by hand, but of a run of ours
    assert registry.snapshots_of_versions(graph) == {1: "snap/1", 2: "snap/2", 3: "snap/3", 4: None, 5: "snap/5"}
    assert registry.snapshots_of_open_runs(graph) == {run_name: "snap/5"}
    registry.close_run(run_id, "kept")
    assert registry.snapshots_of_open_runs(graph) == {}


def test_version_whose_run_is_gone_is_no_version_of_nothing(tracking_uri: str, graph: str, tmp_path: Path) -> None:
    client = MlflowClient(tracking_uri)
    client.create_registered_model(graph)
    version(client, graph, run_id="0" * 32)
    with pytest.raises(Exception, match="0000"):
        ModelRegistry(tracking_uri).snapshots_of_versions(graph)
