"""A whole house in a temporary folder: data repository, DVC remote, MLflow, and a source that delivers nights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import typer.testing

from ncnc_core.random_spatial_network import NetworkDay, RandomSpatialNetworkConfig
from pipeline.cli import app
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import StepError
from pipeline.ledger.entries import NightEntry

STEPS = ("split", "train", "evaluate", "decide", "register")
FIRST_NIGHT = datetime(2026, 1, 1, 3, tzinfo=UTC)
NETWORK = RandomSpatialNetworkConfig(seed=1, num_nodes=400, mean_degree=10.0, daily_arrivals=0.02)
NUM_FEATURES = 33


def params(graph: str) -> dict[str, dict[str, object]]:
    return {
        "snapshot": {"graph": graph, "feature_columns": [f"x{i}" for i in range(NUM_FEATURES)]},
        "split": {"minimum_test_edges": 30, "negatives_per_edge": 20},
        "train": {
            "model": {"hidden_channels": 16},
            "training": {
                "epochs": 12,
                "batch_size": 256,
                "encoder_learning_rate": 0.02,
                "predictor_learning_rate": 0.01,
            },
        },
        "evaluate": {"bootstrap_samples": 200},
        "decide": {"minimum_test_edges": 30},
        "resources": {"threads": 1},  # two test processes share two cores
    }


@dataclass
class House:
    """One graph's nights, run step by step through the command line in this process."""

    graph: str
    folder: Path
    values: dict[str, str]
    runner: typer.testing.CliRunner

    @property
    def doors(self) -> Doors:
        return Doors(Environment(self.values))

    @property
    def params_file(self) -> Path:
        return self.folder / "params.yaml"

    def as_of(self, night: int) -> datetime:
        return FIRST_NIGHT + timedelta(days=night - 1)

    def run_dir(self, night: int) -> Path:
        return self.folder / "home" / "runs" / f"{self.graph}-{self.as_of(night):%Y%m%dT%H%M%SZ}"

    def deliver(self, night: int, day: NetworkDay, *, keep: float = 1.0) -> None:
        """Write a night's tables in a row order of its own, cut short where `keep` is below one."""
        edges = pd.DataFrame({"source": day.node_ids[day.edges[0]], "target": day.node_ids[day.edges[1]]})
        nodes = pd.DataFrame(day.features[:, :NUM_FEATURES], columns=[f"x{i}" for i in range(NUM_FEATURES)])
        nodes.insert(0, "node", day.node_ids)
        date = f"{self.as_of(night):%Y-%m-%d}"
        edges = edges.head(int(len(edges) * keep)).sample(frac=1, random_state=night)
        edges.to_parquet(self.folder / "source" / f"edges-{date}.parquet", index=False)
        nodes.to_parquet(self.folder / "source" / f"nodes-{date}.parquet", index=False)

    def call(self, *argv: str) -> tuple[int, dict[str, object]]:
        """Run one command as `main` would; return its exit code and its last JSON line."""
        result = self.runner.invoke(app, list(argv), standalone_mode=False, env=self.values)
        code = result.exit_code
        if isinstance(result.exception, StepError):
            code = result.exception.exit_code
        elif result.exception is not None:
            raise result.exception
        lines = result.stdout.strip().splitlines()
        return code, json.loads(lines[-1]) if lines else {}

    def step(self, name: str, night: int) -> int:
        argv = [name, "--run-dir", str(self.run_dir(night))]
        if name == "snapshot":
            argv += ["--as-of", self.as_of(night).isoformat(), "--params", str(self.params_file)]
        return self.call(*argv)[0]

    def night(self, night: int) -> list[int]:
        """Run the steps of a night until one does not end 0; return their exit codes."""
        codes = [self.step("snapshot", night)]
        for name in STEPS:
            if codes[-1] != 0:
                break
            codes.append(self.step(name, night))
        return codes

    def entries(self) -> list[NightEntry]:
        return [entry for entry in self.doors.ledger.entries(self.graph) if isinstance(entry, NightEntry)]
