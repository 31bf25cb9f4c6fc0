from __future__ import annotations

import torch

from ncnc_core.feature_rows import feature_rows

DENSE = torch.tensor([[1.0, 0, 2], [0, 0, 0], [0, 3, 0], [4, 5, 6]])
NODES = torch.tensor([3, 0, 1, 3])


def test_dense_rows_come_in_the_order_asked_for() -> None:
    assert torch.equal(feature_rows(DENSE, NODES), DENSE[NODES])


def test_sparse_rows_stay_sparse() -> None:
    rows = feature_rows(DENSE.to_sparse_csr(), NODES)
    assert rows.layout == torch.sparse_csr
    assert torch.equal(rows.to_dense(), DENSE[NODES])


def test_integer_features_are_one_a_node() -> None:
    assert feature_rows(torch.tensor([7, 8, 9, 10]), NODES).tolist() == [10, 7, 8, 10]


def test_no_nodes_have_no_rows() -> None:
    for features in (DENSE, DENSE.to_sparse_csr()):
        assert feature_rows(features, NODES[:0]).shape == (0, 3)
