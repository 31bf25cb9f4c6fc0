"""`dvc repro` runs the first four steps with the committed dvc.yaml, and then only what changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.evaluation import EvaluationRecord

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
NODES = 250


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the committed dvc.yaml, its own code folders and a delivery for its night."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    for package in ("ncnc_core", "pipeline"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["split"]["negatives_per_edge"] = 10
    params["train"]["training"]["epochs"] = 1
    params["train"]["model"]["hidden_channels"] = 8
    params["evaluate"]["bootstrap_samples"] = 100
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    # Near nodes are linked: a plane of nodes, so that there are common neighbours to learn from.
    place = np.random.default_rng(0).random((NODES, 2))
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    source, target = np.nonzero(np.triu(distance < 0.1, k=1))
    rows = [f"{left},{right}" for left, right in zip(source, target, strict=True)]
    (folder / "edges-2026-01-01.csv").write_text("\n".join(["source,target", *rows]) + "\n")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def run(checkout: Path, *argv: str) -> str:
    home = checkout.parent / "home"
    environment = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(checkout),
        "NCNC_HOME": str(home),
        "NCNC_DATA_REPOSITORY": (home / "graph-data.git").as_uri(),
        "NCNC_DVC_REMOTE": str(home / "remote"),
        "NCNC_SOURCE_EDGES": str(checkout / "edges-{date}.csv"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
    }
    answer = subprocess.run(
        argv, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


@pytest.mark.slow
def test_repro_runs_the_four_steps_and_then_only_what_changed(checkout: Path) -> None:
    origin = checkout.parent / "home" / "graph-data.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin)], check=True)
    run(checkout, "ncnc", "snapshots", "init")

    first = run(checkout, "dvc", "repro")
    assert [step for step in ("snapshot", "split", "train", "evaluate") if f"Running stage '{step}'" in first] == [
        "snapshot",
        "split",
        "train",
        "evaluate",
    ]
    folder = checkout / "runs" / "demo-local1"
    chain = [kind.read(folder) for kind in (GraphSnapshot, EdgeSplit, TrainedModel, EvaluationRecord)]
    for parent, child in zip(chain, chain[1:], strict=False):  # noqa: RUF007 - the element type is their common base
        assert parent.sha256 in child.to_json()

    shown = json.loads(run(checkout, "dvc", "metrics", "show", "--json").splitlines()[-1])
    metrics = shown[""]["data"]["runs/demo-local1/metrics.json"]["data"]
    assert metrics["challenger.mrr"] == EvaluationRecord.read(folder).challenger.metrics["mrr"].value
    run(checkout, "dvc", "plots", "show", "--out", "page")
    assert "Loss by epoch" in (checkout / "page" / "index.html").read_text()

    before = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    second = run(checkout, "dvc", "repro")
    assert "Running stage 'snapshot'" in second  # only the step can see whether the delivery changed
    for stage in ("split", "train", "evaluate"):
        assert f"Stage '{stage}' didn't change, skipping" in second
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == before
    assert json.loads((folder / "graph_snapshot.json").read_text())["run_name"] == "demo-local1"
