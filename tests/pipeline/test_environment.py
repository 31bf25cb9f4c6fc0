from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT

from pipeline.environment import SWITCHES, Environment, set_switches, whoami
from pipeline.errors import InvalidInput

REQUIRED = {
    "data_repository": "NCNC_DATA_REPOSITORY",
    "dvc_remote": "NCNC_DVC_REMOTE",
    "source_edges": "NCNC_SOURCE_EDGES",
    "source_split": "NCNC_SOURCE_SPLIT",
    "tracking_uri": "MLFLOW_TRACKING_URI",
}


@pytest.mark.parametrize(("place", "variable"), REQUIRED.items())
def test_a_missing_place_names_its_variable_and_says_where_they_are_listed(place: str, variable: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^{variable} is not set\. Set it to .+\.env\.example lists"):
        getattr(Environment({}), place)


@pytest.mark.parametrize(("place", "variable"), REQUIRED.items())
def test_an_empty_variable_counts_as_missing(place: str, variable: str) -> None:
    # A compose file passes an unset variable on as the empty string.
    with pytest.raises(InvalidInput, match=variable):
        getattr(Environment({variable: ""}), place)


@pytest.mark.parametrize(("place", "variable"), REQUIRED.items())
def test_a_place_that_is_set_is_given_as_it_is(place: str, variable: str) -> None:
    assert getattr(Environment({variable: "somewhere"}), place) == "somewhere"


def test_the_node_table_may_be_absent() -> None:
    assert Environment({}).source_nodes is None
    assert Environment({"NCNC_SOURCE_NODES": ""}).source_nodes is None
    assert Environment({"NCNC_SOURCE_NODES": "nodes.csv"}).source_nodes == "nodes.csv"


def test_home_is_absolute_whatever_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Environment({}).home == tmp_path / ".ncnc"
    assert Environment({"NCNC_HOME": "cache"}).home == tmp_path / "cache"


def test_the_environment_of_the_process_is_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCNC_SOURCE_EDGES", "before")
    environment = Environment.of_process()
    monkeypatch.setenv("NCNC_SOURCE_EDGES", "after")
    assert environment.source_edges == "before"


ROOT = Path(__file__).parents[2]
LOOK = """
import importlib, os, sys

class FirstImport:
    def find_spec(self, name, *_):
        if name == sys.argv[2]:
            print(os.environ.get(sys.argv[3]))
            sys.exit()

sys.meta_path.insert(0, FirstImport())
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("module", "library", "switch", "value"),
    [
        ("pipeline.registry.model_registry", "mlflow", "MLFLOW_DISABLE_TELEMETRY", "true"),
        ("pipeline.registry.model_package", "mlflow", "MLFLOW_DISABLE_TELEMETRY", "true"),
        ("pipeline.registry.tracking_server", "mlflow", "MLFLOW_DISABLE_TELEMETRY", "true"),
        ("pipeline.steps.train", "torch", "GOMP_SPINCOUNT", "1000"),
        ("pipeline.steps.train", "torch", "THP_MEM_ALLOC_ENABLE", "1"),
        ("pipeline.recommend.shard", "torch", "GOMP_SPINCOUNT", "1000"),
    ],
)
def test_a_library_finds_its_switches_set_whichever_module_imports_it_first(
    module: str, library: str, switch: str, value: str
) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    argv = [sys.executable, "-c", LOOK, module, library, switch]
    done = subprocess.run(argv, cwd=ROOT, env=bare, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == (f"{value}\n", 0), done.stderr


def test_what_the_environment_says_already_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    monkeypatch.delenv("MLFLOW_UV_AUTO_DETECT")
    set_switches()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
    assert os.environ["MLFLOW_UV_AUTO_DETECT"] == "false"


def test_mlflow_prints_no_address_that_only_this_machine_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.name, raising=False)
    set_switches()
    assert MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.get() is True


def test_user_without_a_name_acts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert whoami().startswith("unknown@")
