from __future__ import annotations

from typing import Any

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.training.data import TemporalData, TrainingData

EDGES = torch.tensor([[0, 1, 2], [1, 2, 3]])


def data(**changes: Any) -> TrainingData:
    values: dict[str, Any] = {
        "num_nodes": 5,
        "features": None,
        "train_edges": EDGES,
        "forbidden_keys": torch.tensor([4]),
        "valid_edges": torch.tensor([[3], [4]]),
        "valid_negatives": torch.tensor([[3, 3], [0, 1]]),
    }
    return TrainingData(**{**values, **changes})


def test_message_edges_and_forbidden_keys_are_never_negatives() -> None:
    with_more = data(message_only_edges=torch.tensor([[4], [0]]))
    assert with_more.message_edges.tolist() == [[0, 1, 2, 4], [1, 2, 3, 0]]
    assert with_more.never_negative().tolist() == [1, 4, 7, 13]  # 0-1, 0-4 (twice: forbidden and message), 1-2, 2-3


# validation edges, validation negatives, and how many each edge has of its own
@pytest.mark.parametrize(("edges", "negatives", "each"), [(1, 3, 3), (2, 2, 1), (2, 3, None), (3, 2, None)])
def test_negatives_belong_to_an_edge_only_where_they_divide_evenly(
    edges: int, negatives: int, each: int | None
) -> None:
    divided = data(valid_edges=EDGES[:, :edges], valid_negatives=EDGES[:, :negatives])
    assert divided.negatives_per_valid_edge == each


# what is wrong, and what the message says of it
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_edges": EDGES[:, :0]}, r"0 training edges\. Give at least one"),
        ({"valid_edges": EDGES[:, :0]}, r"There are 0 validation edges and 2 validation negatives"),
        ({"valid_negatives": EDGES[:, :0]}, r"1 validation edges and 0 validation negatives\. Give at least one of"),
        ({"features": torch.zeros(4, 2)}, r"4 rows for 5 nodes\. Give one row a node"),
        (
            {"message_weight": torch.ones(2)},
            r"message_weight has the shape \[2\] for 3 message edges\. Give one weight an edge",
        ),
        (
            {"features": torch.tensor([[0.0], [float("nan")], [1], [float("inf")], [2]])},
            r"2 rows of features hold NaN or infinity \(first: node at position 1\)\. Fill them in",
        ),
        (
            {"features": torch.tensor([[0.0, 1], [0, 2], [0, 0], [float("nan"), 3], [2, 0]]).to_sparse_csr()},
            r"1 rows of features hold NaN or infinity \(first: node at position 3\)\. Fill them in",
        ),
    ],
)
def test_unusable_data_is_refused_before_training(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        data(**changes)


def test_weights_reach_the_message_graph_and_every_tensor_moves() -> None:
    weighted = data(
        message_only_edges=torch.tensor([[4], [0]]),
        message_weight=torch.tensor([1.0, 2, 3, 4]),
        features=torch.arange(5),
    ).to(torch.device("meta"))
    assert {tensor.device.type for tensor in vars(weighted).values() if isinstance(tensor, torch.Tensor)} == {"meta"}
    adjacency = data(
        message_only_edges=torch.tensor([[4], [0]]), message_weight=torch.tensor([1.0, 2, 3, 4])
    ).adjacency()
    upper = adjacency.row < adjacency.column
    assert adjacency.edges().T.tolist() == [[0, 1], [0, 4], [1, 2], [2, 3]]
    assert adjacency.weight is not None
    assert adjacency.weight[upper].tolist() == [1, 4, 2, 3]


def test_ids_in_place_of_features_are_accepted() -> None:
    assert data(features=torch.tensor([0, 1, 2, 1, 0])).features is not None


def test_a_history_may_end_at_the_validation_cut_and_no_later() -> None:
    history = EventHistory.of_events(torch.cat([EDGES, EDGES[:, :1]], 1), torch.tensor([5, 6, 7, 9]), 5)
    assert TemporalData(history, 6, 9).history is history
    with pytest.raises(
        InvalidGraph, match=r"history goes on until 9, but training ends at 8\. Give history\.until\(8\)"
    ):
        TemporalData(history, 6, 8)
    assert TemporalData(history.until(8), 6, 8).history.repeat_time.numel() == 0
    none = EventHistory.of_events(EDGES[:, :0], torch.zeros(0, dtype=torch.int64), 5)
    assert TemporalData(none, 6, 8).cut_valid == 8


def test_times_stay_where_they_are_when_the_data_moves() -> None:
    history = EventHistory.of_events(EDGES, torch.tensor([5, 6, 7]), 5)
    moved = data(times=TemporalData(history, 6, 7)).to(torch.device("meta"))
    assert moved.times is not None
    assert moved.times.history.edges.device.type == "cpu"
