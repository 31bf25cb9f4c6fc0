from __future__ import annotations

import pytest

from pipeline.graphs.drift_measures import DRIFT_MEASURES, DriftMeasure
from tests.fixtures.night_stories import change


@pytest.mark.parametrize("measure", DRIFT_MEASURES, ids=lambda measure: measure.name)
def test_the_value_is_the_metric_that_mlflow_has(measure: DriftMeasure) -> None:
    summary = change()
    assert measure.of(summary) is not None
    assert summary.metrics()[measure.metric] == measure.of(summary)


def test_no_number_has_two_names() -> None:
    for part in ("name", "label", "metric"):
        assert len({getattr(measure, part) for measure in DRIFT_MEASURES}) == len(DRIFT_MEASURES)
