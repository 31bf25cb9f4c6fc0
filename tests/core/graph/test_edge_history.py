import pytest
import torch

from ncnc_core.graph import edge_history
from ncnc_core.graph.edge_history import NEVER, EdgeHistory

# edge 2-0 since day 1; 0-1 day 1, removed on day 3; 3-1 first on day 2, back since day 5
HISTORY = EdgeHistory.of(
    torch.tensor([[2, 0, 3], [0, 1, 1]]),
    first_seen=torch.tensor([1, 1, 2]),
    alive_since=torch.tensor([1, 1, 5]),
    removed_at=torch.tensor([NEVER, 3, NEVER]),
    num_nodes=4,
)
NOTHING = torch.zeros(0, dtype=torch.int64)


def test_pairs_are_found_in_either_direction_with_their_times() -> None:
    found = HISTORY.look_up(torch.tensor([[0, 2, 1, 1, 0], [2, 0, 0, 3, 3]]))
    assert found.known.tolist() == [True, True, True, True, False]
    assert found.first_seen.tolist() == [1, 1, 1, 2, NEVER]
    assert found.seen_until(1).tolist() == [True, True, True, False, False]
    assert found.alive_since_until(4).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("time", "alive"),
    [
        (0, [False, False, False]),
        (2, [True, True, False]),  # 1-3 was there, but only its last life is known
        (3, [True, False, False]),  # gone at its very time
        (5, [True, False, True]),
    ],
)
def test_alive_is_from_the_start_of_the_last_life_until_the_removal(time: int, alive: list[bool]) -> None:
    assert HISTORY.look_up(torch.tensor([[0, 0, 1], [2, 1, 3]])).alive_at(time).tolist() == alive
    assert HISTORY.alive_at(time).tolist() == [alive[1], alive[0], alive[2]]  # in the order of the keys


def test_what_is_no_edge_was_never_alive() -> None:
    found = HISTORY.look_up(torch.tensor([[3], [2]]))
    assert not found.alive_at(NEVER - 1).any()


@pytest.mark.parametrize("pair", [(0, 6), (6, 0), (-1, 2), (0, 0)])  # 0 * 4 + 6 would be the key of 1-2
def test_a_position_that_is_no_node_is_no_other_pair(pair: tuple[int, int]) -> None:
    assert not HISTORY.look_up(torch.tensor(pair).unsqueeze(1)).known.any()


def test_history_of_nothing_knows_nothing() -> None:
    empty = EdgeHistory.of(torch.zeros(2, 0, dtype=torch.int64), NOTHING, NOTHING, NOTHING, 3)
    found = empty.look_up(torch.tensor([[0], [1]]))
    assert not found.known.any()
    assert found.first_seen.tolist() == [NEVER]


def test_many_lookups_are_those_of_a_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_history, "PAIRS_A_THREAD", 8)
    g = torch.Generator().manual_seed(0)
    edges = torch.combinations(torch.arange(30), 2).T[:, torch.randperm(435, generator=g)[:200]]
    first_seen = torch.arange(200)
    history = EdgeHistory.of(edges, first_seen, first_seen, torch.full((200,), NEVER), 30)
    dates = {frozenset(pair): day for day, pair in enumerate(edges.T.tolist())}
    pairs = torch.randint(-1, 31, (2, 3000), generator=g)
    found = history.look_up(pairs)
    expected = [dates.get(frozenset(pair)) for pair in pairs.T.tolist()]
    assert found.known.tolist() == [day is not None for day in expected]
    assert found.first_seen.tolist() == [NEVER if day is None else day for day in expected]
    assert (
        history.first_seen_until(49).keys.sort().values.tolist()
        == history.keys_of(edges[:, :50]).sort().values.tolist()
    )
