"""What the documents tell people to type exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from pipeline.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(path.relative_to(ROOT) for path in ROOT.glob("*.md")),
    *sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")),
    Path("docker/README.md"),
    Path("dags/batch_recommendations.py"),
    Path("dags/nightly_retraining.py"),
    Path("dags/champion_rollback.py"),
    Path("params.yaml"),
    Path("dvc.yaml"),
    Path(".env.example"),
]


def verbs() -> set[str]:
    """Every command of the app, a group's as `group command`."""
    found = set()
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        found.add(name)
        found |= {f"{name} {inner}" for inner in getattr(command, "commands", {})}
    return found


def named_verbs(text: str) -> set[str]:
    """What is typed behind `ncnc` in code: in backticks, or at the start of a line of a block."""
    typed = re.findall(r"(?:`|^|&& |\.venv/bin/)ncnc ((?:[a-z]+ ?)+)", text, flags=re.MULTILINE)
    return {" ".join(words.split()[:2]) for words in typed}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_command_a_document_names_is_one(document: Path) -> None:
    known = verbs()
    groups = {name.split()[0] for name in known if " " in name}
    for named in named_verbs((ROOT / document).read_text()):
        first = named.split()[0]
        assert first in known, f"{document} names ncnc {named}"
        if first in groups and " " in named:
            assert named in known, f"{document} names ncnc {named}"


@pytest.mark.slow
def test_the_librarys_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.count("```python")
    # In a process of its own, as a reader runs it: the shape checks of the tests would take four times as long.
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "my-model" / "model.json").is_file()


def test_a_command_that_is_none_would_be_seen() -> None:
    assert named_verbs("run `ncnc demote NAME` now") == {"demote"}
    assert "demote" not in verbs()
    assert named_verbs("```sh\nncnc snapshots list demo\n```") == {"snapshots list"}


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.suffix == ".md"], ids=str)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / document).read_text()):
        assert (ROOT / document.parent / target).exists(), f"{document} links to {target}"


@pytest.mark.parametrize("document", [Path("README.md"), Path("CONTRIBUTING.md")], ids=str)
def test_every_make_target_a_document_names_is_one(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", (ROOT / document).read_text(), flags=re.MULTILINE))
    assert named <= targets, named - targets
