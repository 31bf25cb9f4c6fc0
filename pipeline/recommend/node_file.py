"""Reads a file of node ids: a table with a column of ids, or a text file with one id a line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.errors import InvalidInput

COLUMN = "node"


def read_nodes(path: Path) -> list[str]:
    """Return the ids as text: the column `node` of a Parquet or CSV file; of another file, every line.

    A Parquet file with one column may call it otherwise. A CSV file may not: without a header its first id would be
    taken for one.

    Raises:
        InvalidInput: there is no such file, it has no column `node`, or no id is in it.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}. Give a Parquet or CSV file with a column {COLUMN!r}.")
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".csv"):
        table = pd.read_parquet(path) if suffix == ".parquet" else _read_csv(path)
        name = COLUMN if COLUMN in table else table.columns[0]
        if name != COLUMN and (suffix == ".csv" or len(table.columns) > 1):
            header = f"put the header {COLUMN} in line 1, or name a file with one id a line .txt; else "
            raise InvalidInput(
                f"{path} has the columns {list(table.columns)}, but no {COLUMN!r}. "
                f"{'If these are ids: ' + header if suffix == '.csv' else ''}Name the column of ids {COLUMN}."
            )
        ids = [str(one) for one in table[name].dropna().tolist()]
    else:
        ids = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if not ids:
        raise InvalidInput(f"{path} names no node. Give at least one id, or leave --nodes out for all nodes.")
    return ids


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # Only an empty cell is missing: an id may be called NA.
        return pd.read_csv(path, dtype=str, na_values=[""], keep_default_na=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} is no CSV file in UTF-8: {error}. Give a header {COLUMN} and an id a row."
        ) from error
