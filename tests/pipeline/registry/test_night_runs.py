from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import mlflow.data
import pytest
from mlflow.tracking import MlflowClient

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.records.chain import GraphSnapshot
from pipeline.records.digests import digests_of_folder
from pipeline.registry.night_runs import NightRuns
from pipeline.registry.tracking_server import TrackingServer


@pytest.fixture
def runs(tracking_uri: str) -> NightRuns:
    return NightRuns(TrackingServer(tracking_uri))


@pytest.fixture
def run_id(runs: NightRuns, graph: str, run_name: str) -> str:
    return runs.open(graph, run_name, run_key="3" * 64, params={"train.seed": "0"})


def stored(tracking_uri: str, name: str) -> Path:
    """Return the one file of this name among the stored artifacts, newest first."""
    root = Path(tracking_uri.removeprefix("sqlite:///")).parent / "mlartifacts"
    return max(root.rglob(name), key=lambda path: path.stat().st_mtime_ns)


def test_a_night_opens_one_run_however_often_it_is_tried(
    runs: NightRuns, tracking_uri: str, graph: str, run_name: str, run_id: str
) -> None:
    again = NightRuns(TrackingServer(tracking_uri)).open(graph, run_name, run_key="3" * 64, params={"train.seed": "0"})
    assert again == run_id
    client = MlflowClient(tracking_uri)
    experiment = client.get_experiment_by_name(graph)
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 1
    assert client.get_run(run_id).data.tags["ncnc.run_key"] == "3" * 64


def test_the_experiment_opens_on_its_runs_also_one_that_an_earlier_version_made(
    runs: NightRuns, tracking_uri: str, graph: str
) -> None:
    kind, client = "mlflow.experimentKind", MlflowClient(tracking_uri)
    made = client.get_experiment(runs.experiment(graph))
    earlier = client.get_experiment(runs.experiment(_made_without_a_kind(client, f"{graph}-earlier")))
    assert {made.tags[kind], earlier.tags[kind]} == {"custom_model_development"}
    client.set_experiment_tag(made.experiment_id, kind, "a person's choice")
    runs.experiment(graph)
    assert client.get_experiment(made.experiment_id).tags[kind] == "a person's choice"


def _made_without_a_kind(client: MlflowClient, name: str) -> str:
    client.create_experiment(name)
    return name


def test_a_run_is_found_by_its_exact_name_only(runs: NightRuns, graph: str, run_name: str, run_id: str) -> None:
    assert runs.find(graph, run_name) == run_id
    assert NightRuns(runs.server).find(graph, run_name.upper()) is None
    assert runs.find(graph, run_name[:-1]) is None
    assert runs.find("no-such-graph", run_name) is None


def test_of_two_runs_made_by_a_race_the_earliest_is_the_nights(
    runs: NightRuns, tracking_uri: str, graph: str, run_name: str, run_id: str
) -> None:
    client = MlflowClient(tracking_uri)
    experiment = client.get_experiment_by_name(graph)
    assert experiment is not None
    tags = {"ncnc.run_name": run_name}
    start = client.get_run(run_id).info.start_time
    client.create_run(experiment.experiment_id, start_time=start + 1, tags=tags)
    assert NightRuns(TrackingServer(tracking_uri)).find(graph, run_name) == run_id
    earlier = client.create_run(experiment.experiment_id, start_time=start - 1, tags=tags).info.run_id
    assert NightRuns(TrackingServer(tracking_uri)).find(graph, run_name) == earlier


def test_run_name_that_could_break_out_of_the_query_is_refused(runs: NightRuns, graph: str) -> None:
    with pytest.raises(InvalidInput, match=r"\"a' or 'a\" is no run name.*demo-20260101T000000Z"):
        runs.find(graph, "a' or 'a")


def test_run_with_other_parameters_is_refused(runs: NightRuns, graph: str, run_name: str, run_id: str) -> None:
    with pytest.raises(InvalidInput, match=r"train\.seed = 0, but now has 1.*another as-of"):
        runs.open(graph, run_name, run_key="3" * 64, params={"train.seed": "1"})


def test_many_and_long_parameters_are_all_kept(runs: NightRuns, tracking_uri: str, graph: str, run_name: str) -> None:
    params = {f"p.{i}": str(i) for i in range(230)} | {"long": "x" * 9000}
    run_id = runs.open(graph, run_name, run_key="3" * 64, params=params)
    kept = MlflowClient(tracking_uri).get_run(run_id).data.params
    assert len(kept) == 231
    assert len(kept["long"]) == 6000
    assert runs.open(graph, run_name, run_key="3" * 64, params=params) == run_id


def test_snapshot_is_the_input_dataset_with_our_own_full_digest(
    runs: NightRuns, tracking_uri: str, run_id: str, make_snapshot: Callable[..., GraphSnapshot]
) -> None:
    snapshot = make_snapshot()
    runs.log_snapshot(run_id, snapshot, "https://user:secret@git.example.org/graph-data.git")
    entry = MlflowClient(tracking_uri).get_run(run_id).inputs.dataset_inputs[0].dataset
    assert entry.source_type == "dvc"
    assert entry.digest == snapshot.content_id[:36]
    source = mlflow.data.get_source(entry)
    assert source.content_id == snapshot.content_id
    assert source.load() == (
        f"dvc get https://git.example.org/graph-data.git {snapshot.graph}/data --rev {snapshot.tag} "
        f"&& cd data && sha256sum -c SHA256SUMS"
    )
    assert "secret" not in json.dumps(source.to_dict())


def test_metrics_of_each_epoch_are_kept(runs: NightRuns, tracking_uri: str, run_id: str) -> None:
    for epoch in (1, 2):
        runs.log_metrics(run_id, {"loss": 1 / epoch, "hits@10": 0.5}, step=epoch)
    client = MlflowClient(tracking_uri)
    assert [item.value for item in client.get_metric_history(run_id, "loss")] == [1.0, 0.5]
    assert client.get_run(run_id).data.metrics["hits_at_10"] == 0.5
    assert runs.steps(run_id, "hits@10") == {1, 2}
    assert runs.steps(run_id, "hits@20") == set()


def test_record_comes_back_as_it_was_put(
    runs: NightRuns, run_id: str, make_snapshot: Callable[..., GraphSnapshot]
) -> None:
    assert runs.get_record(run_id, GraphSnapshot) is None
    first, second = make_snapshot(), make_snapshot(num_edges=4)
    runs.put_record(run_id, first)
    assert runs.get_record(run_id, GraphSnapshot) == first
    runs.put_record(run_id, second)
    assert runs.get_record(run_id, GraphSnapshot) == second


def test_changed_record_is_refused_and_named(
    runs: NightRuns, tracking_uri: str, run_id: str, make_snapshot: Callable[..., GraphSnapshot]
) -> None:
    runs.put_record(run_id, make_snapshot())
    path = stored(tracking_uri, "graph_snapshot.json")
    text = path.read_text()
    path.write_text(text.replace('"num_edges": 3', '"num_edges": 9'))
    with pytest.raises(TamperedRecord, match=r"graph_snapshot\.json of MLflow run .* restore records/"):
        runs.get_record(run_id, GraphSnapshot)
    path.unlink()
    with pytest.raises(TamperedRecord, match=r"graph_snapshot\.json of MLflow run .* has sha256 nothing"):
        runs.get_record(run_id, GraphSnapshot)


def test_record_of_a_kill_between_copy_and_pointer_is_not_there_yet(
    runs: NightRuns, run_id: str, make_snapshot: Callable[..., GraphSnapshot], tmp_path: Path
) -> None:
    record = make_snapshot()
    runs.server.artifacts(run_id).put_file(record.write(tmp_path), f"records/{record.sha256[:12]}/{record.file_name}")
    assert runs.get_record(run_id, GraphSnapshot) is None


def test_checkpoint_is_replaced_and_the_old_one_deleted(
    runs: NightRuns, tracking_uri: str, run_id: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "epoch.pt", tmp_path / "fetched" / "checkpoint.pt"
    assert not runs.fetch_file(run_id, target, "checkpoint.pt")
    for text in ("epoch 1", "epoch 2", "epoch 2"):
        source.write_text(text)
        runs.put_file(run_id, source, "checkpoint.pt")
    assert runs.fetch_file(run_id, target, "checkpoint.pt")
    assert target.read_text() == "epoch 2"
    assert [path.name for path in target.parent.iterdir()] == ["checkpoint.pt"]
    run_artifacts = stored(tracking_uri, "checkpoint.pt").parent.parent
    assert len(list(run_artifacts.rglob("checkpoint.pt"))) == 1


def test_folder_comes_back_verified(runs: NightRuns, run_id: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "weights").write_bytes(b"weights")
    (folder / "deep" / "ids").write_bytes(b"ids")
    files = digests_of_folder(folder)
    runs.put_folder(run_id, folder, "model")
    assert digests_of_folder(runs.fetch_folder(run_id, "model", tmp_path / "back", files)) == files


def test_folder_of_a_zombie_never_mixes_with_the_recorded_one(runs: NightRuns, run_id: str, tmp_path: Path) -> None:
    ours, zombies = tmp_path / "ours", tmp_path / "zombies"
    for folder, content in ((ours, b"ours"), (zombies, b"zombie")):
        folder.mkdir()
        (folder / "weights").write_bytes(content)
        runs.put_folder(run_id, folder, "model")
    back = runs.fetch_folder(run_id, "model", tmp_path / "back", digests_of_folder(ours))
    assert (back / "weights").read_bytes() == b"ours"


def test_flipped_byte_of_a_folder_is_refused_and_named(
    runs: NightRuns, tracking_uri: str, run_id: str, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.flip").write_bytes(b"weights")
    files = digests_of_folder(folder)
    runs.put_folder(run_id, folder, "model")
    stored(tracking_uri, "weights.flip").write_bytes(b"weightz")
    with pytest.raises(TamperedRecord, match=r"weights\.flip in model of MLflow run .* restore it"):
        runs.fetch_folder(run_id, "model", tmp_path / "back", files)
    assert not (tmp_path / "back").exists()
    assert runs.observe_folder(run_id, "model", files) != {item.path: item.sha256 for item in files}


def test_closed_run_has_its_outcome_and_a_failed_one_is_reopened(
    runs: NightRuns, tracking_uri: str, graph: str, run_name: str, run_id: str
) -> None:
    client = MlflowClient(tracking_uri)
    runs.close(run_id, "failed", succeeded=False)
    assert client.get_run(run_id).info.status == "FAILED"
    runs.open(graph, run_name, run_key="3" * 64, params={})
    assert client.get_run(run_id).info.status == "RUNNING"
    runs.close(run_id, "kept")
    assert client.get_run(run_id).info.status == "FINISHED"
    assert client.get_run(run_id).data.tags["ncnc.outcome"] == "kept"


def test_deleted_experiment_says_how_to_restore_it(runs: NightRuns, tracking_uri: str, graph: str) -> None:
    client = MlflowClient(tracking_uri)
    client.delete_experiment(client.create_experiment(graph))
    with pytest.raises(InvalidInput, match=r"was deleted.*mlflow experiments restore"):
        runs.open(graph, f"{graph}-x", run_key="3" * 64, params={})
