from __future__ import annotations

import torch

from ncnc_core.graph.edge_times import EdgeTimes


def times(*arrivals: int) -> EdgeTimes:
    one = torch.tensor([7, 8, 9])
    return EdgeTimes(one, one + 1, torch.ones_like(one), torch.tensor(arrivals))


def test_an_age_counts_the_edges_that_came_since_in_windows() -> None:
    clock = times(10, 20, 20, 30)
    # before all; as the first; between; as two that came together; as the last; after it
    asked = torch.tensor([5, 10, 15, 20, 30, 99])
    assert clock.age(asked, 2.0).tolist() == [2.0, 1.5, 1.5, 0.5, 0.0, 0.0]


def test_an_age_depends_on_neither_unit_nor_pause() -> None:
    asked = torch.tensor([10, 20, 30])
    stretched = times(1000, 50_000, 50_000, 9_000_000)
    renamed = torch.tensor([1000, 50_000, 9_000_000])
    assert torch.equal(times(10, 20, 20, 30).age(asked, 3.0), stretched.age(renamed, 3.0))


def test_what_is_kept_keeps_its_times_and_the_clock() -> None:
    kept = times(1, 2, 3, 4).kept(torch.tensor([True, False, True]))
    assert (kept.first.tolist(), kept.last.tolist(), kept.events.tolist()) == ([7, 9], [8, 10], [1, 1])
    assert kept.arrivals.tolist() == [1, 2, 3, 4]
    assert torch.equal(kept.to("cpu").last, kept.last)


def test_an_edge_given_several_times_has_its_earliest_first_its_latest_last_and_all_events() -> None:
    # in one direction the keys 3 and 5, in the other 11 and 14; 3 comes three times
    given = torch.tensor([3, 5, 3, 3, 11, 14, 11, 11])
    first, last = torch.tensor([4, 1, 2, 6]), torch.tensor([4, 8, 9, 6])
    whole = EdgeTimes(first, last, torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2]))
    found = whole.of_entries(torch.tensor([3, 5, 11, 14]), given)
    assert (found.first.tolist(), found.last.tolist()) == ([2, 1, 2, 1], [9, 8, 9, 8])
    assert found.events.tolist() == [8, 2, 8, 2]
    assert found.arrivals.tolist() == [1, 2]


def test_what_one_end_sent_the_other_received() -> None:
    """As above, with directions: of the eight events of 3 and 11 five went from row to column of 3."""
    given = torch.tensor([3, 5, 11, 3, 11, 14, 3, 11])  # the third is given the other way round
    one = torch.tensor([1, 1, 1, 1])
    whole = EdgeTimes(one, one, torch.tensor([1, 2, 3, 4]), one, torch.tensor([1, 2, 3, 4]))
    found = whole.of_entries(torch.tensor([3, 5, 11, 14]), given)
    assert found.sent is not None
    assert found.received is not None
    assert found.sent.tolist() == [5, 2, 3, 0]
    assert found.received.tolist() == [3, 0, 5, 2]
    assert times(1).received is None
    kept = found.kept(torch.tensor([True, False, False, True])).to("cpu").with_more(torch.tensor([9]))
    assert kept.sent is not None
    assert kept.sent.tolist() == [5, 0, 1]
