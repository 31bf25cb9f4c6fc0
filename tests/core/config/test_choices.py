from __future__ import annotations

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from ncnc_core.config.choices import HEURISTIC_NAMES, RECENCY_NAMES, DrawnNegative, EvaluationNegative, SelectionMetric
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.recency_heuristics import RECENCY_HEURISTICS


@pytest.mark.parametrize("metric", ["mrr", "auc", "average_precision", "hits@1", "hits@50"])
def test_a_metric_is_taken_by_its_name(metric: str) -> None:
    assert TypeAdapter(SelectionMetric).validate_python(metric) == metric


@pytest.mark.parametrize("metric", ["hits", "hits@0", "hits@-1", "hits@5.0", "MRR", "auc ", "loss", ""])
def test_what_is_no_metric_is_refused(metric: str) -> None:
    with pytest.raises(ValidationError, match=r"should match pattern"):
        TypeAdapter(SelectionMetric).validate_python(metric)


def test_every_heuristic_has_its_name_and_every_name_its_heuristic_in_one_order() -> None:
    assert tuple(HEURISTICS) == HEURISTIC_NAMES
    assert tuple(RECENCY_HEURISTICS) == RECENCY_NAMES


def test_what_can_be_drawn_to_train_against_can_be_ranked_against_as_well() -> None:
    assert set(get_args(DrawnNegative)) < set(get_args(EvaluationNegative))
