from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.query import OwnersQuery

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)


def read(folder: Path, edge_query: str, node_query: str | None = None, suffix: str = "csv") -> Delivery:
    table = pd.DataFrame({"a": [1, 2, 3], "b": [2, 3, 4], "day": ["2026-01-01", "2026-01-02", "2026-01-02"]})
    if suffix == "csv":
        table.to_csv(folder / "edges.csv", index=False)
    else:
        table.to_parquet(folder / "edges.parquet", index=False)
    (folder / "nodes.csv").write_text("id,rank\n1,0\n2,1\n3,2\n4,x\n")
    nodes = str(folder / "nodes.csv") if node_query else None
    features = ("rank",) if node_query else ()
    params = SnapshotParams(edge_query=edge_query, node_query=node_query, feature_columns=features)
    return GraphSource(str(folder / f"edges.{suffix}"), nodes, params, folder / "scratch").read(AS_OF)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_query_works_on_a_file_which_is_called_delivered(tmp_path: Path, suffix: str) -> None:
    query = "SELECT a AS source, b AS target FROM delivered WHERE day = '{date}'"
    found = read(tmp_path, query, suffix=suffix)
    assert found.ids.tolist() == [2, 3, 4]
    assert read(tmp_path, f"{query} -- again", suffix=suffix).sha256 != found.sha256


def test_edges_and_nodes_may_each_have_a_query(tmp_path: Path) -> None:
    nodes = "SELECT id AS node, rank FROM delivered WHERE rank <> 'x'"
    found = read(tmp_path, "SELECT a AS source, b AS target FROM delivered", nodes).nodes
    assert found is not None
    assert found.ids.tolist() == [1, 2, 3]


def test_a_wrong_query_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"snapshot\.edge_query cannot be run on .*edges\.csv: .*nosuch.*one SELECT"):
        read(tmp_path, "SELECT nosuch FROM delivered")
    with pytest.raises(InvalidInput, match=r"snapshot\.edge_query has a semicolon within it, before 'SELECT 2'"):
        read(tmp_path, "SELECT 1; SELECT 2")
    with pytest.raises(InvalidInput, match=r"answer to snapshot\.edge_query has no column 'source'.*nearest"):
        read(tmp_path, "SELECT a, b FROM delivered")
    with pytest.raises(InvalidInput, match=r"edges\.csv: target is '-2', which is negative"):
        read(tmp_path, "SELECT a AS source, '-' || b AS target FROM delivered")


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "duckdb"])
@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1; -- the end;", "SELECT 1"),
        ("SELECT ';' AS \"a;b\" /* ; */", "SELECT ';' AS \"a;b\" /* ; */"),
        ("selec nothing", "selec nothing"),  # the database says what is wrong with it
    ],
)
def test_a_query_of_one_statement_is_kept(query: str, kept: str, dialect: str) -> None:
    assert OwnersQuery("snapshot.edge_query", query).statement(dialect) == kept


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT 1; DELETE FROM e",
            r"snapshot\.edge_query has a semicolon within it, before 'DELETE FROM e'",
        ),
        ("SELECT 1) x; DROP TABLE e; SELECT (1", r"before 'DROP TABLE e; SELECT \(1'\. Write one SELECT"),
        ("SELECT 'a", r"snapshot\.edge_query cannot be read: .*End each string and comment"),
    ],
)
def test_a_query_of_more_is_refused(query: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        OwnersQuery("snapshot.edge_query", query).statement("sqlite")
