from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from ncnc_core.evaluation.edge_mean import MetricInterval
from pipeline.records.evaluation import EvaluationRecord, Interval, SliceScores
from tests.fixtures.gate_evaluations import evaluation
from tests.fixtures.paired import paired


def test_a_slice_is_named_by_its_kind_and_name() -> None:
    mrr = Interval(value=0.5, low=0.4, high=0.6)
    assert SliceScores(kind="degree", name="1-2", num_edges=3, metric="mrr", challenger=mrr).key == "degree/1-2"


def test_an_estimate_of_the_core_keeps_its_bounds() -> None:
    found = Interval.of(MetricInterval(0.5, 0.4, 0.7))
    assert (found.value, found.low, found.high) == (0.5, 0.4, 0.7)


def test_a_p_value_above_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        paired(0.1, 0.0, 0.2, p_value=1.5)


def test_an_evaluation_of_before_the_floor_read_times_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = json.loads(evaluation().to_json()) | {"format": 3}
    del content["floor_absent"]
    content["costs"] = [{"part": "slices", "seconds": 0.5, "pairs": 9}]
    text = json.dumps(content, indent=2) + "\n"
    (tmp_path / EvaluationRecord.file_name).write_text(text)
    old = EvaluationRecord.read(tmp_path)
    assert (old.floor_absent, old.costs[0].cpu_seconds) == ({}, None)
    assert old.to_json() == text  # and so its digest
    assert EvaluationRecord.read(evaluation(floor_absent={"last_activity": "no times"}).write(tmp_path).parent) == (
        evaluation(floor_absent={"last_activity": "no times"})
    )
