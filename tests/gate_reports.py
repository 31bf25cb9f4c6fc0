"""A report that passes every rule of the gate, for tests that change one thing about it."""

from __future__ import annotations

from typing import Any

from ncnc_core.evaluation.heuristics import HEURISTICS
from pipeline.records.evaluation import EvaluationReport, Interval, ModelScores, SliceKind, SliceScores
from pipeline.records.findings import CheckResult, LeakInvariant
from tests.paired import paired


def scores(
    name: str, value: float, *, half: float = 0.02, version: int | None = None, ece: float | None = None
) -> ModelScores:
    """Return a scorer's MRR with a symmetric interval, and its calibration error where one is given."""
    metrics = {"mrr": Interval(value=value, low=value - half, high=value + half)}
    if ece is not None:
        metrics["ece"] = Interval(value=ece, low=ece / 2, high=ece * 2)
    return ModelScores(name=name, version=version, metrics=metrics)


def part(kind: SliceKind, name: str, value: float, low: float, high: float, *, edges: int = 60) -> SliceScores:
    """Return a slice on which challenger and champion differ by this much."""
    return SliceScores(
        kind=kind,
        name=name,
        num_edges=edges,
        metric="mrr",
        challenger=Interval(value=0.5, low=0.4, high=0.6),
        champion=Interval(value=0.5, low=0.4, high=0.6),
        difference=Interval(value=value, low=low, high=high),
    )


def report(**changes: Any) -> EvaluationReport:  # Any: whatever field of a report a test changes
    """Return a report of a better challenger with something for every rule to judge."""
    values: dict[str, Any] = {
        "trained_model_sha256": "a" * 64,
        "num_test_edges": 400,
        "num_seen_by_champion": 0,
        "num_negatives": 20_000,
        "challenger": scores("challenger", 0.60, ece=0.04),
        "champion": scores("champion", 0.55, version=3),
        "champion_note": "",
        "floor": tuple(scores(name, 0.40 if name == "adamic_adar" else 0.30) for name in HEURISTICS),
        "paired_metric": "mrr",
        "paired": paired(0.05, 0.01, 0.09),
        "slices": (part("degree", "1-2", 0.02, -0.01, 0.05), part("node_age", "cold", -0.01, -0.05, 0.03)),
        "certificate": (LeakInvariant(name="disjoint", checked=10, violations=0),),
        "snapshot_checks": (CheckResult(name="rows", level="refuse", threshold=">= 1", observed="9", passed=True),),
        "seconds": 1.0,
    }
    return EvaluationReport(**(values | changes))
