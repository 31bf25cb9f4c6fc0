from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.features import feature_ids, read_features
from ncnc_core.inputs.graphs import read_graph
from ncnc_core.inputs.tables import as_feature_table, as_table

PANDAS = pd.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "w": [1.5, 2.0]})
ARROW = pa.Table.from_pandas(PANDAS, preserve_index=False)


class Streamed:
    """What polars and DuckDB hand over: Arrow's stream and the names of the columns."""

    columns = ("source", "target", "w")

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return ARROW.__arrow_c_stream__(requested_schema)


class Lazy:
    columns = ("source", "target")

    def collect(self) -> None: ...

    def collect_schema(self) -> None: ...


@pytest.mark.parametrize(
    "table", [PANDAS, ARROW, ARROW.to_batches()[0], Streamed()], ids=["pandas", "arrow", "batch", "stream"]
)
def test_tables_of_every_library_give_the_same_graph(table: object) -> None:
    found = read_graph(table, edge_weight="w")
    assert found.node_ids == ["a", "b", "c"]
    assert found.adjacency().edges().tolist() == [[0, 1], [1, 2]]
    assert found.weight is not None
    assert found.weight.tolist() == [1.5, 2.0]


@pytest.mark.parametrize("given", [PANDAS["source"], ARROW["source"], torch.zeros(2, 2), [(1, 2)], None])
def test_what_is_no_table_is_none(given: object) -> None:
    assert as_table(given) is None


def test_a_query_that_has_not_run_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"Lazy is a query that has not run.*collect\(\)"):
        as_table(Lazy())


def test_features_without_an_index_name_their_nodes_in_a_column() -> None:
    table = pa.table({"x": [3.0, 1.0], "node_id": ["c", "a"]})
    assert feature_ids(table) == ["c", "a"]
    tensor = read_features(table, ["a", "c"])
    assert tensor is not None
    assert tensor.tolist() == [[1.0], [3.0]]
    kept = pa.Table.from_pandas(pd.DataFrame({"x": [3.0, 1.0]}, index=["c", "a"]))  # Arrow keeps the index of pandas
    assert feature_ids(kept) == ["c", "a"]
    assert as_feature_table(torch.zeros(2, 2)) is None
    with pytest.raises(
        InvalidGraph, match=r"without an index and without a column 'node_id'; it has \['x'\]\. Name the"
    ):
        as_feature_table(pa.table({"x": [3.0, 1.0]}))
