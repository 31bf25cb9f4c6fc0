"""`ncnc verify`: every file that MLflow serves for a version, before anything of it is run."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import InvalidInput, OutsideTrouble, StepError, TamperedRecord
from pipeline.records.chain import RegisteredModel
from pipeline.records.digests import digests_of_folder
from pipeline.registry.opened_model import opened_model
from tests.fixtures.audited_night import Night, flipped


@pytest.fixture(autouse=True)
def environment(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in night.doors.environment.values.items():
        monkeypatch.setenv(name, value)


def verify(*arguments: str) -> dict[str, object]:
    """Run the command in this process; what it raises is raised."""
    answer = CliRunner().invoke(app, ["verify", *arguments])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    found: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_untouched_version_is_verified_by_each_of_its_names_and_kept_for_serving(night: Night, tmp_path: Path) -> None:
    name, kept = night.graph, tmp_path / "verified"
    recorded = night.folder.get(RegisteredModel).files
    assert {"MLmodel", "requirements.txt", "served_model.py"} <= {item.path for item in recorded}
    for model in (f"{name}@champion", f"{name}/1", f"{name}@1", f"models:/{name}@champion"):
        found = verify(model)
        assert (found["version"], found["wrong"]) == (1, [])
        assert int(str(found["checked"])) > len(recorded)
    verify(f"{name}@champion", "--output", str(kept))
    assert digests_of_folder(kept) == tuple(sorted(recorded, key=lambda item: item.path))
    with pytest.raises(InvalidInput, match=r"verified is not empty\. Name a folder"):
        verify(f"{name}@champion", "--output", str(kept))


@pytest.mark.parametrize("path", ["served_model.py", "MLmodel", "conda.yaml", "code/ncnc_core/link_model.py"])
def test_edited_file_of_any_kind_is_named_and_none_is_run_or_kept(night: Night, path: str, tmp_path: Path) -> None:
    (name,) = [item.path for item in night.folder.get(RegisteredModel).files if item.path.endswith(path)]
    with (
        flipped(night.stored(name)),
        pytest.raises(TamperedRecord, match=rf"1 of \d+ checks of .* fail: served {name}\. Restore") as told,
    ):
        verify(f"{night.graph}@champion", "--output", str(tmp_path / "kept"))
    assert (StepError.exit_code, told.value.exit_code) == (1, 2)
    assert not (tmp_path / "kept").exists()


def test_origin_that_is_away_is_no_fault_of_the_bytes(night: Night) -> None:
    origin = Path(night.doors.environment.data_repository)
    away = origin.rename(origin.with_name("away.git"))
    try:
        with pytest.raises(
            OutsideTrouble, match=r"1 of \d+ checks .* fail: ledger\. None was found to be wrong.*again"
        ):
            verify(f"{night.graph}/1")
    finally:
        away.rename(origin)


def test_version_that_is_served_from_another_folder_is_found(night: Night, tmp_path: Path) -> None:
    place = night.doors.registry.versions.place(night.graph, 1)
    database = Path(night.doors.environment.tracking_uri.removeprefix("sqlite:///"))
    statement = "update model_versions set storage_location = ?, source = ? where name = ?"

    def point(at: str) -> None:
        with sqlite3.connect(database) as connection:
            connection.execute(statement, (at, at, night.graph))

    point(tmp_path.as_uri())
    try:
        with pytest.raises(TamperedRecord, match=r"1 of \d+ checks of .* fail: folder that is served\."):
            verify(f"{night.graph}/1")
    finally:
        point(place)


def test_our_own_loader_reads_the_weights_alone_and_imports_nothing_of_a_version(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, marker = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n", tmp_path / "ran"
    root = night.stored("served_model.py").parent
    planted = [root / "served_model.py", *(root / "code").rglob("__init__.py")]
    planted += [root / "artifacts" / "link_model" / "conftest.py", root / "code" / "sitecustomize.py"]
    before = {path: path.read_bytes() for path in planted if path.exists()}
    asked: list[str] = []
    client_of = type(night.doors.registry.models)._artifacts

    def watched(self: object, model_id: str) -> object:
        folder = client_of(self, model_id)  # type: ignore[arg-type]
        repository = folder._repository
        fetch = repository.download_artifacts
        monkeypatch.setattr(
            repository, "download_artifacts", lambda path, **options: (asked.append(path), fetch(path, **options))[1]
        )
        return folder

    monkeypatch.setattr(type(night.doors.registry.models), "_artifacts", watched)
    modules = set(sys.modules)
    try:
        for path in planted:
            path.write_text(trap)
        opened = opened_model(f"{night.graph}@champion", lambda: night.doors.registry)
        assert opened.model.recommend([10], 2)
    finally:
        for path in planted:
            path.write_bytes(before[path]) if path in before else path.unlink()
    assert asked == ["artifacts/link_model"]
    assert not marker.exists()
    assert not [name for name in set(sys.modules) - modules if "served_model" in name or name == "sitecustomize"]


def test_name_without_a_version_is_refused_with_an_example() -> None:
    with pytest.raises(InvalidInput, match=r"NAME@alias, NAME@version or NAME/version, not 'demo'\. For example demo@"):
        verify("demo")
