"""Records of nights, as the steps leave them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from embedded.night_results import NightResult
from embedded.nights import Expectation, Night
from pipeline.records.chain import GraphSnapshot
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.scores import Interval, ModelScores
from tests.fixtures.paired import paired

DIGEST = "ab" * 32
AS_OF = datetime(2026, 3, 2, 3, tzinfo=UTC)


def scores(name: str, mrr: float, version: int | None = None) -> ModelScores:
    return ModelScores(
        name=name,
        version=version,
        metrics={"mrr": Interval(value=mrr, low=round(mrr - 0.02, 3), high=round(mrr + 0.02, 3))},
    )


def report_of(challenger: float, champion: float | None = None, rival: float = 0.30) -> EvaluationRecord:
    """Return an evaluation; resource allocation is the best of its floor."""
    return EvaluationRecord(
        trained_model_sha256=DIGEST,
        num_test_edges=400,
        num_seen_by_champion=0,
        num_negatives=50,
        challenger=scores("challenger", challenger),
        champion=scores("champion", champion, version=1) if champion is not None else None,
        champion_note="",
        floor=(
            scores("common_neighbors", rival - 0.05),
            scores("resource_allocation", rival),
            scores("preferential_attachment", 0.2),
        ),
        paired_metric="mrr",
        paired=None,
        over_floor={
            name: paired(gain := round(challenger - value, 3), round(gain - 0.02, 3), round(gain + 0.02, 3))
            for name, value in (("common_neighbors", rival - 0.05), ("resource_allocation", rival))
        },
        certificate=(),
        snapshot_checks=(),
        seconds=1.0,
    )


def snapshot_of(night: Night) -> GraphSnapshot:
    return GraphSnapshot(
        graph="demo",
        run_name=night.run_name("demo"),
        as_of=night.as_of,
        content_id="cd" * 32,
        tag="snap/demo/20260302T030000Z/cdcdcdcdcdcd",
        dvc_md5="0" * 32,
        manifest_sha256=DIGEST,
        source_sha256=DIGEST,
        previous_tag=None,
        previous_as_of=None,
        num_nodes=3000,
        num_edges=14280,
        num_features=33,
        added_edges=0,
        removed_edges=0,
        returned_edges=0,
        checks=(),
        params_sha256=DIGEST,
        code_version=DIGEST,
        git_commit=None,
        run_key=DIGEST,
    )


def night_of(number: int, expected: Expectation = "decided") -> Night:
    return Night(number, AS_OF + timedelta(days=number - 1), "a story", expected)


@pytest.fixture
def six_nights() -> list[NightResult]:
    """Cold start, kept, skipped, refused, rejected by a person, promoted over the first."""
    first, second = night_of(1), night_of(2)
    third, fourth = night_of(3, "skipped"), night_of(4, "refused")
    fifth, sixth = night_of(5), night_of(6)
    return [
        NightResult(first, "promoted", "cold start", True, 1, snapshot_of(first), report_of(0.45)),
        NightResult(second, "kept", "no better", True, None, snapshot_of(second), report_of(0.46, champion=0.47)),
        NightResult(third, "skipped", "unchanged since [demo-2]", False, None, None, None),
        NightResult(fourth, "refused", "5,049 edges are 35 %", False, None, None, None),
        NightResult(fifth, "rejected", "too good", True, None, snapshot_of(fifth), report_of(0.55, champion=0.46)),
        NightResult(sixth, "promoted", "better", True, 2, snapshot_of(sixth), report_of(0.56, champion=0.46)),
    ]


@pytest.fixture
def report_with() -> Callable[..., EvaluationRecord]:
    return report_of
