from __future__ import annotations

import pytest
import torch

from ncnc_core.graph import sorted_search
from ncnc_core.graph.sorted_search import sorted_places


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize(("values", "wanted"), [(1000, 3000), (0, 50), (40, 0), (7, 100)])
def test_values_looked_up_in_parts_and_in_their_order_stand_where_they_stood(
    values: int, wanted: int, *, right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = torch.Generator().manual_seed(values)
    ascending = torch.randint(-500, 500, (values,), generator=drawn).sort().values  # many come several times
    asked = torch.randint(-600, 600, (2, wanted), generator=drawn)[1]
    expected = torch.searchsorted(ascending, asked, right=right)
    monkeypatch.setattr(sorted_search, "LARGE", 5)
    monkeypatch.setattr(sorted_search, "AT_ONCE", 64)
    assert torch.equal(sorted_places(ascending, asked, right=right), expected)


def test_what_is_wanted_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_search, "LARGE", 1)
    wanted = torch.tensor([5, 1, 3])
    assert sorted_places(torch.tensor([1, 2, 3]), wanted).tolist() == [3, 0, 2]
    assert wanted.tolist() == [5, 1, 3]
