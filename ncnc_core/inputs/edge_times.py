"""The times of edges as people give them: whole numbers, or dates."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph

TimeInput = Any  # the name of a column or an edge attribute, or one time an edge: looked at, not declared


def edge_times(time: TimeInput, count: int) -> Tensor | None:
    """Return one int64 an edge, or None.

    Whole numbers are taken as they are, in any unit; dates become unix seconds. Fractions are dropped: times only order
    edges, and ages are counted in edges.

    Raises:
        InvalidGraph: there is another number of them, one is missing or no time, or dropping fractions would make one
            time of most.
    """
    if time is None:
        return None
    values = np.asarray(time.detach().cpu() if isinstance(time, Tensor) else time)
    if values.shape != (count,):
        raise InvalidGraph(
            f"time has the shape {list(values.shape)} for {count} edges. Give one time an edge, [edges]."
        )
    if values.dtype.kind in "OUT":
        values = _numbers_or_dates(values.astype(object))
    if values.dtype.kind == "M":
        _require_none_missing(np.isnat(values))
        values = values.astype("datetime64[s]").astype(np.int64)
    if values.dtype.kind == "f":
        _require_none_missing(~np.isfinite(values))
        whole = np.floor(values)
        if len(np.unique(whole)) * 2 < len(np.unique(values)):
            raise InvalidGraph(
                f"The times differ by fractions ({values[0]} is one), and fractions are dropped. Multiply them, or "
                "give dates."
            )
        values = whole.astype(np.int64)
    if values.dtype.kind not in "iu":
        raise InvalidGraph(f"time holds {values.dtype}, such as {values[0]!r}. Give whole numbers, or dates.")
    return torch.from_numpy(np.require(values, np.int64, ["C", "W"]))


def _numbers_or_dates(values: Any) -> Any:
    import pandas as pd

    _require_none_missing(pd.isna(values))
    if pd.api.types.infer_dtype(values) in ("integer", "floating", "mixed-integer-float"):
        return np.array(values.tolist())  # as dates they would be nanoseconds
    try:
        found = pd.to_datetime(pd.Series(values), utc=True)
    except (ValueError, TypeError) as error:
        raise InvalidGraph(f"time holds {values[0]!r}, which is no date. Give whole numbers, or dates.") from error
    return found.dt.tz_localize(None).to_numpy()


def _require_none_missing(missing: Any) -> None:
    if missing.any():
        raise InvalidGraph(
            f"{int(missing.sum())} of {len(missing)} edges have no time (first: place {int(missing.argmax())}). Leave "
            "them out, or give them one."
        )
