from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from ncnc_core.networks.standard_features import StandardFeatures
from pipeline.graphs.tables import FeatureHistory, GraphTables
from pipeline.splits.known_features import Stage, features_for, standardized_as_known
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


def test_a_scale_of_features_from_after_the_training_cut_is_counted() -> None:
    history = FeatureHistory(
        ("height",),
        np.array([0, 1, 2, 0]),
        np.array([1, 2, 3, 15]),
        np.array([[1.0], [3.0], [5.0], [99.0]], dtype=np.float32),
    )
    nothing = np.zeros(0, dtype=np.int64)
    tables = GraphTables(
        np.arange(3), history.newest(3), np.zeros((2, 0), dtype=np.int64), nothing, nothing, nothing, history
    )
    split, as_of, train = split_record(10, 20), datetime.fromtimestamp(30, UTC), torch.tensor([[0, 1], [1, 2]])
    for stage, violations in (("training", 0), ("serving", 1)):
        features = features_for(tables, split, stage)  # type: ignore[arg-type]
        assert features is not None
        standard = StandardFeatures(1)
        standard.fit(features, torch.ones(3, dtype=torch.bool))
        (found,) = standardized_as_known(standard, train, tables, split, as_of)
        assert (found.name, found.checked, found.violations) == (
            "feature_scale_known_at_the_training_cut",
            1,
            violations,
        )
    assert standardized_as_known(None, train, tables, split, as_of) == ()
