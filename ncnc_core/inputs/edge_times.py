"""The times of edges as people give them: whole numbers, or dates."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.edge_times import EdgeTimes

# 1980-01-01 as unix seconds, and in smaller units: what is less is a count, a year, days or YYYYMMDD.
FIRST_OF_UNIT = [315_532_800 * 1000**power for power in range(4)]
TimeInput = Any  # the name of a column or an edge attribute, or one time an edge: looked at, not declared


def edge_times(time: TimeInput, count: int) -> Tensor | None:
    """Return one int64 an edge, or None.

    Whole numbers are taken as they are, in any unit; dates become unix seconds. Fractions are dropped: times only order
    edges, and ages are counted in edges.

    Raises:
        InvalidGraph: there is another number of them, one is missing, no time, or 0 among times of today, or dropping
            fractions would make one time of most.
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
        if (whole != values).any() and len(np.unique(whole)) * 2 < len(np.unique(values)):
            raise InvalidGraph(
                f"The times differ by fractions ({values[0]} is one), and fractions are dropped. Multiply them, or "
                "give dates."
            )
        values = whole.astype(np.int64)
    if values.dtype.kind not in "iu":
        raise InvalidGraph(f"time holds {values.dtype}, such as {values[0]!r}. Give whole numbers, or dates.")
    _require_no_placeholder(values)
    return torch.from_numpy(np.require(values, np.int64, ["C", "W"]))


def times_beside(known: EdgeTimes | None, time: TimeInput, count: int) -> Tensor | None:
    """Return one int64 an edge as `edge_times` does, for edges that come beside others with times.

    Raises:
        InvalidGraph: as for `edge_times`, or they are in another unit than the known ones.
    """
    new = edge_times(time, count)
    if new is not None and known is not None and known.first.numel():
        require_one_unit((int(known.first.min()), int(known.last.max())), new)
    return new


def require_one_unit(known: tuple[int, int], new: Tensor) -> None:
    """Refuse times in another unit than those of the edges that are known, of which the first and the last are given.

    Raises:
        InvalidGraph: one is a count, the other unix seconds, or these are seconds and milliseconds.
    """
    fine = range(_unit(known[0]), _unit(known[1]) + 1)
    other = [int(one) for one in (new.min(), new.max()) if _unit(int(one)) not in fine] if new.numel() else []
    if other:
        raise InvalidGraph(
            f"time holds {other[0]}, and the times of the known edges go from {known[0]} to {known[1]}: these are two "
            f"units. Dates are unix seconds here. Give the new times in the unit of the known ones."
        )


def is_unix_seconds(time: int) -> bool:
    """Return whether a time looks like seconds since 1970, and not like a count, a year or a smaller unit."""
    return _unit(time) == 1


def _unit(time: int) -> int:
    """Return 0 for a count, a year or a day, and 1 to 4 for seconds, milli-, micro- and nanoseconds since 1970."""
    return bisect_right(FIRST_OF_UNIT, time)


def _require_no_placeholder(values: Any) -> None:
    """Refuse 0 and -1 where all other times are of 1980 or later."""
    early = (values == 0) | (values == -1)
    if early.any() and (~early).any() and values[~early].min() >= FIRST_OF_UNIT[0]:
        raise InvalidGraph(
            f"{int(early.sum())} of {len(values)} edges have the time {int(values[early][0])} (first: place "
            f"{int(early.argmax())}), and all others are of 1980 or later as unix time: it seems to stand for a time "
            f"that is not known. Leave these edges out, or give them their time."
        )


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
