"""What came of the nights, every figure read back from the ledger, the records and MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedded.nights import Deliveries, Night
from pipeline.checks.data_checks import DataChecks
from pipeline.doors import Doors
from pipeline.ledger.entries import NightEntry, NightOutcome
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.evaluation import EvaluationRecord, ModelScores, interval_text
from pipeline.runs.folder import RunFolder

RIVALS = ("common_neighbors", "adamic_adar", "resource_allocation")


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
    split: EdgeSplit | None = None
    checks: DataChecks | None = None
    trained: TrainedModel | None = None

    @property
    def contradiction(self) -> str | None:
        """Say how the night contradicts what the demo insists on, or return None."""
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
        split=folder.find(EdgeSplit),
        checks=_checks(folder),
        trained=folder.find(TrainedModel),
    )


def _checks(folder: RunFolder) -> DataChecks | None:
    """Return the checks of a night's delivery, which a refused one leaves as well."""
    return DataChecks.read(folder.path) if (folder.path / DataChecks.file_name).is_file() else None


def best_rival(evaluation: EvaluationRecord) -> ModelScores:
    """Return the best of common neighbours, Adamic-Adar and resource allocation by the gate's metric."""
    rivals = [scores for scores in evaluation.floor if scores.name in RIVALS]
    return max(rivals, key=lambda scores: scores.metrics[evaluation.paired_metric].value)


def against_rivals(evaluation: EvaluationRecord) -> str:
    """Say whether the challenger beat the best of CN, AA and RA, and by what."""
    metric, best = evaluation.paired_metric, best_rival(evaluation)
    own, other = evaluation.challenger.metrics[metric], best.metrics[metric]
    verb = "beats" if own.low > other.value else "does not clearly beat" if own.value > other.value else "does NOT beat"
    return f"{verb} the best of CN, AA and RA: {metric} {interval_text(own)} against {best.name} {interval_text(other)}"


def warm_start(result: NightResult) -> str | None:
    """Say whose weights a night's model began with, and what the same recipe from random weights came to beside it."""
    warm = result.trained.warm_start if result.trained else None
    if warm is None:
        return None
    begun = (
        f"Night {result.night.number}'s model began with the weights of version {warm.version} "
        f"({warm.known_nodes:,} nodes known, {warm.new_nodes:,} new)"
    )
    if result.evaluation is None or result.evaluation.drift is None:
        return f"{begun}."
    drift = result.evaluation.drift
    return (
        f"{begun}: {result.evaluation.paired_metric} {drift.value:+.3f} [{drift.low:+.3f}, {drift.high:+.3f}] "
        f"to the same recipe from random weights."
    )


def _metrics(scores: ModelScores | None) -> dict[str, Any] | None:
    if scores is None:
        return None
    metrics = {name: item.model_dump() for name, item in scores.metrics.items()}
    return {"version": scores.version, "metrics": metrics} if scores.version is not None else {"metrics": metrics}
