"""The results of the nights, read back from the ledger, the records and MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedded.nights import Deliveries, Night
from pipeline.doors import Doors
from pipeline.ledger.entries import NightEntry, NightOutcome
from pipeline.records.chain import GraphSnapshot
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.graph_refresh import GraphRefresh
from pipeline.records.scores import ModelScores, interval_text
from pipeline.runs.folder import RunFolder


@dataclass(frozen=True)
class NightResult:
    """One night as its records tell it; None where the night did not get that far."""

    night: Night
    outcome: NightOutcome
    reason: str
    completed: bool
    version: int | None
    snapshot: GraphSnapshot | None
    evaluation: EvaluationRecord | None
    refresh: GraphRefresh | None = None

    @property
    def served(self) -> str:
        """Say which version serves the night's graph since then, where that is a refresh; else nothing.

        A promoted night may have one too, of while a person was asked.
        """
        if self.refresh is None or self.outcome == "promoted":
            return ""
        return f"serves this graph as version {self.refresh.version}, weights of {self.refresh.weights_of}; "

    @property
    def contradiction(self) -> str | None:
        """Say how the outcome differs from the expected one, or return None."""
        seen = "decided" if self.completed else self.outcome
        if seen == self.night.expected:
            return None
        return f"night {self.night.number} ({self.night.story}) must be {self.night.expected}, but was {seen}"

    def as_json(self) -> dict[str, Any]:  # Any: the shape that the demo's last line promises
        """Return the night as the demo's last line shows it."""
        return {
            "night": self.night.number,
            "as_of": self.night.as_of.isoformat(),
            "outcome": self.outcome,
            "reason": self.reason,
            "snapshot_id": self.snapshot.snapshot_id if self.snapshot else None,
            "nodes": self.snapshot.num_nodes if self.snapshot else None,
            "edges": self.snapshot.num_edges if self.snapshot else None,
            "challenger": _metrics(self.evaluation.challenger if self.evaluation else None),
            "champion": _metrics(self.evaluation.champion if self.evaluation else None),
            "version": self.version,
            "refreshed": self.refresh.version if self.refresh else None,
        }


def read_results(deliveries: Deliveries, doors: Doors) -> list[NightResult]:
    """Read back what came of every night that the ledger knows."""
    entries = {
        entry.run_name: entry for entry in doors.ledger.entries(deliveries.graph) if isinstance(entry, NightEntry)
    }
    results = []
    for night in deliveries.nights:
        name = night.run_name(deliveries.graph)
        if name in entries:
            results.append(_read_result(night, entries[name], doors))
    return results


def _read_result(night: Night, entry: NightEntry, doors: Doors) -> NightResult:
    folder = RunFolder(doors.environment.home / "runs" / entry.run_name, doors.registry)
    return NightResult(
        night=night,
        outcome=entry.outcome,
        reason=entry.reason,
        completed=entry.completed,
        version=entry.version,
        snapshot=folder.find(GraphSnapshot),
        evaluation=folder.find(EvaluationRecord),
        refresh=folder.find(GraphRefresh),
    )


def best_rival(evaluation: EvaluationRecord) -> ModelScores:
    """Return the best of the floor by the gate's metric."""
    return max(evaluation.floor, key=lambda scores: scores.metrics[evaluation.paired_metric].value)


def against_rivals(evaluation: EvaluationRecord) -> str:
    """Say whether the challenger beat the best of the floor.

    The verdict is by the paired difference, as the gate's is; its interval is far narrower than the other two.
    """
    metric, best = evaluation.paired_metric, best_rival(evaluation)
    own, other = evaluation.challenger.metrics[metric], best.metrics[metric]
    gain = (evaluation.over_floor or {})[best.name].difference
    verb = "beats" if gain.low > 0 else "does not clearly beat" if gain.value > 0 else "does NOT beat"
    told = f"{verb} the best of the floor, {best.name}: {metric} {interval_text(own)} against {interval_text(other)}"
    return f"{told}, {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] edge by edge"


def _metrics(scores: ModelScores | None) -> dict[str, Any] | None:
    if scores is None:
        return None
    metrics = {name: item.model_dump() for name, item in scores.metrics.items()}
    return {"version": scores.version, "metrics": metrics} if scores.version is not None else {"metrics": metrics}
