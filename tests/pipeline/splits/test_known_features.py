from __future__ import annotations

import numpy as np
import pytest

from pipeline.graphs.tables import FeatureHistory, GraphTables
from pipeline.splits.known_features import Stage, features_for
from tests.fixtures.split_records import split_record


@pytest.mark.parametrize(
    ("stage", "cuts", "heights"),
    [
        ("training", (10, 20), [1, 0]),  # node 1 is known from day 15 on
        ("training", (None, 20), [1, 5]),  # the dates part the test edges alone
        ("testing", (10, 20), [1, 5]),
        ("serving", (10, 20), [2, 5]),
        ("training", (None, None), [2, 5]),  # no time divides the edges
        ("testing", (None, None), [2, 5]),
    ],
)
def test_features_are_those_a_stage_may_know(
    stage: Stage, cuts: tuple[int | None, int | None], heights: list[float]
) -> None:
    history = FeatureHistory(
        ("height",), np.array([0, 1, 0]), np.array([1, 15, 25]), np.array([[1.0], [5.0], [2.0]], dtype=np.float32)
    )
    nothing = np.zeros(0, dtype=np.int64)
    tables = GraphTables(
        np.array([7, 8]), history.newest(2), np.zeros((2, 0), dtype=np.int64), nothing, nothing, nothing, history
    )
    features = features_for(tables, split_record(*cuts), stage)
    assert features is not None
    assert features[:, 0].tolist() == heights
