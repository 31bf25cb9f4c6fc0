"""Real parts for the pipeline's tests: one MLflow database for the session, a graph name and a git origin per test."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.records import (
    CheckResult,
    EdgeSplit,
    EvaluationReport,
    FileDigest,
    GraphSnapshot,
    Interval,
    LeakInvariant,
    ModelScores,
    PromotionDecision,
    Record,
    RuleVerdict,
    TrainedModel,
)

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
SHA = "a" * 64
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a bare MLflow database; making one takes seconds, so that tests share it under names of their own."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


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
    """Return an empty bare repository, as an origin for ledger and claims."""
    path = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True)
    return str(path)


@pytest.fixture
def make_snapshot(graph: str, run_name: str) -> Callable[..., GraphSnapshot]:
    """Return a maker of snapshot records of this graph."""

    def make(**changes: object) -> GraphSnapshot:
        values: dict[str, object] = {
            "graph": graph,
            "run_name": run_name,
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
            "params_sha256": "1" * 64,
            "code_version": "2" * 64,
            "git_commit": "0" * 40,
            "run_key": "3" * 64,
        }
        return GraphSnapshot.model_validate(values | changes)

    return make


@pytest.fixture
def make_chain(make_snapshot: Callable[..., GraphSnapshot]) -> Callable[..., tuple[Record, ...]]:
    """Return a maker of the records from snapshot to decision, each pointing at the one before."""

    def make(
        *,
        run_id: str,
        model_files: tuple[FileDigest, ...],
        snapshot: GraphSnapshot | None = None,
        split_files: tuple[FileDigest, ...] = (),
        split_tag: str = "split/none",
        promote: bool = True,
        champion_version: int | None = None,
    ) -> tuple[Record, ...]:
        snapshot = snapshot or make_snapshot()
        split = EdgeSplit(
            snapshot_sha256=snapshot.sha256,
            method="hashed",
            reason="first snapshot",
            cut_train=None,
            cut_valid=None,
            num_train=2,
            num_valid=1,
            num_test=1,
            num_message_train=2,
            num_message_test=2,
            seed=0,
            files=split_files,
            tag=split_tag,
            certificate=(LeakInvariant(name="disjoint", checked=3, violations=0),),
        )
        trained = TrainedModel(
            split_sha256=split.sha256,
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
        )
        scores = ModelScores(name="challenger", metrics={"mrr": Interval(value=0.5, low=0.4, high=0.6)})
        report = EvaluationReport(
            trained_model_sha256=trained.sha256,
            num_test_edges=300,
            num_seen_by_champion=0,
            num_negatives=3000,
            challenger=scores,
            champion=None,
            champion_note="no champion yet",
            floor=(scores,),
            paired_metric="mrr",
            paired_difference=None,
            certificate=split.certificate,
            snapshot_checks=snapshot.checks,
            seconds=0.1,
        )
        decision = PromotionDecision(
            report_sha256=report.sha256,
            promote=promote,
            cold_start=champion_version is None,
            reason="beats_floor: observed 0.5, needed 0.4",
            rules=(RuleVerdict(name="beats_floor", threshold="> 0.4", observed="0.5", passed=promote),),
            champion_version=champion_version,
        )
        return snapshot, split, trained, report, decision

    return make
