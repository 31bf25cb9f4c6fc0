from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.runs import key as module
from pipeline.runs.key import code_version, git_commit, run_key


@pytest.fixture
def source_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for package in module.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "noun.py").write_text("x = 1\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def version() -> str:
    return code_version.__wrapped__()


def test_run_key_changes_with_each_of_its_three_parts() -> None:
    keys = {run_key("a", "b", "c"), run_key("z", "b", "c"), run_key("a", "z", "c"), run_key("a", "b", "z")}
    assert len(keys) == 4
    assert run_key("a", "b", "c") == run_key("a", "b", "c")


def test_code_version_ignores_a_readme_and_sees_a_source_edit(source_tree: Path) -> None:
    before = version()
    (source_tree / "README.md").write_text("words")
    (source_tree / "pipeline" / "notes.txt").write_text("words")
    assert version() == before
    (source_tree / "pipeline" / "noun.py").write_text("x = 2\n")
    assert version() != before


def test_code_version_sees_a_renamed_file(source_tree: Path) -> None:
    before = version()
    (source_tree / "ncnc_core" / "noun.py").rename(source_tree / "ncnc_core" / "other.py")
    assert version() != before


def test_git_commit_outside_a_checkout_is_the_one_the_image_was_built_from(
    source_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCNC_GIT_COMMIT", "")  # as compose passes what nobody set
    assert git_commit.__wrapped__() is None
    monkeypatch.setenv("NCNC_GIT_COMMIT", "c" * 40)
    assert git_commit.__wrapped__() == "c" * 40
