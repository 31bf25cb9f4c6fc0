from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.doors import Doors
from pipeline.ledger.entries import NightEntry
from pipeline.records.evaluation import EvaluationRecord
from pipeline.report import trend
from pipeline.report.trend import read_trend
from pipeline.runs.folder import RunFolder

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def entry(graph: str, night: int, outcome: str, **changes: object) -> NightEntry:
    as_of = FIRST + timedelta(days=night)
    values = {"graph": graph, "run_name": f"{graph}-{as_of:%Y%m%dT%H%M%SZ}", "as_of": as_of, "at": as_of,
              "outcome": outcome, "reason": "so", "completed": outcome in ("kept", "promoted")}  # fmt: skip
    return NightEntry.model_validate(values | changes)


def test_each_night_has_its_outcome_its_scores_and_its_drift(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder = make_decided_run(doors, graph, as_of=FIRST)
    doors.registry.runs.log_metrics(folder.require_mlflow_run(), {"graph.degree_shift": 0.1, "loss": 1.0})
    for item in (entry(graph, 0, "promoted", version=1), entry(graph, 1, "refused"), entry(graph, 2, "skipped")):
        doors.ledger.append(item)
    first, refused = read_trend(doors, graph, FIRST + timedelta(days=1))  # the third lies after it
    evaluation = folder.get(EvaluationRecord)
    assert (first.outcome, first.version, first.test_edges) == ("promoted", 1, 300)
    assert first.challenger == evaluation.challenger.metrics["mrr"]
    assert first.floor == evaluation.floor[0].metrics["mrr"]
    assert first.champion is None
    assert first.drift == {"degree_shift": 0.1}
    assert (refused.outcome, refused.challenger) == ("refused", None)


def test_a_night_told_twice_counts_once_and_old_nights_are_left_out(
    doors: Doors, graph: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trend, "SHOWN_NIGHTS", 2)
    for item in (entry(graph, 0, "kept"), entry(graph, 1, "refused"), entry(graph, 2, "kept"), entry(graph, 1, "kept")):
        doors.ledger.append(item)
    assert [(night.as_of.day, night.outcome) for night in read_trend(doors, graph, FIRST + timedelta(days=9))] == [
        (2, "kept"), (3, "kept"),
    ]  # fmt: skip


def test_a_report_that_was_changed_leaves_its_night_without_scores(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder = make_decided_run(doors, graph, as_of=FIRST)
    doors.ledger.append(entry(graph, 0, "kept"))
    run_id = folder.require_mlflow_run()
    doors.registry.server.client.set_tag(run_id, f"ncnc.sha256.{EvaluationRecord.file_name}", "0" * 64)
    [night] = read_trend(doors, graph, FIRST)
    assert night.challenger is None


def test_an_evaluation_of_a_newer_version_leaves_its_night_without_scores(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_decided_run(doors, graph, as_of=FIRST)
    doors.ledger.append(entry(graph, 0, "kept"))
    monkeypatch.setattr(EvaluationRecord, "FORMAT", 1)  # this version reads less than what was written
    [night] = read_trend(doors, graph, FIRST)
    assert (night.outcome, night.challenger) == ("kept", None)


def test_a_graph_without_nights_has_no_trend(doors: Doors, graph: str) -> None:
    assert read_trend(doors, graph, FIRST) == ()
