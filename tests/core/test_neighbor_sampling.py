from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.neighbor_sampling import Places, spaced_places


def as_lists(places: Places) -> list[list[int]]:
    return [part.tolist() for part in places.place.split((places.row_pointer[1:] - places.row_pointer[:-1]).tolist())]


def test_short_lists_and_no_limit_keep_everything() -> None:
    lengths = torch.tensor([3, 0, 2])
    for places in (spaced_places(lengths, 3), spaced_places(lengths, None, torch.rand(3, dtype=torch.float64))):
        assert as_lists(places) == [[0, 1, 2], [], [0, 1]]
        assert places.weight is None


def test_long_list_is_thinned_evenly_and_weighted_up() -> None:
    places = spaced_places(torch.tensor([8, 2]), 4)
    assert as_lists(places) == [[1, 3, 5, 7], [0, 1]]
    assert places.weight is not None
    assert places.weight.tolist() == [2.0, 2.0, 2.0, 2.0, 1.0, 1.0]


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 12), st.booleans())
def test_kept_places_are_distinct_members_and_weights_sum_to_the_length(
    lengths: list[int], limit: int, random: bool
) -> None:
    shift = torch.rand(len(lengths), dtype=torch.float64) if random else None
    places = spaced_places(torch.tensor(lengths, dtype=torch.int64), limit, shift)
    weight = torch.ones(places.place.numel()) if places.weight is None else places.weight
    for row, (length, kept) in enumerate(zip(lengths, as_lists(places), strict=True)):
        assert len(set(kept)) == len(kept) == min(length, limit)
        assert all(0 <= place < length for place in kept)
        torch.testing.assert_close(weight[places.owner == row].sum(), torch.tensor(float(length)))


def test_choice_depends_on_the_list_and_not_on_its_batch() -> None:
    alone = spaced_places(torch.tensor([9]), 4)
    together = spaced_places(torch.tensor([30, 9]), 4)
    assert as_lists(together)[1] == as_lists(alone)[0]


def test_random_thinning_is_unbiased() -> None:
    torch.manual_seed(0)
    values = torch.tensor([5.0, 0.0, 1.0, 2.0, 9.0, 3.0, 7.0])
    places = spaced_places(torch.full((20_000,), 7), 3, torch.rand(20_000, dtype=torch.float64))
    assert places.weight is not None
    mean = (places.weight * values[places.place]).sum() / 20_000
    torch.testing.assert_close(mean, values.sum(), rtol=0.02, atol=0.0)
