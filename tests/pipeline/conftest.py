"""Real parts for the pipeline's tests: one MLflow database for the session, a graph name of its own for each test.

The makers live as long as the session, so that a module may share one night among its tests.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ncnc_core.evaluation.score_calibration import ScoreCalibration
from pipeline.cli import app
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import StepError
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot, PromotionDecision, TrainedModel
from pipeline.records.digests import FileDigest, digests_of_folder
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult, LeakInvariant, RuleVerdict
from pipeline.records.record import Record
from pipeline.records.scores import Interval, ModelScores
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version
from tests.fixtures.kept_nights import KeptNights

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory, empty_tracking: Path) -> str:
    """Return a bare MLflow database, which tests share under names of their own."""
    return f"sqlite:///{shutil.copy(empty_tracking, tmp_path_factory.mktemp('mlflow'))}"


@pytest.fixture
def graph() -> str:
    """Return a graph name that no other test uses."""
    return f"graph-{next(_numbers)}"


@pytest.fixture
def run_name(graph: str) -> str:
    """Return the name of this graph's night."""
    return f"{graph}-{AS_OF:%Y%m%dT%H%M%SZ}"


@pytest.fixture
def bare_origin(tmp_path: Path) -> str:
    """Return an empty bare repository, as an origin for a ledger."""
    path = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True)
    return str(path)


@pytest.fixture
def doors(bare_origin: str, tracking_uri: str, tmp_path: Path) -> Doors:
    """Return doors to an empty origin and the session's MLflow, with a clock that stands still."""
    values = {
        "NCNC_HOME": str(tmp_path / "home"),
        "NCNC_DATA_REPOSITORY": bare_origin,
        "MLFLOW_TRACKING_URI": tracking_uri,
    }
    return Doors(Environment(values), clock=lambda: AS_OF)


@pytest.fixture
def other_mlflow(doors: Doors, empty_tracking: Path, tmp_path: Path) -> Doors:
    """Return doors to the same origin and to another, empty MLflow, as a wrong MLFLOW_TRACKING_URI leads to."""
    path = shutil.copy(empty_tracking, tmp_path / "other-mlflow.db")
    values = {**doors.environment.values, "MLFLOW_TRACKING_URI": f"sqlite:///{path}"}
    return Doors(Environment(values), clock=doors.clock)


@pytest.fixture
def call(doors: Doors) -> Callable[..., tuple[int, dict[str, object]]]:
    """Run a command as `main` would; return its exit code and its last JSON line."""

    def run(*argv: str) -> tuple[int, dict[str, object]]:
        result = CliRunner().invoke(app, list(argv), standalone_mode=False, env=dict(doors.environment.values))
        code = result.exception.exit_code if isinstance(result.exception, StepError) else result.exit_code
        if result.exception is not None and not isinstance(result.exception, StepError):
            raise result.exception
        lines = result.stdout.strip().splitlines()
        return code, json.loads(lines[-1]) if lines else {}

    return run


@pytest.fixture
def make_snapshot(graph: str) -> Callable[..., GraphSnapshot]:
    """Return a maker of snapshot records of this test's graph."""

    def make(**changes: object) -> GraphSnapshot:
        return snapshot_record(graph, **changes)

    return make


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a maker of untrained LinkModel folders: a path of nodes, their ids integers or strings."""
    from ncnc_core.config.model import ModelConfig
    from ncnc_core.graph.adjacency import Adjacency
    from ncnc_core.link_model import LinkModel
    from ncnc_core.networks.link_network import LinkNetwork

    def make(
        node_ids: Sequence[int | str] = (10, 20, 30, 40),
        *,
        seed: int = 0,
        num_features: int = 0,
        calibration: ScoreCalibration | None = None,
    ) -> Path:
        config, count = ModelConfig(hidden_channels=8), len(node_ids)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = LinkNetwork(config, num_features=num_features)
            features = torch.rand(count, num_features) if num_features else None
        edges = torch.tensor([list(range(count - 1)), list(range(1, count))])
        model = LinkModel(
            config=config,
            network=network,
            adjacency=Adjacency.from_edges(edges, count),
            features=features,
            node_ids=list(node_ids),
            calibration=calibration,
        )
        folder = tmp_path_factory.mktemp("link-model")
        model.save(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def make_decided_run(make_model: Callable[..., Path]) -> Callable[..., RunFolder]:
    """Return a maker of run folders that stand where `register` begins: decided, the model and records in MLflow."""

    def make(
        doors: Doors,
        graph: str,
        *,
        as_of: datetime = AS_OF,
        run_key: str = "3" * 64,
        promote: bool = True,
        champion_version: int | None = None,
        published: dict[str, Any] | None = None,
        split: dict[str, Any] | None = None,
        with_control: bool = False,
    ) -> RunFolder:
        registry, run_name = doors.registry, f"{graph}-{as_of:%Y%m%dT%H%M%SZ}"
        run_id = registry.runs.open(graph, run_name, run_key=run_key, params={})
        model = make_model(seed=int(run_key[:8], 16))
        registry.runs.put_folder(run_id, model, "model")
        if with_control:
            registry.runs.put_folder(run_id, model, "control")
        snapshot = snapshot_record(
            graph, as_of=as_of, run_name=run_name, run_key=run_key, code_version=code_version(), **(published or {})
        )
        folder = RunFolder(doors.environment.home / "runs" / run_name, registry)
        folder.freeze(Params())
        for record in chain_of(
            snapshot,
            run_id=run_id,
            model_files=digests_of_folder(model),
            control_files=digests_of_folder(model) if with_control else (),
            split=split or {},
            promote=promote,
            champion_version=champion_version,
        ):
            folder.put(record)
        return folder

    return make


@pytest.fixture
def nights(tmp_path: Path, graph: str, tracking_uri: str, make_decided_run: Callable[..., RunFolder]) -> KeptNights:
    """Return an empty graph on a data repository of its own, whose nights a test plays."""
    return KeptNights.at(tmp_path, graph, tracking_uri, make_decided_run)


def snapshot_record(graph: str, **changes: object) -> GraphSnapshot:
    """Return a snapshot record with the given fields, the others as good as any."""
    values: dict[str, object] = {
        "graph": graph,
        "run_name": f"{graph}-{AS_OF:%Y%m%dT%H%M%SZ}",
        "as_of": AS_OF,
        "content_id": "c" * 64,
        "tag": f"snap/{graph}/{AS_OF:%Y%m%dT%H%M%SZ}/{'c' * 12}",
        "dvc_md5": "d" * 32 + ".dir",
        "manifest_sha256": "e" * 64,
        "source_sha256": "f" * 64,
        "previous_tag": None,
        "previous_as_of": None,
        "num_nodes": 4,
        "num_edges": 3,
        "num_features": 0,
        "added_edges": 3,
        "removed_edges": 0,
        "returned_edges": 0,
        "checks": (CheckResult(name="rows", level="refuse", threshold=">= 1", observed="3", passed=True),),
        "params_sha256": Params().sha256,
        "code_version": "2" * 64,
        "git_commit": "0" * 40,
        "run_key": "3" * 64,
    }
    return GraphSnapshot.model_validate(values | changes)


def chain_of(
    snapshot: GraphSnapshot,
    *,
    run_id: str,
    model_files: tuple[FileDigest, ...],
    control_files: tuple[FileDigest, ...] = (),
    split: dict[str, Any],
    promote: bool,
    champion_version: int | None,
) -> tuple[Record, ...]:
    """Return the records from snapshot to decision, each pointing at the one before."""
    values: dict[str, Any] = {
        "snapshot_sha256": snapshot.sha256,
        "method": "hashed",
        "reason": "first snapshot",
        "cut_train": None,
        "cut_valid": None,
        "num_train": 2,
        "num_valid": 1,
        "num_test": 1,
        "num_message_train": 2,
        "num_message_test": 2,
        "seed": 0,
        "files": (),
        "tag": "split/none",
        "certificate": (LeakInvariant(name="disjoint", checked=3, violations=0),),
    }
    edge_split = EdgeSplit.model_validate(values | split)
    trained = TrainedModel(
        split_sha256=edge_split.sha256,
        mlflow_run_id=run_id,
        files=model_files,
        epochs=1,
        best_epoch=1,
        selection_metric="mrr",
        best_value=0.5,
        num_parameters=10,
        seed=0,
        seconds=0.1,
        machine={"cpu": "test"},
        control=control_files,
    )
    scores = ModelScores(name="challenger", metrics={"mrr": Interval(value=0.5, low=0.4, high=0.6)})
    evaluation = EvaluationRecord(
        trained_model_sha256=trained.sha256,
        num_test_edges=300,
        num_seen_by_champion=0,
        num_negatives=3000,
        challenger=scores,
        champion=None,
        champion_note="no champion yet",
        floor=(scores,),
        paired_metric="mrr",
        paired=None,
        certificate=edge_split.certificate,
        snapshot_checks=snapshot.checks,
        seconds=0.1,
    )
    decision = PromotionDecision(
        report_sha256=evaluation.sha256,
        promote=promote,
        cold_start=champion_version is None,
        reason="beats_floor: observed 0.5, needed 0.4",
        rules=(RuleVerdict(name="beats_floor", threshold="> 0.4", observed="0.5", passed=promote),),
        champion_version=champion_version,
    )
    return snapshot, edge_split, trained, evaluation, decision
