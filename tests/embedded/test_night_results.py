from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from embedded.generated import Generated
from embedded.night_results import NightResult, against_rivals, best_rival, read_results
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.ledger.entries import NightEntry
from pipeline.records.evaluation import EvaluationRecord
from pipeline.snapshots.snapshot_store import SnapshotStore

KEYS = ["night", "as_of", "outcome", "reason", "snapshot_id", "nodes", "edges", "challenger", "champion", "version"]
KEYS += ["refreshed"]


def test_the_json_of_a_night_has_every_promised_key(six_nights: list[NightResult]) -> None:
    lines = [json.loads(json.dumps(result.as_json())) for result in six_nights]
    assert [list(line) for line in lines] == [KEYS] * 6
    assert lines[0]["snapshot_id"] == "cdcdcdcdcdcd"
    assert lines[0]["champion"] is None
    assert lines[1]["challenger"] == {"metrics": {"mrr": {"value": 0.46, "low": 0.44, "high": 0.48}}}
    assert lines[1]["champion"]["version"] == 1
    assert lines[3] == dict.fromkeys(KEYS) | {
        "night": 4,
        "as_of": "2026-03-05T03:00:00+00:00",
        "outcome": "refused",
        "reason": "5,049 edges are 35 %",
    }


def test_nights_that_went_as_they_must_contradict_nothing(six_nights: list[NightResult]) -> None:
    assert [result.contradiction for result in six_nights] == [None] * 6


@pytest.mark.parametrize(
    ("position", "outcome", "completed", "seen"),
    [
        (0, "refused", False, "refused"),  # the first delivery was taken for broken
        (2, "kept", True, "decided"),  # the unchanged graph was trained on
        (3, "kept", True, "decided"),  # the truncated delivery was accepted
        (3, "refused", True, "decided"),  # refused for the model's merits: the delivery was accepted
        (3, "skipped", False, "skipped"),
    ],
)
def test_a_contradiction_is_named(
    six_nights: list[NightResult], position: int, outcome: str, completed: bool, seen: str
) -> None:
    result = replace(six_nights[position], outcome=outcome, completed=completed)
    assert result.contradiction is not None
    assert result.contradiction.startswith(f"night {position + 1}")
    assert result.contradiction.endswith(f"but was {seen}")


def test_a_night_that_the_gate_refused_is_decided(six_nights: list[NightResult]) -> None:
    assert replace(six_nights[0], outcome="refused", completed=True).contradiction is None


@pytest.mark.parametrize(
    ("mrr", "verdict"),
    [
        (0.45, "beats the best"),
        (0.31, "does not clearly beat"),  # above, but the interval reaches below
        (0.29, "does NOT beat"),
    ],
)
def test_the_best_of_the_floor_is_the_rival(
    report_with: Callable[..., EvaluationRecord], mrr: float, verdict: str
) -> None:
    evaluation = report_with(mrr)
    assert best_rival(evaluation).name == "resource_allocation"
    assert against_rivals(evaluation).startswith(verdict)
    assert "resource_allocation: mrr" in against_rivals(evaluation)
    gain = f"{mrr - 0.3:+.3f} [{mrr - 0.32:+.3f}, {mrr - 0.28:+.3f}] edge by edge"
    assert against_rivals(evaluation).endswith(f"against 0.300 [0.280, 0.320], {gain}")


def test_outcomes_are_read_from_the_ledger(tmp_path: Path) -> None:
    values = {
        "NCNC_HOME": str(tmp_path / "home"),
        "NCNC_DATA_REPOSITORY": str(tmp_path / "origin.git"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
    }
    SnapshotStore.create(values["NCNC_DATA_REPOSITORY"], str(tmp_path / "remote"))
    doors, deliveries = Doors(Environment(values)), Generated(6)
    night = deliveries.nights[3]
    doors.ledger.append(
        NightEntry(
            graph="demo",
            run_name=night.run_name("demo"),
            as_of=night.as_of,
            at=datetime(2026, 3, 5, 4, tzinfo=UTC),
            outcome="refused",
            reason="35 % of the edges",
            completed=False,
        )
    )
    (result,) = read_results(deliveries, doors)
    assert (result.night, result.outcome, result.reason) == (night, "refused", "35 % of the edges")
    assert result.snapshot is None
    assert result.contradiction is None
