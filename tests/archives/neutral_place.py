"""A folder in which one version plays its nights, and an environment that says nothing of the machine it runs on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from deliveries_of_nights import NUM_FEATURES

CHECKOUT = Path(__file__).resolve().parents[2]
GRAPH = "small"
STEPS = ("split", "train", "evaluate", "decide", "register")
# One process for all commands, because the imports of each would take longer than its work.
COMMANDS = """\
import contextlib, io, json, sys
from {module} import {function}
for line in sys.stdin:
    sys.argv, said, code = ["ncnc", *json.loads(line)], io.StringIO(), 0
    with contextlib.redirect_stdout(said):
        try:
            {function}()
        except SystemExit as end:
            code = int(end.code or 0)
    print(json.dumps([code, said.getvalue()]), flush=True)
"""
# Imported by every Python below: what else would name this machine.
SITE = """\
import pathlib, platform, socket
socket.gethostname = socket.getfqdn = platform.node = lambda *_: "machine"
platform.processor = lambda: "processor"
read_text = pathlib.Path.read_text
def neutral(self, *arguments, **options):
    return "model name : processor\\n" if str(self) == "/proc/cpuinfo" else read_text(self, *arguments, **options)
pathlib.Path.read_text = neutral
"""


@dataclass
class Place:
    """The folder that everything is written in, and the environment that commands run in."""

    root: Path
    commit: str
    environment: dict[str, str] = field(default_factory=dict)
    nights: dict[str, str] = field(default_factory=dict)  # what became of each, by run name

    def __post_init__(self) -> None:
        """Make the folder with the user's home and the code in it, which are not packed."""
        self.root.mkdir(parents=True)
        user, code = self.root / "user", self.root / "user" / "code"
        (user / "tmp").mkdir(parents=True)
        (user / "sitecustomize.py").write_text(SITE)
        subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", CHECKOUT, code], check=True)
        subprocess.run(["git", "-C", code, "checkout", "--quiet", self.commit], check=True)
        self.environment = {
            "PATH": os.defpath,
            "HOME": str(user),
            "TMPDIR": str(user / "tmp"),
            "USER": "ncnc",
            "LOGNAME": "ncnc",
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join([str(code), str(user)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "DVC_SITE_CACHE_DIR": str(user / "dvc"),
            "NCNC_HOME": str(self.root / "home"),
            "NCNC_DATA_REPOSITORY": str(self.root / "graph-data.git"),
            "NCNC_DVC_REMOTE": str(self.root / "dvc"),
            "NCNC_SOURCE_EDGES": str(self.root / "deliveries" / "edges-{date}.csv"),
            "NCNC_SOURCE_NODES": str(self.root / "deliveries" / "nodes-{date}.csv"),
            "NCNC_PARAMS": str(self.root / "params.yaml"),
            "NCNC_LOG_LEVEL": "WARNING",
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.root / 'mlflow' / 'mlflow.db'}",
        }
        (self.root / "mlflow").mkdir()

    def python(self, code: str, *argv: str) -> str:
        """Run a few lines of Python and return what they print."""
        command = (sys.executable, "-c", code, *argv)
        return subprocess.check_output(command, cwd=self.root, env=self.environment, text=True)

    @cached_property
    def commands(self) -> subprocess.Popen[str]:
        """The process that runs every command of `ncnc`, one a line."""
        scripts = tomllib.loads((self.root / "user" / "code" / "pyproject.toml").read_text())["project"]["scripts"]
        module, _, function = scripts["ncnc"].partition(":")
        code = COMMANDS.format(module=module, function=function)
        return subprocess.Popen(
            (sys.executable, "-c", code),
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.root / "user" / "said.txt").open("w"),
            text=True,
        )

    def lines(self, *argv: str, expected: int = 0) -> list[dict[str, Any]]:
        """Run a command of `ncnc` and return its lines of JSON."""
        assert self.commands.stdin is not None
        assert self.commands.stdout is not None
        print(json.dumps(argv), file=self.commands.stdin, flush=True)
        code, said = json.loads(self.commands.stdout.readline())
        sys.stderr.write(f"{code:3}  ncnc {' '.join(argv)[:150]}\n")
        if code != expected:
            raise SystemExit(f"ncnc {' '.join(argv)} ended with {code}, not {expected}. See user/said.txt.")
        return [json.loads(line) for line in said.splitlines()]

    def ncnc(self, *argv: str, expected: int = 0) -> dict[str, Any]:
        """Run a verb and return the line that it ends with."""
        return (self.lines(*argv, expected=expected) or [{}])[-1]

    def run_dir(self, day: int) -> str:
        """The run folder of a night."""
        return str(self.root / "home" / "runs" / f"{GRAPH}-202603{day:02}T030000Z")

    def report(self, day: int) -> None:
        """Make the page of a night."""
        made = self.ncnc("report", "--run-dir", self.run_dir(day))
        self.nights[made["run"]] = made["outcome"]

    def night(self, day: int, steps: Sequence[str] = STEPS, *, refused: bool = False, kept: bool = False) -> None:
        """Run a night's snapshot and the steps after it; a refused one ends there, a kept one registers nothing."""
        as_of = f"2026-03-{day:02}T03:00:00Z"
        self.ncnc("snapshot", "--run-dir", self.run_dir(day), "--as-of", as_of, expected=2 if refused else 0)
        for step in () if refused else steps:
            self.ncnc(step, "--run-dir", self.run_dir(day), expected=99 if kept and step == "register" else 0)

    def set_params(self, *, epochs: int, hidden: int, warm_start: str = "none") -> None:
        """Write params.yaml."""
        params = {
            "snapshot": {"graph": GRAPH, "feature_columns": [f"x{column}" for column in range(NUM_FEATURES)]},
            "split": {"minimum_test_edges": 60, "negatives_per_edge": 20},
            "train": {
                "warm_start": warm_start,
                "model": {"hidden_channels": hidden},
                "training": {
                    "epochs": epochs,
                    "batch_size": 256,
                    "encoder_learning_rate": 0.02,
                    "predictor_learning_rate": 0.01,
                },
            },
            "evaluate": {"bootstrap_samples": 200, "sensitivity_edges": 50},
            "decide": {"minimum_test_edges": 60},
            "resources": {"threads": 1},
        }
        self.write_params(params)

    def write_params(self, params: Mapping[str, object]) -> None:
        """Write params.yaml."""
        Path(self.environment["NCNC_PARAMS"]).write_text(yaml.safe_dump(dict(params), sort_keys=False))
