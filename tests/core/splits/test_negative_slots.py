from __future__ import annotations

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.splits import negative_slots
from ncnc_core.splits.negative_slots import NegativeSlots, is_refused, node_groups
from ncnc_core.splits.negatives import corrupted_negatives

NODES = 300


def graph() -> tuple[torch.Tensor, torch.Tensor]:
    """Edges with hubs, and their sorted keys."""
    generator = torch.Generator().manual_seed(0)
    edges = Adjacency.from_edges((torch.rand(2, 6000, generator=generator).pow(3) * NODES).long(), NODES).edges()
    return edges, pair_keys(edges, NODES).sort().values


@pytest.mark.parametrize("kind", ["uniform", "degree_matched"])
def test_slots_that_are_drawn_for_in_parts_are_filled_as_all_at_once(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    edges, keys = graph()
    degree = Adjacency.from_edges(edges, NODES).degree

    def drawn() -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        return corrupted_negatives(edges, 5, keys, generator, num_nodes=NODES, kind=kind, degree=degree)

    whole = drawn()
    monkeypatch.setattr(negative_slots, "SLOTS_AT_ONCE", 77)
    in_parts = drawn()

    assert torch.equal(in_parts, whole)
    assert not contains_keys(keys, pair_keys(whole, NODES)).any()


def test_a_slot_keeps_one_end_and_replaces_the_other() -> None:
    slots = NegativeSlots(
        torch.tensor([[1, 2], [5, 6]]), 2, torch.tensor([True, False, True, False]), torch.tensor([7, 8, 9, 10])
    )
    kept, replaced = slots.ends(torch.arange(4))
    assert (kept.tolist(), replaced.tolist()) == ([1, 5, 2, 6], [5, 1, 6, 2])
    assert slots.pairs().tolist() == [[1, 8, 2, 10], [7, 5, 9, 6]]


def test_nodes_are_grouped_by_the_digits_of_their_degree_and_only_the_asked_are_drawn() -> None:
    degree, among = torch.tensor([3, 0, 1, 2, 8]), torch.tensor([True, True, True, False, True])
    groups = node_groups(degree, 5, torch.device("cpu"), among)
    assert groups.group.tolist() == [2, 0, 1, 2, 4]
    assert groups.ordered.tolist() == [1, 2, 0, 4]
    assert groups.start.tolist() == [0, 1, 2, 3, 3, 4]


def test_an_edge_in_either_direction_and_a_node_with_itself_are_refused() -> None:
    forbidden = pair_keys(torch.tensor([[1], [4]]), 9)
    assert is_refused(torch.tensor([[4, 1, 3, 1], [1, 4, 3, 5]]), forbidden, 9).tolist() == [True, True, True, False]
