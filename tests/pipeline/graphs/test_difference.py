from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InvalidInput
from pipeline.graphs.difference import difference, living_table, write_table
from pipeline.graphs.tables import CanonicalGraph
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import triangle_with_tail


def graph(edges: pd.DataFrame, as_of: int, previous: tuple[CanonicalGraph, int] | None = None) -> CanonicalGraph:
    return build(
        delivered(edges),
        SnapshotParams(),
        as_of=as_of,
        previous=previous[0] if previous else None,
        previous_as_of=previous[1] if previous else None,
    ).graph


def pairs(table: pa.Table) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in table.to_pylist()}


def three_nights() -> list[CanonicalGraph]:
    """A triangle with a tail; the tail and its node 40 go; they return, and 50 comes and 10-20 goes."""
    whole = triangle_with_tail()
    first = graph(whole, 100)
    second = graph(whole.head(3), 200, (first, 100))
    third = pd.concat([whole.iloc[1:], pd.DataFrame({"source": [50], "target": [10]})])
    return [first, second, graph(third, 300, (second, 200))]


def test_added_removed_and_returned_are_told_apart() -> None:
    first, second, third = three_nights()
    found = difference(second, third)
    assert {change: len(rows) for change, rows in found.nodes.items()} == {"added": 1, "removed": 0, "returned": 1}
    assert pairs(found.edge_table()) == {(10, 50, "added"), (10, 20, "removed"), (30, 40, "returned")}
    assert pairs(difference(first, second).edge_table()) == {(30, 40, "removed")}
    # Over both nights the tail is as it was.
    assert pairs(difference(first, third).edge_table()) == {(10, 50, "added"), (10, 20, "removed")}
    assert pairs(difference(third, third).edge_table()) == set()


def test_snapshots_of_two_histories_are_not_compared() -> None:
    first, _, third = three_nights()
    with pytest.raises(InvalidInput, match=r"does not go on from the earlier one \(5, 5\).*earlier first"):
        difference(third, first)
    other = graph(pd.DataFrame({"source": [10, 10, 20], "target": [30, 40, 30]}), 100)
    with pytest.raises(InvalidInput, match="one graph's history"):
        difference(other, third)


def test_living_edges_are_written_by_their_ids(tmp_path: Path) -> None:
    third = three_nights()[2]
    write_table(living_table(third.tables), tmp_path / "new" / "living.parquet")
    found = pq.read_table(tmp_path / "new" / "living.parquet")
    assert pairs(found) == {(10, 30, 100), (20, 30, 100), (30, 40, 100), (10, 50, 300)}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["living.parquet"]
    named = graph(pd.DataFrame({"source": ["a"], "target": ["b"]}), 100)
    assert pairs(living_table(named.tables)) == {("a", "b", 100)}
    assert np.array_equal(named.tables.living, [True])
