"""A table of nodes or pairs as somebody asks for it, from JSON, CSV or a DataFrame, read as the graph has its ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ncnc_core.errors import InvalidGraph

if TYPE_CHECKING:
    import pandas as pd

    from ncnc_core.inputs.node_ids import NodeId

ENDS = ("source", "target")
WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")
LARGEST_EXACT = 2**53  # from here on, floating-point numbers leave whole numbers out
Asked = Any  # a DataFrame, a column by its name, or a list of rows: what a model server makes of a request


def asked_table(asked: Asked, *, ids_are_text: bool) -> pd.DataFrame:
    """Return the table, its rows counted from 0, with ids as int, str or None, and lists of numbers as features.

    Where the graph's ids are whole numbers, an id may also come as text or, below 2^53, as a floating-point number:
    pandas makes such numbers of a column in which one value is missing. What is no id stays as it is, see `no_id`.

    Raises:
        InvalidGraph: it is no table, or a cell of features holds no list of numbers.
    """
    import pandas as pd

    table = _frame(asked)
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise InvalidGraph(f"The input has two columns named {twice!r}. Give each its own name.")
    found = {str(name): table[name].tolist() for name in table}
    for end in ENDS:
        if end in found:
            found[end] = [_read_id(_alone(value), ids_are_text) for value in found[end]]
        if (name := f"{end}_features") in found:
            found[name] = [_read_numbers(_alone(cell), name, row) for row, cell in enumerate(found[name])]
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in found.items()})


def no_id(value: object) -> str:
    """Return why a value of an asked table is no id, "" where it is one."""
    if value is None:
        return "is missing"
    if type(value) is float and value.is_integer():
        return (
            f"came as the floating-point number {value!r}, which may stand for another whole number. Send it as text, "
            f"or leave missing values out of its column"
        )
    return "" if type(value) in (int, str) else f"is {value!r:.60}, which is neither a whole number nor text"


def id_column(values: list[NodeId | None]) -> pd.Series[Any]:
    """Return ids as a column that holds whole numbers exactly, also beside missing ones."""
    import pandas as pd

    kinds = {type(value) for value in values}
    if kinds == {int} or kinds == {int, type(None)}:
        try:
            return pd.Series(values, dtype="int64" if len(kinds) == 1 else "Int64")
        except OverflowError:  # unknown nodes may have any number
            pass
    return pd.Series(values, dtype=object)


def _frame(asked: Asked) -> pd.DataFrame:
    import pandas as pd

    if isinstance(asked, pd.DataFrame):
        return asked
    if isinstance(asked, list) and asked and all(isinstance(row, Mapping) for row in asked):
        # As objects, here and below: pandas would make floating-point numbers of 2^53 + 1 beside None.
        return pd.DataFrame(asked, dtype=object)
    if isinstance(asked, Mapping):
        columns = {name: _cells(cells) for name, cells in asked.items()}
        if len({len(cells) for cells in columns.values()}) <= 1:
            return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
        sizes = ", ".join(f"{name} has {len(cells)}" for name, cells in columns.items())
        raise InvalidGraph(f"The columns of the input differ in length: {sizes}. Give each row a value in each column.")
    raise InvalidGraph(
        f"The input is a table with named columns, but got {type(asked).__name__}. Pass a DataFrame, or in a request "
        f"dataframe_split or dataframe_records."
    )


def _cells(cells: Any) -> list[Any]:
    import pandas as pd

    if isinstance(cells, np.ndarray):
        return list(cells) if cells.ndim > 1 else np.atleast_1d(cells).tolist()
    return list(cells) if isinstance(cells, list | tuple | pd.Series) else [cells]


def _alone(value: Any) -> Any:
    """Return a value of NumPy as Python has it; a model server packs each cell of a list of rows into an array."""
    return value.item() if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 else value


def _read_id(value: Any, ids_are_text: bool) -> Any:
    if _is_missing(value):
        return None
    if ids_are_text or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return int(value) if WHOLE_NUMBER.fullmatch(value) else value
    exact = isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT
    return int(value) if exact else value


def _read_numbers(cell: Any, name: str, row: int) -> list[float] | None:
    if _is_missing(cell):
        return None
    try:
        given = json.loads(cell) if isinstance(cell, str) else cell  # a cell of a CSV table
        return None if given is None else [float(one) for one in given]
    except (TypeError, ValueError) as error:
        raise InvalidGraph(
            f"{name} holds a list of numbers or nothing, but row {row}, counted from 0, holds {cell!r:.60}. Give a "
            f"list such as [0.5, 1.0]; in CSV, as text in quotes."
        ) from error


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
