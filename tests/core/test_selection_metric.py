from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from ncnc_core.selection_metric import SelectionMetric


@pytest.mark.parametrize("metric", ["mrr", "auc", "average_precision", "hits@1", "hits@50"])
def test_a_metric_is_taken_by_its_name(metric: str) -> None:
    assert TypeAdapter(SelectionMetric).validate_python(metric) == metric


@pytest.mark.parametrize("metric", ["hits", "hits@0", "hits@-1", "hits@5.0", "MRR", "auc ", "loss", ""])
def test_what_is_no_metric_is_refused(metric: str) -> None:
    with pytest.raises(ValidationError, match=r"should match pattern"):
        TypeAdapter(SelectionMetric).validate_python(metric)
