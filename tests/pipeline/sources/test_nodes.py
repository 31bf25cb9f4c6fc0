from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import NodeTable
from pipeline.sources.graph_source import GraphSource

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())


def read(nodes: pd.DataFrame, folder: Path, params: SnapshotParams, suffix: str = "parquet") -> NodeTable:
    pd.DataFrame({"source": [1], "target": [2]}).to_parquet(folder / "edges.parquet", index=False)
    path = folder / f"nodes.{suffix}"
    if suffix == "csv":
        nodes.to_csv(path, index=False)
    else:
        nodes.to_parquet(path, index=False)
    source = GraphSource(str(folder / "edges.parquet"), str(path), params, folder / "scratch")
    found = source.read(AS_OF).nodes
    assert found is not None
    return found


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_features_hold_since_the_time_of_their_row(tmp_path: Path, suffix: str) -> None:
    nodes = pd.DataFrame({"node": [2, 1], "rank": [0.5, -0.0], "since": [NOW, NOW - 9]})
    found = read(nodes, tmp_path, SnapshotParams(feature_columns=("rank",), node_time_column="since"), suffix)
    assert found.times is not None
    assert found.features is not None
    assert (found.ids.tolist(), found.times.tolist()) == ([2, 1], [NOW, NOW - 9])
    assert not np.signbit(found.features).any()  # equal features have equal bytes


def test_features_from_after_the_as_of_are_refused(tmp_path: Path) -> None:
    nodes = pd.DataFrame({"node": [2, 1], "since": [NOW, NOW + 1]})
    with pytest.raises(InvalidInput, match=rf"row 2: since is {NOW + 1} \(2026.*, after the as-of 2026.*leak.*deliver"):
        read(nodes, tmp_path, SnapshotParams(node_time_column="since"))
    with pytest.raises(InvalidInput, match=r"no column 'snce'.*snapshot\.node_time_column.*nearest: since"):
        read(nodes, tmp_path, SnapshotParams(node_time_column="snce"))


def test_nodes_and_edges_of_two_kinds_are_refused_still(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"holds strings in 'node', but the edge table's ids are integers\. Make both"
    ):
        read(pd.DataFrame({"node": ["a", "b"]}), tmp_path, SnapshotParams())


def test_a_node_that_is_there_twice_is_found_in_a_csv_too(tmp_path: Path) -> None:
    nodes = pd.DataFrame({"node": ["1", "2", " 1"]})
    with pytest.raises(InvalidInput, match=r"nodes\.csv, row 3: node  1 is there already \(1 such rows\).*leave out"):
        read(nodes, tmp_path, SnapshotParams(), "csv")
