from __future__ import annotations

import pytest
from pydantic import ValidationError

from ncnc_core.evaluation.edge_mean import MetricInterval
from pipeline.records.scores import Interval, SliceScores, interval_text
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


def test_an_interval_is_its_value_and_its_bounds() -> None:
    assert interval_text(Interval(value=0.5, low=0.4, high=0.65)) == "0.500 [0.400, 0.650]"
