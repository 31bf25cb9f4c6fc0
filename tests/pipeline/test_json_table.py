from __future__ import annotations

import json
from pathlib import Path

import ibis
import pytest

from pipeline.json_table import open_json


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "int64"),
        ([1, None, 2.5], "float64"),
        (["7", "8"], "string"),
        (["2026-01-01", "2026-01-02"], "string"),  # dates stay as they are written: they may be ids
        (["0b8a5e3e-8f0e-4f43-8f53-5bb8e0b9a111"], "string"),
        ([*range(30_000), "x"], "json"),  # the last line counts too
    ],
)
def test_a_column_is_what_all_its_lines_say(tmp_path: Path, values: list[object], kind: str) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text("".join(f"{json.dumps({'value': value})}\n" for value in values))
    connection = ibis.duckdb.connect()
    try:
        table = open_json(connection, path)
        assert str(table["value"].type()) == kind
        assert len(table.to_pyarrow()) == len(values)
    finally:
        connection.disconnect()


def test_a_line_may_lack_a_column_or_bring_one(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text('{"source": 1, "target": 2}\n{"target": 3, "extra": "x"}\n')
    connection = ibis.duckdb.connect()
    try:
        found = open_json(connection, path).to_pyarrow().to_pylist()
    finally:
        connection.disconnect()
    assert found == [{"source": 1, "target": 2, "extra": None}, {"source": None, "target": 3, "extra": "x"}]
