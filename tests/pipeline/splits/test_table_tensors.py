from __future__ import annotations

import numpy as np

from pipeline.graphs.tables import STILL_ALIVE, GraphTables
from pipeline.splits.table_tensors import TableTensors


def test_tensors_lie_in_the_memory_of_the_tables_and_a_read_only_array_is_copied() -> None:
    first_seen = np.array([5, 6])
    first_seen.flags.writeable = False  # as Arrow's columns are
    edges, removed_at = np.array([[0, 1], [1, 2]]), np.array([STILL_ALIVE, 9])
    tables = GraphTables(np.arange(3), None, edges, first_seen, removed_at, np.array([5, 7]))
    told = TableTensors.of(tables)
    assert told.edges.data_ptr() == edges.ctypes.data
    assert told.removed_at.data_ptr() == removed_at.ctypes.data
    assert told.first_seen.data_ptr() != first_seen.ctypes.data
    assert told.first_seen.tolist() == [5, 6]
    assert told.alive_since.tolist() == [5, 7]
