from __future__ import annotations

from datetime import UTC, datetime

import pytest
import torch
from torch import Tensor

from ncnc_core.graph.edge_history import EdgeHistory
from pipeline.evaluation.certificate import unseen_by_champion
from pipeline.evaluation.comparison import FreshPairs

# Three edges of four nodes, first seen at 10, 20 and 30 seconds.
HISTORY = EdgeHistory.of(
    torch.tensor([[0, 1, 2], [1, 2, 3]]),
    torch.tensor([10, 20, 30]),
    torch.tensor([10, 20, 30]),
    torch.full((3,), torch.iinfo(torch.int64).max),
    4,
)


def fresh(*edges: tuple[int, int]) -> FreshPairs:
    positives = torch.tensor(edges).T
    return FreshPairs(positives, positives, torch.full((len(edges),), 30), len(edges), 0, "")


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("as_of", "seen", "violations"),
    [
        (20, (), 0),  # the edge came after the champion's snapshot
        (30, (), 1),  # the champion's snapshot holds it
        (20, (torch.tensor([[3], [2]]),), 1),  # its published split holds it, in the other direction
        (None, (), 0),  # no champion
    ],
)
def test_an_edge_that_the_champion_has_seen_is_counted(
    as_of: int | None, seen: tuple[Tensor, ...], violations: int
) -> None:
    champion_as_of = None if as_of is None else at(as_of)
    found = unseen_by_champion(fresh((2, 3)), HISTORY, champion_as_of, seen)
    assert (found.name, found.checked, found.violations) == ("fresh_edges_not_seen_by_champion", 1, violations)
