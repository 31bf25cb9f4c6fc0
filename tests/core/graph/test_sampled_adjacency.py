from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.sampled_adjacency import SampledAdjacency


def sampled(**changes: object) -> SampledAdjacency:
    """Two rows over four nodes: node 0 reads 1 and 2 of its 6 neighbours, node 1 all of its 2."""
    values = {
        "row_scale": torch.tensor([3.0, 1.0]),
        "full_degree": torch.tensor([6, 2, 5, 9]),
        "full_weight": torch.tensor([3.0, 1.0, 2.0, 4.0]),
        "weight": torch.tensor([0.5, 0.25, 0.75, 0.25]),
    }
    pointer, column = torch.tensor([0, 2, 4]), torch.tensor([1, 2, 0, 3])
    return SampledAdjacency(pointer, column, 4, **{**values, **changes})  # type: ignore[arg-type]


def test_degree_is_that_of_the_whole_graph_and_rows_those_at_hand() -> None:
    assert sampled().degree.tolist() == [6, 2, 5, 9]
    assert sampled().row.tolist() == [0, 0, 1, 1]
    assert sampled().num_rows == 2


def test_dropped_entries_take_their_share_of_the_degree() -> None:
    kept = sampled().masked(torch.tensor([True, False, True, True]))
    assert kept.column.tolist() == [1, 0, 3]
    assert kept.weight is not None
    assert kept.weight.tolist() == [0.5, 0.75, 0.25]
    assert kept.degree[:2].tolist() == [3, 2]  # half of node 0's, all of node 1's
    assert kept.full_weight is not None
    assert kept.full_weight[:2].tolist() == [1.5, 1]
    assert kept.row_scale.tolist() == [3, 1]


def test_degrees_of_nodes_without_a_row_are_drawn_as_edge_dropout_draws_them() -> None:
    torch.manual_seed(0)
    keep = torch.tensor([True, False, True, True])
    degrees = torch.stack([sampled().masked(keep).degree[2:] for _ in range(1000)])
    assert torch.equal(degrees.round(), degrees)
    assert degrees.mean(0).tolist() == pytest.approx([0.75 * 5, 0.75 * 9], abs=0.2)
    assert degrees.var(0).tolist() == pytest.approx([0.75 * 0.25 * 5, 0.75 * 0.25 * 9], rel=0.2)


def test_each_layer_has_its_own_graph_and_no_other_layer_one() -> None:
    inner = sampled()
    outer = sampled(inner=(inner,))
    assert outer.layer(0) is outer
    assert outer.layer(1) is inner
    with pytest.raises(InvalidGraph, match=r"sampled for 2 layers, but the encoder asks for layer 3. Give neigh"):
        outer.layer(2)


def test_copy_on_a_device_is_the_same_graph() -> None:
    moved = sampled(inner=(sampled(),)).to("cpu")
    assert torch.equal(moved.full_degree, sampled().full_degree)
    assert len(moved.inner) == 1
    assert moved.structure is None
