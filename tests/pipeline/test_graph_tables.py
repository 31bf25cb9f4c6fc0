from __future__ import annotations

import numpy as np

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
