from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from embedded.nights import Night, edges_file, nodes_file

NIGHT = Night(2, datetime(2026, 3, 3, 3, tzinfo=UTC), "the graph grew", "decided")


def test_the_run_is_named_as_the_dag_names_it() -> None:
    assert NIGHT.run_id == "night-2"
    assert NIGHT.run_name("demo") == "demo-20260303T030000Z"


def test_deliveries_are_dated_as_the_source_expects_them() -> None:
    folder = Path("source")
    assert edges_file(folder, NIGHT.as_of) == folder / "edges-2026-03-03.parquet"
    assert nodes_file(folder, NIGHT.as_of) == folder / "nodes-2026-03-03.parquet"
