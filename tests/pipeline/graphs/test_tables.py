from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.graphs.tables import STILL_ALIVE, FeatureHistory, GraphTables

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


# Node 0 had 1 from time 10 and 2 from time 30; node 1 has 5 from time 20; node 2 has nothing.
HISTORY = FeatureHistory(
    ("height",), np.array([0, 1]), np.array([10, 20]), np.array([[1.0], [5.0]], dtype=np.float32)
).with_changes(np.array([0]), np.array([30]), np.array([[2.0]], dtype=np.float32))


@pytest.mark.parametrize(
    ("time", "values"),
    [
        (9, [0, 0, 0]),  # nothing was known yet
        (10, [1, 0, 0]),  # at its very time a value holds
        (29, [1, 5, 0]),
        (30, [2, 5, 0]),
    ],
)
def test_features_are_those_known_at_the_time(time: int, values: list[float]) -> None:
    assert HISTORY.at(time, 3)[:, 0].tolist() == values


def test_newest_features_and_which_nodes_have_any() -> None:
    assert HISTORY.newest(3)[:, 0].tolist() == [2, 5, 0]
    assert HISTORY.known(3).tolist() == [True, True, False]


def test_empty_history_knows_its_columns_and_nothing_else() -> None:
    empty = FeatureHistory.empty(("a", "b"))
    assert empty.at(5, 2).tolist() == [[0, 0], [0, 0]]
    assert empty.known(2).tolist() == [False, False]


def test_changes_of_one_night_stand_in_the_order_of_their_nodes() -> None:
    changed = FeatureHistory.empty(("a",)).with_changes(
        np.array([3, 1]), np.array([7, 8]), np.array([[30.0], [10.0]], dtype=np.float32)
    )
    assert changed.node.tolist() == [1, 3]
    assert changed.since.tolist() == [8, 7]
    assert changed.values[:, 0].tolist() == [10, 30]
