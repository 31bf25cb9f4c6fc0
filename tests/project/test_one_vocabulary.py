"""One word, one meaning.

A step's name is its CLI verb, Airflow task, section of params.yaml and file in pipeline/steps; four steps are DVC
stages. A word that once meant several things keeps the one meaning that is written down here.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipeline.params.params import Params

ROOT = Path(__file__).parents[2]
STEPS = ("snapshot", "split", "train", "evaluate", "decide", "register", "refresh")
# The others act on the registry, and DVC's run cache can replay a stage without running it.
STAGES = STEPS[:4]


def stages() -> dict[str, dict[str, Any]]:  # Any: YAML of DVC's own schema
    content: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    return content["stages"]


def test_each_step_is_a_file_of_its_name_and_nothing_else_is_one() -> None:
    files = {path.stem for path in (ROOT / "pipeline" / "steps").glob("*.py")} - {"__init__"}
    assert files == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_each_step_file_has_its_run(step: str) -> None:
    assert callable(importlib.import_module(f"pipeline.steps.{step}").run)


def test_each_step_is_a_verb_of_the_command_line() -> None:
    from pipeline.cli import app

    command = typer.main.get_command(app)
    verbs = getattr(command, "commands")  # noqa: B009 - typer's own group class, which mypy does not know
    assert set(STEPS) <= set(verbs)
    for step in STEPS:
        options = {name for parameter in verbs[step].params for name in parameter.opts}
        assert "--run-dir" in options, step


def test_each_step_is_a_task_of_the_nightly_dag_in_this_order() -> None:
    from nightly_retraining import snapshot  # any task: it knows its DAG

    dag = snapshot.dag
    assert [task.task_id for task in dag.topological_sort() if task.task_id in STEPS] == list(STEPS)
    for step in STEPS:
        assert dag.get_task(step).step == step


def test_each_step_is_a_section_of_the_parameters() -> None:
    committed = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert [section for section in committed if section != "resources"] == list(STEPS)
    fields = [field.alias or name for name, field in Params.model_fields.items()]
    assert fields == list(committed)


def test_the_first_four_steps_are_the_stages_of_dvc() -> None:
    assert tuple(stages()) == STAGES


@pytest.mark.parametrize("step", STAGES)
def test_each_stage_runs_the_same_argv_as_everyone(step: str) -> None:
    program, verb, option, *_ = shlex.split(stages()[step]["cmd"])
    assert (program, verb, option) == ("ncnc", step, "--run-dir")


@pytest.mark.parametrize("step", STAGES)
def test_each_stage_depends_on_its_section_and_on_the_code(step: str) -> None:
    stage = stages()[step]
    assert step in stage["params"]
    assert {"ncnc_core", "pipeline"} <= {name.rstrip("/") for name in stage["deps"]}


def test_each_stage_takes_what_the_one_before_it_left() -> None:
    for before, after in itertools.pairwise(STAGES):
        left = {name if isinstance(name, str) else next(iter(name)) for name in stages()[before]["outs"]}
        assert left & set(stages()[after]["deps"]), f"{after} takes nothing of {before}"


# A name that holds the word on the left is found only in the places on the right.
ONE_MEANING = {
    "report": (
        "the HTML page of a night",
        r"^(pipeline/(report/|commands/nights|registry/night_pages)|dags/|embedded/)",
    ),
    "drift": (
        "how far the graph moved since the last snapshot; the record keeps a warm start's difference under this name",
        r"^pipeline/(graphs/|report/(trend|graph_|kept_figures)|records/evaluation)",
    ),
    "served_model": ("the model as MLflow loads it", r"^pipeline/registry/"),
}


RECORDED = {"report_sha256"}  # a field of a record: its name is part of the format of 2026-11


def names_defined(path: Path) -> set[str]:
    """Every class, function, parameter and variable of a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def meant_otherwise(word: str, places: str, root: Path) -> list[str]:
    """Return the names with the word in them that stand outside its places."""
    sources = [
        path for package in ("ncnc_core", "pipeline", "dags", "embedded") for path in (root / package).rglob("*.py")
    ]
    return sorted(
        f"{path.relative_to(root).as_posix()}: {name}"
        for path in sources
        if not re.search(places, path.relative_to(root).as_posix())
        for name in names_defined(path)
        if name not in RECORDED and word in name.lower()
    )


@pytest.mark.parametrize("word", ONE_MEANING)
def test_a_word_has_one_meaning(word: str) -> None:
    assert meant_otherwise(word, ONE_MEANING[word][1], ROOT) == []


def test_a_second_meaning_is_found(tmp_path: Path) -> None:
    place = tmp_path / "pipeline" / "audit"
    place.mkdir(parents=True)
    (place / "audit.py").write_text(
        "class AuditReport:\n    pass\n\n\ndef walk(report: AuditReport) -> None:\n    count = 1\n"
    )
    found = meant_otherwise("report", ONE_MEANING["report"][1], tmp_path)
    assert found == ["pipeline/audit/audit.py: AuditReport", "pipeline/audit/audit.py: report"]
    (place / "audit.py").write_text("def drift() -> None:\n    served_model = 1\n")
    for word, name in (("drift", "drift"), ("served_model", "served_model")):
        assert meant_otherwise(word, ONE_MEANING[word][1], tmp_path) == [f"pipeline/audit/audit.py: {name}"]
