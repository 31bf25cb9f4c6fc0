from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.feature_history import FeatureHistory
from pipeline.graph_tables import STILL_ALIVE, GraphTables

# Edge 0-1 lives; 1-2 was removed at 20; 2-3 came at 30.
TABLES = GraphTables(
    node_ids=np.array(["a", "b", "c", "d"]),
    features=None,
    edges=np.array([[0, 1, 2], [1, 2, 3]]),
    first_seen=np.array([10, 10, 30]),
    removed_at=np.array([STILL_ALIVE, 20, STILL_ALIVE]),
    alive_since=np.array([10, 10, 30]),
)


def test_the_living_edges_are_those_never_removed() -> None:
    assert TABLES.living.tolist() == [True, False, True]


def test_nodes_without_edges_count() -> None:
    lonely = GraphTables(
        node_ids=np.arange(5),
        features=None,
        edges=np.empty((2, 0), dtype=np.int64),
        first_seen=np.empty(0, dtype=np.int64),
        removed_at=np.empty(0, dtype=np.int64),
        alive_since=np.empty(0, dtype=np.int64),
    )
    assert lonely.num_nodes == 5
    assert lonely.living.tolist() == []


def test_features_are_asked_for_at_a_time() -> None:
    history = FeatureHistory(("a",), np.array([0, 2]), np.array([10, 20]), np.ones((2, 1), dtype=np.float32))
    tables = replace(TABLES, features=history.newest(4), history=history)
    at_15 = tables.features_at(15)
    assert at_15 is not None
    assert at_15[:, 0].tolist() == [1, 0, 0, 0]


def test_features_without_dates_hold_at_every_time() -> None:
    tables = replace(TABLES, features=np.ones((4, 1), dtype=np.float32))
    assert tables.features_at(0) is tables.features
    assert TABLES.features_at(0) is None
