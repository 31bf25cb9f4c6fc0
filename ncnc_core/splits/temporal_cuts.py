"""Where time divides the edges of a graph into training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import torch
from jaxtyping import Int64
from torch import Tensor

# A window by time is wanted in the size of its fraction. Dates can be too coarse for that; it is still taken while it
# holds at least a quarter of what was wanted, and leaves at least half of the edges before it.
SMALLEST_WINDOW = 0.25
LARGEST_WINDOW = 0.5


class TemporalCuts(NamedTuple):
    """Where time divides the edges: train <= cut_train < valid <= cut_valid < test; and why there.

    cut_train is None where the dates can set the test edges apart, but not the validation edges.
    """

    cut_train: int | None
    cut_valid: int
    reason: str


class NoCuts(NamedTuple):
    """Why time cannot divide the edges."""

    reason: str


def choose_cuts(
    first_seen: Int64[Tensor, " edges"],
    removed_at: Int64[Tensor, " edges"],
    *,
    as_of: int,
    snapshot_times: Sequence[int] = (),
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    minimum_test_edges: int = 200,
) -> TemporalCuts | NoCuts:
    """Choose the cuts c2 (cut_valid) and c1 (cut_train) by rule, from the dates alone.

    c2 where there are earlier snapshots: the last one's time, or the latest before it that leaves `minimum_test_edges`
    fresh edges; where none does, the last that leaves any. (A champion of an earlier night has seen nothing past it.)
    c2 otherwise, or where more than half of the edges are fresh: the date that leaves nearest to `test_fraction` of
    the living edges. c1: the date that leaves nearest to `valid_fraction` of the edges alive at c2.
    A window by fraction must hold a quarter of what was wanted, and leave half of the edges before it.
    """
    dates = first_seen[removed_at > as_of]
    if len(dates) == 0 or dates.min() == dates.max():
        return NoCuts("every living edge has one date (a first full dump)")
    dates = dates.sort().values
    earlier = sorted((time for time in snapshot_times if time < as_of), reverse=True)
    # Snapshots that nothing came after, as when a night failed and the graph stood still, are no use to test past.
    useful = [time for time in earlier if _count_after(dates, time) > 0]
    if earlier and not useful:
        return NoCuts(f"no living edge was first seen after the last snapshot ({time_text(earlier[0])})")
    earlier = useful
    cut_valid, reason = _cut_at_snapshot(dates, earlier, minimum_test_edges)
    if cut_valid is None:
        cut_valid = cut_by_fraction(dates, test_fraction)
        if cut_valid is None or cut_valid < (earlier[0] if earlier else cut_valid):
            return NoCuts("the dates are too coarse to leave a test window")
        reason = f"test edges are the {_count_after(dates, cut_valid)} first seen after {time_text(cut_valid)}"
    before = first_seen[(first_seen <= cut_valid) & (removed_at > cut_valid)].sort().values
    cut_train = cut_by_fraction(before, valid_fraction)
    if cut_train is None:
        reason += "; the dates before are too coarse, so validation edges are a hashed share of the edges alive then"
    return TemporalCuts(cut_train, cut_valid, reason)


def time_text(time: int) -> str:
    """Return a time in unix seconds as people read it."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cut_at_snapshot(dates: Tensor, earlier: list[int], minimum: int) -> tuple[int | None, str]:
    """Return the snapshot time to test after (None: no fit), and why; `earlier` runs from the last one back."""
    fresh = [(back, time, _count_after(dates, time)) for back, time in enumerate(earlier, start=1)]
    fresh = [(back, time, count) for back, time, count in fresh if count <= LARGEST_WINDOW * len(dates)]
    if not fresh:
        return None, ""
    for back, time, count in fresh:
        if count >= minimum:
            which = "the last snapshot" if back == 1 else f"{back} snapshots back, as later ones leave under {minimum}"
            return time, f"test edges are the {count} first seen after {time_text(time)}, {which}"
    _, time, count = fresh[0]
    return time, f"test edges are only {count}, first seen after {time_text(time)}: no snapshot leaves {minimum}"


def cut_by_fraction(dates: Int64[Tensor, " dates"], fraction: float) -> int | None:
    """Return the date in sorted `dates` that leaves nearest to the fraction after it; None where no window is fit."""
    distinct, counts = torch.unique_consecutive(dates, return_counts=True)
    after = len(dates) - counts.cumsum(0)[:-1]  # [distinct dates - 1]
    if after.numel() == 0:
        return None
    best = int((after - fraction * len(dates)).abs().argmin())
    share = int(after[best]) / len(dates)
    return int(distinct[best]) if SMALLEST_WINDOW * fraction <= share <= LARGEST_WINDOW else None


def _count_after(dates: Tensor, time: int) -> int:
    return len(dates) - int(torch.searchsorted(dates, time, right=True))
