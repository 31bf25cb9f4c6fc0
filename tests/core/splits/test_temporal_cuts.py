import re

import pytest
import torch

from ncnc_core.splits.temporal_cuts import NoCuts, TemporalCuts, choose_cuts

DAY = 86_400
ALIVE = torch.iinfo(torch.int64).max


def cuts_of(counts: dict[int, int], snapshots: tuple[int, ...] = (), **options: float) -> TemporalCuts | NoCuts:
    """Choose the cuts of a graph that saw `counts[day]` first-time edges on each day, all still alive; in days."""
    first_seen = torch.tensor([day * DAY for day, count in counts.items() for _ in range(count)])
    cuts = choose_cuts(
        first_seen,
        torch.full_like(first_seen, ALIVE),
        as_of=max(counts) * DAY,
        snapshot_times=[day * DAY for day in snapshots],
        **{"minimum_test_edges": 20, **options},
    )
    if isinstance(cuts, NoCuts):
        return cuts
    train = cuts.cut_train // DAY if cuts.cut_train is not None else None
    return TemporalCuts(train, cuts.cut_valid // DAY, cuts.reason)


EVEN = dict.fromkeys(range(1, 21), 50)  # 1000 edges over 20 days


@pytest.mark.parametrize(
    ("counts", "snapshots", "train", "valid", "said"),
    [
        (EVEN, (), 16, 18, "the 100 first seen after 1970-01-19"),  # no snapshot yet: a tenth, then a tenth of the rest
        (EVEN, (18, 19), 17, 19, "50 first seen after 1970-01-20T00:00:00Z, the last snapshot"),
        (
            {**EVEN, 19: 15, 20: 10},
            (17, 18, 19),
            16,
            18,
            "25 first seen .* 2 snapshots back, as later",
        ),
        ({**EVEN, 20: 10}, (19, 20), 17, 19, "only 10.* no snapshot leaves 20"),  # as_of itself is no earlier snapshot
        ({1: 900, 2: 100}, (1,), None, 1, "100 first seen .*; the dates before are too coarse"),  # a dump and one night
        ({1: 900, 2: 1, 3: 50}, (1, 2), None, 2, "validation edges are a hashed share"),  # one edge is no valid window
        ({1: 50, **dict.fromkeys(range(2, 12), 100)}, (1,), 9, 10, "the 100 first seen after"),  # graph grew twentyfold
    ],
)
def test_cuts_follow_the_rule(
    counts: dict[int, int], snapshots: tuple[int, ...], train: int | None, valid: int, said: str
) -> None:
    cuts = cuts_of(counts, snapshots)
    assert isinstance(cuts, TemporalCuts)
    assert (cuts.cut_train, cuts.cut_valid) == (train, valid)
    assert re.search(said, cuts.reason), cuts.reason


@pytest.mark.parametrize(
    ("counts", "snapshots", "said"),
    [
        ({1: 500}, (), "every living edge has one date"),
        (dict.fromkeys(range(1, 3), 500), (2, 3), "no living edge was first seen after the last snapshot"),
        ({1: 999, 2: 1}, (), "too coarse"),  # a window of one edge
        ({1: 100, 2: 900}, (), "too coarse"),  # most edges are in the only window
        ({1: 100, 2: 900}, (1,), "too coarse"),
    ],
)
def test_where_time_cannot_divide_the_reason_is_said(
    counts: dict[int, int], snapshots: tuple[int, ...], said: str
) -> None:
    if max(snapshots, default=0) > max(counts):
        counts = {**counts, max(snapshots) + 1: 0}
    cuts = cuts_of(counts, snapshots)
    assert isinstance(cuts, NoCuts)
    assert said in cuts.reason


def test_removed_edges_do_not_fill_a_window() -> None:
    first_seen = torch.tensor([1] * 500 + [2] * 30 + [3] * 30)
    removed_at = torch.full_like(first_seen, ALIVE)
    removed_at[-25:] = 4  # 5 of the 30 fresh edges are still alive

    cuts = choose_cuts(first_seen, removed_at, as_of=4, snapshot_times=[1, 2], minimum_test_edges=20)

    assert cuts.cut_valid == 1  # reaches back, though 30 came after 2


def test_cut_train_is_chosen_among_the_edges_alive_at_cut_valid() -> None:
    # 100 edges of day 8 died on day 9, before the cut at day 10: they make no validation window.
    first_seen = torch.tensor([day for day in range(1, 11) for _ in range(100)] + [11] * 50)
    removed_at = torch.full_like(first_seen, ALIVE)
    removed_at[(first_seen == 8)] = 9

    cuts = choose_cuts(first_seen, removed_at, as_of=11, snapshot_times=[10], valid_fraction=0.2)

    assert cuts.cut_train == 7 or cuts.cut_train == 8  # both leave days 9 and 10


def test_a_snapshot_that_nothing_came_after_is_passed_over_for_the_one_before() -> None:
    # Day 2 brought 300 edges, its night failed, and on day 3 the graph stands still.
    first_seen = torch.cat([torch.full((1000,), 1), torch.full((300,), 2)])
    cuts = choose_cuts(first_seen, torch.full_like(first_seen, ALIVE), as_of=3, snapshot_times=[1, 2])
    assert isinstance(cuts, TemporalCuts)
    assert cuts.cut_valid == 1
