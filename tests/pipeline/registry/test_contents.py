from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from pandas import DataFrame

from pipeline.doors import Doors
from pipeline.records.chain import TrainedModel
from pipeline.records.digests import digests_of_folder
from pipeline.registry import tracking_server
from pipeline.registry.facts import version_tags
from pipeline.registry.model_registry import ModelRegistry
from pipeline.runs.folder import RunFolder
from tests.pipeline.conftest import AS_OF


@pytest.fixture
def registry(tracking_uri: str) -> ModelRegistry:
    return ModelRegistry(tracking_uri)


def test_graph_without_a_model_has_neither_versions_nor_runs(registry: ModelRegistry, graph: str) -> None:
    assert registry.contents.versions(graph) == ()
    assert registry.contents.runs(graph) == ()
    registry.versions.delete(graph, 1)  # nothing there, no error


def test_version_goes_with_its_packed_model_and_the_trained_one_stays(
    registry: ModelRegistry, graph: str, run_name: str, make_model: Callable[..., Path], tracking_uri: str
) -> None:
    folder = make_model()
    run_id = registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    registry.runs.put_folder(run_id, folder, "model")
    files = digests_of_folder(folder)
    tags = version_tags(run_key="5" * 64, run_name=run_name, as_of=AS_OF, snapshot_tag="snap/x", files=files)
    pairs = DataFrame({"source": [10, 20], "target": [40, 30]})
    model_id = registry.models.log(run_id, folder, input_example=pairs)
    number = registry.versions.create(graph, run_id, model_id, tags)
    registry.aliases.point(graph, "champion", number)
    (version,) = registry.contents.versions(graph)
    assert (version.version, version.aliases, version.run_name) == (1, ("champion",), run_name)

    packed = next(Path(tracking_uri.removeprefix("sqlite:///")).parent.rglob(f"{model_id}/**/MLmodel"))
    for _ in range(2):
        registry.versions.delete(graph, number)
    assert registry.contents.versions(graph) == ()
    assert not packed.exists()
    with pytest.raises(MlflowException):
        MlflowClient(tracking_uri).get_logged_model(model_id)
    assert registry.runs.observe_folder(run_id, "model", files)


def test_checkpoint_goes_and_nobody_is_led_to_it(
    registry: ModelRegistry, graph: str, run_name: str, tmp_path: Path
) -> None:
    run_id = registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    for name in ("checkpoint", "params.yaml"):
        (tmp_path / name).write_text("bytes")
        registry.runs.put_file(run_id, tmp_path / name, name)
    (run,) = registry.contents.runs(graph)
    assert (run.run_name, run.ended, run.has_checkpoint) == (run_name, False, True)
    for _ in range(2):
        registry.contents.remove_checkpoint(run_id)
    assert not registry.contents.runs(graph)[0].has_checkpoint
    assert not registry.runs.fetch_file(run_id, tmp_path / "fetched", "checkpoint")
    assert registry.runs.fetch_file(run_id, tmp_path / "fetched", "params.yaml")  # the same bytes, and still there
    registry.runs.close(run_id, "kept")
    assert registry.contents.runs(graph)[0].ended


def test_trained_model_goes_with_its_control_and_its_record_stays(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder, registry = make_decided_run(doors, graph, with_control=True), doors.registry
    run_id, trained = folder.require_mlflow_run(), folder.get(TrainedModel)
    assert registry.contents.runs(graph)[0].has_model
    for _ in range(2):
        registry.contents.remove_trained(run_id)
    assert not registry.contents.runs(graph)[0].has_model
    assert registry.runs.observe_folder(run_id, "model", trained.files) == {}
    assert registry.runs.observe_folder(run_id, "control", trained.control) == {}
    assert registry.runs.get_record(run_id, TrainedModel) == trained


def version(client: MlflowClient, graph: str, tags: dict[str, str] | None = None, run_id: str | None = None) -> int:
    return int(client.create_model_version(graph, source="file:///nowhere", tags=tags or {}, run_id=run_id).version)


def test_every_version_is_told_with_its_snapshot(
    tracking_uri: str, graph: str, run_name: str, make_snapshot: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking_server, "PAGE", 2)
    registry, client = ModelRegistry(tracking_uri), MlflowClient(tracking_uri)
    assert registry.contents.snapshots_of_versions(graph) == {}
    assert registry.contents.snapshots_of_open_runs(graph) == {}
    client.create_registered_model(graph)
    client.create_registered_model(f"{graph}-other")
    version(client, f"{graph}-other", {"ncnc.snapshot_tag": "snap/other"})
    for number in (1, 2, 3):
        version(client, graph, {"ncnc.snapshot_tag": f"snap/{number}"})
    version(client, graph)  # by hand, and of no run
    run_id = registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    client.set_tag(run_id, "ncnc.snapshot_tag", "snap/5")
    version(client, graph, run_id=run_id)  # by hand, but of a run of ours
    assert registry.contents.snapshots_of_versions(graph) == {
        1: "snap/1",
        2: "snap/2",
        3: "snap/3",
        4: None,
        5: "snap/5",
    }
    assert registry.contents.snapshots_of_open_runs(graph) == {run_name: "snap/5"}
    registry.runs.close(run_id, "kept")
    assert registry.contents.snapshots_of_open_runs(graph) == {}


def test_version_whose_run_is_gone_is_no_version_of_nothing(tracking_uri: str, graph: str, tmp_path: Path) -> None:
    client = MlflowClient(tracking_uri)
    client.create_registered_model(graph)
    version(client, graph, run_id="0" * 32)
    with pytest.raises(Exception, match="0000"):
        ModelRegistry(tracking_uri).contents.snapshots_of_versions(graph)
