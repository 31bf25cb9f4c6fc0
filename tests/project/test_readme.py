"""What the documents tell people to type exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
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


command_line = cache(lambda: typer.main.get_command(app))  # made of every annotation: a tenth of a second


@cache
def verbs() -> set[str]:
    """Every command of the app, a group's as `group command`."""
    found = set()
    for name, command in command_line().commands.items():  # type: ignore[attr-defined]
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


def options(verb: str) -> set[str]:
    """Every option of a command, given as in `verbs`."""
    command = command_line()
    for name in verb.split():
        command = command.commands[name]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


def typed_options(text: str) -> list[tuple[str, list[str]]]:
    """The options typed behind each command in a block of a shell, and in backticks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines() + re.findall(r"`(ncnc [^`]+)`", text)
    typed = []
    for part in (part for line in lines for part in re.split(r"&&|;|\||(?<!\S)#", line)):
        if found := re.search(r"(?:^|[\s/])ncnc ((?:[a-z-]+ ?)+)(.*)", part, flags=re.DOTALL):
            known = [verb for verb in verbs() if f"{found[1].strip()} ".startswith(f"{verb} ")]
            if known:
                typed.append((max(known, key=len), re.findall(r"(?<!\S)--[a-z-]+", found[2])))
    return typed


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_option_a_document_names_is_one_of_its_command(document: Path) -> None:
    for verb, typed in typed_options((ROOT / document).read_text()):
        assert set(typed) <= options(verb), f"{document}: ncnc {verb} {typed}"


def test_an_option_that_is_none_would_be_seen() -> None:
    assert typed_options("```sh\nncnc snapshots get $TAG out \\\n  --livng x  # --not-this\n```") == [
        ("snapshots get", ["--livng"])
    ]
    assert "--livng" not in options("snapshots get")
    assert "--living" in options("snapshots get")


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "leaves"),
    [
        ("docs/library.md", "my-model/model.json"),
        ("docs/tutorials/your-own-graph.md", "data/edges-2025-01-02.parquet"),
        ("README.md", None),
        ("docs/index.md", None),
    ],
)
def test_the_pages_python_runs_from_top_to_bottom(page: str, leaves: str | None, tmp_path: Path) -> None:
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == text.count("```python")
    blocks = [block for block in blocks if "import mlflow" not in block]  # needs a registry; tried where it is served
    assert blocks
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
    assert leaves is None or (tmp_path / leaves).is_file()


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
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / document).read_text(), flags=re.MULTILINE))
    assert named <= targets, named - targets
