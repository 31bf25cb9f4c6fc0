"""Reads a file of node ids: a table with a column of ids, or a text file with one id a line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.errors import InvalidInput

COLUMN = "node"


def read_nodes(path: Path) -> list[str]:
    """Return the ids as text: the column `node`, or the only column, of a Parquet or CSV file; else every line.

    Raises:
        InvalidInput: there is no such file, it has several columns and none is `node`, or no id is in it.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}. Give a Parquet or CSV file with a column {COLUMN!r}.")
    if path.suffix in (".parquet", ".csv"):
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
        name = COLUMN if COLUMN in table else table.columns[0]
        if name != COLUMN and len(table.columns) > 1:
            raise InvalidInput(
                f"{path} has the columns {list(table.columns)}, but no {COLUMN!r}. Name the column of ids {COLUMN}."
            )
        ids = [str(one) for one in table[name].dropna().tolist()]
    else:
        ids = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if not ids:
        raise InvalidInput(f"{path} names no node. Give at least one id, or leave --nodes out for all nodes.")
    return ids
