"""Everything that is known of a night, gathered for its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pipeline.checks.data_checks import DataChecks
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.graphs.change_summary import ChangeSummary
from pipeline.ledger.approvals import last_night
from pipeline.ledger.entries import Entry, GraphRefreshed, NightEntry, RefreshRefused
from pipeline.params.params import Params
from pipeline.records.chain import (
    EdgeSplit,
    GraphSnapshot,
    LineageRecord,
    PromotionDecision,
    RegisteredModel,
    TrainedModel,
)
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.record import Record
from pipeline.report.outside_moves import OutsideMove, outside_moves
from pipeline.report.trend import TrendNight, read_trend, with_drift
from pipeline.runs.folder import RunFolder

T = TypeVar("T")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class NightStory:
    """One night from its records, its checks and the ledger; a field is None where the night did not get that far.

    `faults` says what could not be read; the page is made of the rest. `moved` says which aliases were changed in
    MLflow without the ledger. `refresh` is what came of serving the champion on the night's graph, and `shadow_version`
    the version of the shadow, where the night promoted that.
    """

    graph: str
    run_name: str
    as_of: datetime | None
    entry: NightEntry | None = None
    checks: DataChecks | None = None
    change: ChangeSummary | None = None
    snapshot: GraphSnapshot | None = None
    split: EdgeSplit | None = None
    trained: TrainedModel | None = None
    evaluation: EvaluationRecord | None = None
    decision: PromotionDecision | None = None
    registered: RegisteredModel | None = None
    lineage: LineageRecord | None = None
    params: Params | None = None
    trend: tuple[TrendNight, ...] = ()
    faults: tuple[str, ...] = ()
    moved: tuple[OutsideMove, ...] = ()
    refresh: GraphRefreshed | RefreshRefused | None = None
    shadow_version: int | None = None

    @property
    def outcome(self) -> str:
        """The outcome in one word: from the ledger, or from the records where the ledger has no entry."""
        if self.entry is not None:
            return self.entry.outcome
        if self.decision is not None:
            return "passed" if self.decision.promotes else "kept"
        return "refused" if self.checks is not None and self.checks.refused else "unfinished"

    @property
    def last_step(self) -> str | None:
        """The last step that left its record."""
        steps = (
            ("register", self.registered),
            ("decide", self.decision),
            ("evaluate", self.evaluation),
            ("train", self.trained),
            ("split", self.split),
            ("snapshot", self.snapshot),
        )
        return next((step for step, record in steps if record is not None), None)


@dataclass(frozen=True)
class _Reading:
    """The reading of one run folder; what cannot be read becomes a fault, and the reading goes on."""

    folder: RunFolder
    faults: list[str] = field(default_factory=list)

    def attempt(self, get: Callable[[], T]) -> T | None:
        try:
            return get()
        except InvalidInput as error:
            self.faults.append(str(error))
            return None

    def record(self, kind: type[R]) -> R | None:
        return self.attempt(lambda: self.folder.find(kind))

    def left_by_checks(self, kind: type[R]) -> R | None:
        """Return what the checks left in the run folder, fetched from MLflow where another machine ran them."""
        return self.attempt(lambda: _left(self.folder, kind))


def read_story(folder: RunFolder, doors: Doors) -> NightStory:
    """Gather what there is of a night: here, in MLflow and in the ledger.

    Raises:
        OutsideTrouble: MLflow or the data repository's origin gives no answer.
    """
    reading = _Reading(folder)
    snapshot = reading.record(GraphSnapshot)
    as_of = snapshot.as_of if snapshot else folder.as_of
    change = reading.left_by_checks(ChangeSummary)
    trend = read_trend(doors, folder.graph, as_of) if as_of else ()
    entries = doors.ledger.entries(folder.graph)
    decision = reading.record(PromotionDecision)
    return NightStory(
        graph=folder.graph,
        run_name=folder.name,
        as_of=as_of,
        entry=last_night(entries, folder.name),
        checks=reading.left_by_checks(DataChecks),
        change=change,
        snapshot=snapshot,
        split=reading.record(EdgeSplit),
        trained=reading.record(TrainedModel),
        evaluation=reading.record(EvaluationRecord),
        decision=decision,
        registered=reading.record(RegisteredModel),
        lineage=reading.record(LineageRecord),
        params=reading.attempt(folder.frozen_params) if snapshot else None,
        trend=with_drift(trend, folder.name, change.metrics()) if change else trend,
        faults=tuple(reading.faults),
        moved=outside_moves(entries, folder.name),
        refresh=_refresh_of(entries, folder.name),
        shadow_version=_shadow_version(entries, decision),
    )


def _shadow_version(entries: Sequence[Entry], decision: PromotionDecision | None) -> int | None:
    """Return the version that the shadow's own run was promoted as; None where no night has promoted it."""
    shadow = decision.promoted_shadow if decision is not None else None
    night = last_night(entries, shadow.run_name) if shadow is not None else None
    return night.version if night is not None else None


def _refresh_of(entries: Sequence[Entry], run_name: str) -> GraphRefreshed | RefreshRefused | None:
    """Return the newest refresh, or refusal of one, that a night's own step entered."""
    told = [entry for entry in entries if isinstance(entry, GraphRefreshed | RefreshRefused)]
    return next((entry for entry in reversed(told) if entry.who == f"run {run_name}"), None)


def _left(folder: RunFolder, kind: type[R]) -> R | None:
    path = folder.path / kind.file_name
    if not path.is_file():
        run_id = folder.mlflow_run()
        if run_id is None or folder.registry is None or not folder.registry.runs.fetch_file(run_id, path, path.name):
            return None
    return kind.read(folder.path)
