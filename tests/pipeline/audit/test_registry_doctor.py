from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline.audit.registry_doctor import adoption_plan, diagnose
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import TamperedRecord
from pipeline.ledger.alias_history import Move
from pipeline.ledger.entries import AliasEntry, RegistryBound
from pipeline.origin.git import GitOrigin
from pipeline.params.params import Params
from pipeline.records.manifest import write_manifest
from pipeline.runs.folder import RunFolder
from pipeline.snapshots.snapshot_store import SnapshotStore
from pipeline.steps import register
from tests.pipeline.conftest import AS_OF


@pytest.fixture
def doors(tmp_path: Path, tracking_uri: str) -> Doors:
    """Doors to a data repository with a DVC remote."""
    values = {
        "NCNC_HOME": str(tmp_path / "home"),
        "NCNC_DATA_REPOSITORY": str(tmp_path / "data.git"),
        "MLFLOW_TRACKING_URI": tracking_uri,
    }
    SnapshotStore.create(values["NCNC_DATA_REPOSITORY"], str(tmp_path / "remote"))
    return Doors(Environment(values), clock=lambda: AS_OF)


@pytest.fixture
def promoted(doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder], tmp_path: Path) -> Doors:
    """The same, with a version that was made from a published snapshot and serves."""
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "nodes.parquet").write_text("nodes")
    write_manifest(folder)
    tag = doors.snapshots.publish(
        folder, graph=graph, as_of=AS_OF, content_id="c" * 64, source_sha256="5" * 64, num_edges=3, previous_tag=None
    ).tag
    register.run(make_decided_run(doors, graph, published={"tag": tag}), Params(), doors=doors)
    return doors


def test_all_agree(promoted: Doors, graph: str) -> None:
    found = diagnose(graph, promoted)
    assert (found.served, found.champion, found.stop, found.disagreements) == (1, 1, None, ())
    assert diagnose("never-run", promoted).disagreements == ()


def test_files_that_the_remote_lost_are_told_with_the_snapshot(promoted: Doors, graph: str, tmp_path: Path) -> None:
    objects = [path for path in (tmp_path / "remote").rglob("*") if path.is_file()]
    content = next(path for path in objects if path.read_bytes() == b"nodes")
    content.unlink()
    [found] = diagnose(graph, promoted).disagreements
    assert "lacks 1 of 2 files of the champion's snapshot snap/" in found.what
    assert "nodes.parquet" in found.what
    assert "Restore it from a backup" in found.mend


def test_remote_that_is_gone_is_told_from_one_that_cannot_be_read(promoted: Doors, graph: str, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "remote")
    shutil.rmtree(tmp_path / "home" / "dvc-cache")  # what is listed is read here, where it is
    [found] = diagnose(graph, promoted).disagreements
    assert "The DVC remote lacks the list of files of the champion's snapshot snap/" in found.what
    assert found.mend.startswith("Restore it from a backup")
    (tmp_path / "remote").write_text("no folder")
    [found] = diagnose(graph, promoted).disagreements
    assert "The champion's snapshot snap/" in found.what
    assert "cannot be looked at: This machine does not let this user use a file" in found.what
    assert found.mend.startswith("If the DVC remote is away, start it and ask again")


def test_snapshot_that_the_data_repository_lost_is_told(promoted: Doors, graph: str) -> None:
    client = MlflowClient(promoted.environment.tracking_uri)
    client.set_model_version_tag(graph, "1", "ncnc.snapshot_tag", f"snap/{graph}/20990101T000000Z/{'c' * 12}")
    [found] = diagnose(graph, promoted).disagreements
    assert f"Version 1 was made from the snapshot snap/{graph}/20990101" in found.what


def test_ledger_whose_last_lines_a_commit_dropped_is_told_before_anything_is_compared(
    promoted: Doors, graph: str
) -> None:
    origin = GitOrigin(promoted.environment.data_repository, promoted.environment.home)
    with origin.clone() as clone:
        tip = clone.fetch_tip("ledger")
        text = clone.contents([f"{tip}:{graph}.jsonl"])[f"{tip}:{graph}.jsonl"] or ""
        lines = text.splitlines(keepends=True)
        (Path(origin.url) / "hooks" / "update").unlink()  # as on a host that takes such a commit
        shorter = clone.commit_files("Tidy", {f"{graph}.jsonl": "".join(lines[:-1])}, onto=tip)
        assert clone.push(f"{shorter}:refs/heads/ledger")
    assert len(promoted.ledger.entries(graph)) == len(lines) - 1  # those that are left follow one another
    with pytest.raises(TamperedRecord, match=rf"has {len(lines)} lines, of which today's file has the first"):
        diagnose(graph, promoted)


def test_champion_whose_bytes_are_gone_is_told(promoted: Doors, graph: str) -> None:
    version = promoted.registry.versions.get(graph, 1)
    location = promoted.registry.server.client.get_logged_model(version.model_id).artifact_location
    for weights in Path(location.removeprefix("file://")).rglob("*.safetensors"):
        weights.unlink()
    [found] = diagnose(graph, promoted).disagreements
    assert found.what.startswith("The champion cannot be served whole: ")
    assert f"ncnc rollback --graph {graph}" in found.mend


def test_alias_that_was_moved_in_mlflow_is_told_with_the_way_back(
    promoted: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    client = MlflowClient(promoted.environment.tracking_uri)
    client.delete_registered_model_alias(graph, "champion")
    [found] = diagnose(graph, promoted).disagreements
    assert found.what == "champion is nothing in MLflow and version 1 by the ledger: it was changed in MLflow."
    assert f"ncnc rollback --graph {graph}" in found.mend


def test_deleted_model_is_told_and_its_adoption_is_shown_before_it_is_done(promoted: Doors, graph: str) -> None:
    MlflowClient(promoted.environment.tracking_uri).delete_registered_model(graph)
    before = promoted.ledger.entries(graph)
    blocking, lost = diagnose(graph, promoted).disagreements
    assert "It has no registered model of this graph, and the ledger belongs to" in blocking.what
    assert f"ncnc registry doctor --graph {graph} --adopt" in blocking.mend
    assert lost.what.startswith(f"Version 1 of the ledger (run {graph}-")
    move = Move(graph, "ann", "the model was deleted", AS_OF)
    bound, *moves = adoption_plan(move, promoted)
    assert isinstance(bound, RegistryBound)
    assert bound.lost == (1,)
    assert [(item.alias, item.version) for item in moves if isinstance(item, AliasEntry)] == [
        ("champion", None),
        ("challenger", None),
    ]
    assert promoted.ledger.entries(graph) == before
    promoted.aliases.adopt(move)
    assert diagnose(graph, promoted).disagreements == ()


def test_night_after_an_adoption_makes_a_version_of_a_number_that_was_never_given(
    promoted: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    MlflowClient(promoted.environment.tracking_uri).delete_registered_model(graph)
    promoted.aliases.adopt(Move(graph, "ann", "the model was deleted", AS_OF))
    folder = make_decided_run(promoted, graph, as_of=AS_OF + timedelta(days=1), run_key="4" * 64)
    assert register.run(folder, Params(), doors=promoted).version == 2
    assert promoted.registry.aliases.of(graph) == {"challenger": 2, "champion": 2}
    assert [item.version for item in promoted.registry.contents.versions(graph)] == [2]
