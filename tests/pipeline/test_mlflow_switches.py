from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.mlflow_switches import SWITCHES, set_switches

ROOT = Path(__file__).parents[2]
LOOK = """
import importlib, os, sys

class FirstImport:
    def find_spec(self, name, *_):
        if name == "mlflow":
            print(os.environ.get("MLFLOW_DISABLE_TELEMETRY"))
            sys.exit()

sys.meta_path.insert(0, FirstImport())
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize("module", ["pipeline.model_registry", "pipeline.model_package", "pipeline.tracking_server"])
def test_mlflow_finds_its_switches_set_whichever_module_imports_it_first(module: str) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    done = subprocess.run([sys.executable, "-c", LOOK, module], cwd=ROOT, env=bare, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("true\n", 0), done.stderr


def test_what_the_environment_says_already_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    monkeypatch.delenv("MLFLOW_UV_AUTO_DETECT")
    set_switches()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
    assert os.environ["MLFLOW_UV_AUTO_DETECT"] == "false"
