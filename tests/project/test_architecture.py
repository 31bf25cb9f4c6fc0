"""The design's rules, held by tools; every scanner is shown to see the fault it is there for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import architecture_rules as rules

ROOT = Path(__file__).parents[2]

# Each exception with its reason; what is not named here is held to the rule.
TESTED_ELSEWHERE = {
    "pipeline/audit/findings.py": "the checks of audit and verification, by the tests of both",
    "pipeline/commands/audits.py": "by tests/pipeline/audit/test_verification.py and tests/pipeline/test_cli.py",
    "pipeline/ledger/file_versions.py": "what `Ledger.expect_whole` reads, by tests/pipeline/ledger/test_ledger.py",
}
TESTS_OF_MORE_THAN_ONE_FILE = {
    "tests/core/test_golden_vectors.py": "all networks against the vectors of the published implementation",
    "tests/core/test_temporal_link_model.py": "the library's front where edges have times, from fit to a grown graph",
    "tests/pipeline/audit/test_rewritten_story.py": "one attack on audit, verification and anchoring",
    "tests/pipeline/report/test_pages_in_a_browser.py": "the nights' pages and the index, as a browser shows them",
    "tests/pipeline/audit/test_verification.py": "`ncnc verify`, from the command to the files",
}
# Each with its reason, and the folder whose tests of the same `make test` runs.
SLOW_AS_A_WHOLE = {
    "tests/benchmarks/test_learning_nights.py": "plays nights and a search; what it plays: tests/pipeline/training",
    "tests/end_to_end/test_dvc_repro.py": "`dvc repro` twice; the steps: tests/pipeline/steps",
    "tests/end_to_end/test_nightly_dag.py": "Airflow runs whole nights; the tasks: tests/dags",
    "tests/end_to_end/test_no_secret_is_kept.py": "servers, killed commands; what is shown: tests/pipeline",
    "tests/end_to_end/test_served_graph.py": "four nights with training; a refresh: tests/pipeline/refreshes",
    "tests/end_to_end/test_shared_nothing.py": "six machines, three servers; a night on one: tests/end_to_end",
    "tests/end_to_end/test_waiting_nights.py": "Airflow waits; the task that does: tests/dags/ncnc_airflow",
    "tests/pipeline/training/test_warm_start.py": "two nights; the weights: tests/core/training",
    "tests/project/test_snapshots_page.py": "runs a page of commands; each: tests/pipeline/commands",
}
LONG_FOR_A_REASON = {
    "ncnc_core/link_model.py": "the library's front: a method a use, each a line or two below its signature",
}
SIGNATURE = "its signature and docstring are most of it"
LONG_FUNCTIONS_FOR_A_REASON = {
    "ncnc_core/evaluation/model_evaluation.py: evaluate_links": SIGNATURE,
    "ncnc_core/graph/neighbor_search.py: exclusive_neighbors": SIGNATURE,
    "ncnc_core/inputs/graphs.py: read_graph": SIGNATURE,
    "ncnc_core/link_model.py: fit": SIGNATURE,
    "ncnc_core/networks/encoder.py: __init__": SIGNATURE,
    "ncnc_core/serving/shortlist.py: shortlists": SIGNATURE,
    "ncnc_core/splits/edge_split.py: split_edges": SIGNATURE,
    "ncnc_core/splits/negatives.py: corrupted_negatives": SIGNATURE,
    "ncnc_core/training/step.py: accumulate_gradients": SIGNATURE,
    "ncnc_core/training/trained_network.py: train_network": SIGNATURE,
    "pipeline/ledger/alias_history.py: crowning": SIGNATURE,
    "pipeline/sources/files.py: take_files": SIGNATURE,
    "pipeline/commands/models.py: recommend": "each option of the command is a line or two of its signature",
    "pipeline/commands/promotions.py: promote": "each option of the command is a line or two of its signature",
    "pipeline/commands/registry.py: gc": "each option of the command is a line or two of its signature",
    "pipeline/commands/snapshots.py: gc": "each option of the command is a line or two of its signature",
}
MAY_TOUCH_THE_ENVIRONMENT = {
    "pipeline/environment.py": "the one place",
    "pipeline/origin/git_command.py": "hands the process's environment on to git, and reads no setting",
    "pipeline/registry/tracking_server.py": "tells MLflow, while a bare database is opened, where its artifacts go",
    "dags/ncnc_airflow/step_task.py": "builds the environment of the process it starts",
    "dags/nightly_retraining.py": "schedule and approval; a DAG file may not import the pipeline",
    "benchmarks/busy_machine.py": "builds the environment of the processes it starts",
    "benchmarks/datasets.py": "the data sets' folder, which only the benchmarks, the demo and the tests know",
    "benchmarks/nightly_bytes.py": "builds the environment of the processes it starts",
    "benchmarks/spark_engine.py": "builds the environment of the processes it starts",
    "benchmarks/whole_night.py": "builds the environment of the processes it starts",
    "embedded/as_caida.py": "the data sets' folder, which only the demo and the tests know",
    "embedded/settings.py": "builds the environment of the processes it starts",
    "embedded/stack.py": "builds the environment of the processes it starts",
}
MAY_RUN_GIT_OR_DVC = {
    "pipeline/origin/git_command.py": "the git door",
    "pipeline/runs/key.py": "asks once for the commit the sources stand at",
}

MAY_RENAME = {
    "ncnc_core/whole_file.py": "the one way in which a file is written",
    "pipeline/collection/registry.py": "moves a run folder aside before it is deleted",
    "pipeline/runs/fetched_versions.py": "names a folder by its digest, inside a private one that is published whole",
    "pipeline/runs/folder.py": "publishes a whole folder",
}

MAY_STYLE_TEXT = {
    "pipeline/terminal.py": "the one console, on which text stays text",
    "ncnc_core/training/progress.py": "a bar in a notebook: its text is numbers, and the name of a metric",
    "ncnc_core/serving/recommendation.py": "a bar in a notebook: its text is ours",
}


def found_by(scan: Callable[[str], list[int]]) -> set[str]:
    return {path.as_posix() for path in rules.sources(ROOT) if scan((ROOT / path).read_text())}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_import_contracts_hold() -> None:
    answer = lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("ncnc_core", "pipeline", "embedded"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize(
    ("file", "fault", "contract"),
    [
        ("ncnc_core/graph/adjacency.py", "import pipeline.records.record", "The core knows nothing"),
        ("ncnc_core/graph/adjacency.py", "import mlflow", "The core knows nothing"),
        ("ncnc_core/graph/adjacency.py", "import ncnc_core.networks.ncn", "The core, from the model down"),
        ("ncnc_core/config/model.py", "import torch", "Reading a configuration loads no torch"),
        ("pipeline/runs/key.py", "import airflow.sdk", "The pipeline knows nothing of Airflow"),
        ("pipeline/records/record.py", "from pipeline.params.params import Params", "The pipeline, from the command"),
        ("pipeline/promotion/gate.py", "from pipeline.doors import Doors", "What decides is handed"),
        ("pipeline/steps/train.py", "from pipeline.steps import decide", "A step does not know another step"),
        ("pipeline/steps/train.py", "import mlflow", "MLflow only behind"),
        ("pipeline/runs/folder.py", "from pipeline.registry.night_runs import PARAMS", "A door's package is entered"),
        ("pipeline/ledger/ledger.py", "import dvc.api", "DVC only behind"),
        ("pipeline/checks/quality.py", "import duckdb", "Ibis and DuckDB only behind"),
        ("ncnc_core/novelty/__init__.py", "", "The core, from the model down"),  # a package without a place
        ("pipeline/novelty/__init__.py", "", "The pipeline, from the command"),
    ],
)
def test_a_planted_import_breaks_its_contract(copy: Path, file: str, fault: str, contract: str) -> None:
    path = copy / file
    text = path.read_text() if path.is_file() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{text or ''}\n{fault}\n")
    try:
        answer = lint_imports(copy)
    finally:
        if text is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(text)
    assert answer.returncode == 1
    broken = [line for line in answer.stdout.splitlines() if " BROKEN" in line]
    assert any(line.startswith(contract) for line in broken), answer.stdout


def test_no_files_import_each_other_in_a_circle() -> None:
    assert rules.circles(ROOT) == []


def test_a_circle_is_found_even_where_one_import_is_for_type_checking_alone(tmp_path: Path) -> None:
    plant(tmp_path, "pipeline/__init__.py")
    plant(tmp_path, "pipeline/a.py", "from pipeline.b import B\nfrom pipeline.c import C\n")
    plant(
        tmp_path, "pipeline/b.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pipeline import a\n"
    )
    plant(tmp_path, "pipeline/c.py", "def f():\n    from pipeline.d import D\n")
    plant(tmp_path, "pipeline/d.py")
    assert rules.circles(tmp_path) == [["pipeline/a.py", "pipeline/b.py"]]


def test_every_source_file_has_its_test_file() -> None:
    assert set(rules.without_a_test(ROOT)) == set(TESTED_ELSEWHERE)


def test_every_test_file_mirrors_a_source_file() -> None:
    assert set(rules.without_a_source(ROOT)) == set(TESTS_OF_MORE_THAN_ONE_FILE)


def test_every_test_file_has_a_test_that_make_test_runs() -> None:
    assert set(rules.without_a_fast_test(ROOT)) == set(SLOW_AS_A_WHOLE)


def test_no_file_is_a_drawer() -> None:
    assert rules.drawers(ROOT) == []


def test_no_source_file_is_longer_than_the_limit() -> None:
    assert set(rules.too_long(ROOT)) <= set(LONG_FOR_A_REASON)


def test_no_function_is_longer_than_the_limit() -> None:
    # A compiled loop is one function: a call inside it would be inlined, and cannot share its arrays' types.
    found = {name for name in rules.long_functions(ROOT) if not name.startswith("ncnc_core/kernels/")}
    assert found == set(LONG_FUNCTIONS_FOR_A_REASON)


def test_nothing_pickles() -> None:
    assert found_by(rules.pickles) == set()


def test_the_environment_is_read_in_one_place() -> None:
    assert found_by(rules.reads_of_the_environment) <= set(MAY_TOUCH_THE_ENVIRONMENT)


def test_git_and_dvc_are_run_by_their_doors() -> None:
    assert found_by(rules.runs_of_git_or_dvc) <= set(MAY_RUN_GIT_OR_DVC)


def test_files_are_written_in_one_way() -> None:
    assert found_by(rules.renames) <= set(MAY_RENAME)


def test_text_is_shown_by_one_console() -> None:
    found = {name for name in found_by(rules.uses_of_styled_text) if not name.startswith("benchmarks/")}
    assert found == set(MAY_STYLE_TEXT)


@pytest.mark.parametrize(
    "text",
    [
        "from rich.console import Console",
        "def lazily():\n    from rich.markup import escape",
        "from rich import print",
        "import rich",
        "console.print(reason, markup=True)",
        "TextColumn('{task.description}')",
    ],
)
def test_another_console_or_markup_is_found(text: str) -> None:
    assert rules.uses_of_styled_text(text) != []
    ours = "from rich.table import Table; TextColumn('{task.description}', markup=False); TextColumn('tuning')"
    assert rules.uses_of_styled_text(ours) == []


@pytest.mark.parametrize("text", ["staged.replace(path)", "path.rename(aside)", "os.replace(a, b)", "os.rename(a, b)"])
def test_a_rename_is_found(text: str) -> None:
    assert rules.renames(text) != []
    assert rules.renames("text.replace('a', 'b'); frame.rename(columns={'a': 'b'}); when.replace(tzinfo=UTC)") == []


def test_the_exceptions_name_files_that_exist() -> None:
    exceptions = (
        TESTED_ELSEWHERE,
        TESTS_OF_MORE_THAN_ONE_FILE,
        SLOW_AS_A_WHOLE,
        LONG_FOR_A_REASON,
        MAY_TOUCH_THE_ENVIRONMENT,
    )
    for table in (*exceptions, MAY_RUN_GIT_OR_DVC, MAY_RENAME, MAY_STYLE_TEXT):
        assert [name for name in table if not (ROOT / name).is_file()] == []


def test_every_variable_that_the_source_mentions_is_documented() -> None:
    documented = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    mentioned: set[str] = set()
    for path in rules.sources(ROOT):
        mentioned |= set(re.findall(r"\bNCNC_[A-Z_]*[A-Z]\b", (ROOT / path).read_text()))
    assert mentioned - documented == set()


def plant(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_source_without_its_test_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "ncnc_core/ncn.py")
    plant(tmp_path, "pipeline/steps/train.py")
    plant(tmp_path, "pipeline/__init__.py")
    plant(tmp_path, "tests/core/test_ncn.py")
    assert rules.without_a_test(tmp_path) == ["pipeline/steps/train.py"]
    plant(tmp_path, "tests/pipeline/steps/test_train.py")
    assert rules.without_a_test(tmp_path) == []


def test_a_test_without_its_source_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "dags/nightly.py")
    plant(tmp_path, "tests/dags/test_nightly.py")
    plant(tmp_path, "tests/dags/conftest.py")
    plant(tmp_path, "tests/dags/test_weekly.py")
    assert rules.without_a_source(tmp_path) == ["tests/dags/test_weekly.py"]


def test_a_test_file_that_is_slow_as_a_whole_is_found(tmp_path: Path) -> None:
    slow, fast = "@pytest.mark.slow  # a server starts\ndef test_a() -> None: ...\n", "def test_b() -> None: ...\n"
    plant(tmp_path, "tests/core/test_marked_one_by_one.py", slow)
    plant(tmp_path, "tests/core/test_marked_at_the_top.py", f"pytestmark = [pytest.mark.slow]\n{fast}")
    plant(tmp_path, "tests/core/test_mixed.py", slow + fast)
    some = '@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])'
    plant(tmp_path, "tests/core/test_slow_for_one_seed.py", f"{some}\n{fast}")
    plant(tmp_path, "tests/core/test_timed.py", f"pytestmark = pytest.mark.timeout(9)\n{fast}")
    plant(tmp_path, "tests/stack/test_deployment.py", slow)  # by `make test-stack` only
    assert rules.without_a_fast_test(tmp_path) == [
        "tests/core/test_marked_at_the_top.py",
        "tests/core/test_marked_one_by_one.py",
    ]


@pytest.mark.parametrize("name", ["utils.py", "common.py", "misc.py", "graph_utils.py", "helpers.py", "utils/nodes.py"])
def test_a_drawer_is_found(tmp_path: Path, name: str) -> None:
    plant(tmp_path, f"pipeline/{name}")
    plant(tmp_path, "pipeline/common_neighbors.py")  # named for a noun of the field
    assert rules.drawers(tmp_path) == [f"pipeline/{name}"]


def test_a_long_file_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "embedded/short.py", "x = 1\n" * rules.MAXIMUM_LINES)
    plant(tmp_path, "embedded/long.py", "x = 1\n" * (rules.MAXIMUM_LINES + 1))
    assert rules.too_long(tmp_path) == ["embedded/long.py"]


def test_a_long_function_is_found(tmp_path: Path) -> None:
    lines = "    x = 1\n" * (rules.MAXIMUM_FUNCTION_LINES - 1)
    plant(tmp_path, "pipeline/short.py", f"def f():\n{lines}")
    plant(tmp_path, "pipeline/long.py", f"def f():\n{lines}    x = 1\n")
    assert rules.long_functions(tmp_path) == ["pipeline/long.py: f"]


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from cloudpickle import dumps",
        "def lazily():\n    import joblib",
        "torch.save(state, path)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=chosen)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "frame.to_pickle(path)",
    ],
)
def test_a_pickle_is_found(text: str) -> None:
    assert rules.pickles(text) != []


@pytest.mark.parametrize(
    "text",
    ["torch.load(path, weights_only=True)", "np.load(path)", "save_file(weights, path)", "from safetensors import x"],
)
def test_safe_reads_are_no_pickle(text: str) -> None:
    assert rules.pickles(text) == []


@pytest.mark.parametrize(
    "text", ["os.environ['X']", "os.environ.get('X')", "os.getenv('X')", "from os import environ", "dict(os.environ)"]
)
def test_a_look_into_the_environment_is_found(text: str) -> None:
    assert rules.reads_of_the_environment(text) != []
    assert rules.reads_of_the_environment("environment.home; os.path.join('a'); from os import sep") == []


@pytest.mark.parametrize("text", ["run(['git', 'push'])", "run(('dvc', 'add', p))", "argv = ['git', *rest]"])
def test_a_run_of_git_is_found(text: str) -> None:
    assert rules.runs_of_git_or_dvc(text) != []
    assert rules.runs_of_git_or_dvc("names = ['ncnc', 'git']; kinds = ['git']; x = 'git push'") == []
