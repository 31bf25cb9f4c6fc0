from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.features import (
    feature_ids,
    feature_rows,
    features_on,
    read_features,
    require_one_row_each,
    stacked_features,
)
from ncnc_core.networks.link_network import require_narrow_table

VALUES = [[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
IDS = ["a", "b", "c"]


@pytest.mark.parametrize(
    "features",
    [
        torch.tensor(VALUES, dtype=torch.float64),
        np.array(VALUES, dtype=np.int64),
        torch.tensor(VALUES).to_sparse(),
        torch.tensor(VALUES).to_sparse_csr(),
        scipy.sparse.coo_matrix(VALUES),
        scipy.sparse.csr_array(VALUES),
        pd.DataFrame(VALUES, index=["a", "b", "c"]),
        pd.DataFrame(VALUES[::-1], index=["c", "b", "a"]),  # put into the nodes' order
    ],
    ids=["double", "whole", "coo", "csr", "scipy-coo", "scipy-csr", "table", "table-reversed"],
)
def test_every_form_of_features_gives_the_same_rows(features: object) -> None:
    tensor = read_features(features, IDS)
    assert tensor is not None
    assert tensor.dtype == torch.float32
    assert tensor.to_dense().tolist() == VALUES


def test_sparse_features_stay_sparse_in_compressed_rows() -> None:
    for features in (torch.tensor(VALUES).to_sparse(), scipy.sparse.coo_matrix(VALUES)):
        tensor = read_features(features, IDS)
        assert tensor is not None
        assert tensor.layout == torch.sparse_csr


def test_a_vector_of_whole_numbers_is_taken_for_categories() -> None:
    tensor = read_features(np.array([4, 0, 4], dtype=np.int32), IDS)
    assert tensor is not None
    assert (tensor.dtype, tensor.tolist()) == (torch.int64, [4, 0, 4])


def test_no_features_are_none() -> None:
    assert read_features(None, IDS) is None


@pytest.mark.parametrize(
    "features",
    [
        torch.tensor([[1.0, 0.0], [0.0, float("nan")], [0.0, float("inf")]]),
        torch.tensor([[1.0, 0.0], [0.0, float("nan")], [0.0, float("inf")]]).to_sparse(),
        pd.DataFrame([[1.0, 0.0], [0.0, None], [0.0, float("inf")]], index=IDS),
    ],
    ids=["dense", "sparse", "table"],
)
def test_nan_is_refused_with_the_number_of_rows_and_the_first_node(features: object) -> None:
    with pytest.raises(InvalidGraph, match=r"2 of 3 rows of features hold NaN or infinity \(first: node 'b'\)\. Fill"):
        read_features(features, IDS)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (torch.zeros(2, 2), r"2 rows for 3 nodes\. Give one row a node"),
        (
            torch.tensor([0, -3, -1]),
            r"2 of 3 integer features are negative \(first: -3 of node 'b'\).*Renumber them from 0",
        ),
        (torch.zeros(3), r"shape \[3\]\. Give \[nodes, features\]"),
        (torch.zeros(3, 2, 2), r"shape \[3, 2, 2\]"),
        (np.array([["x"], ["y"], ["z"]]), r"the array holds <U1\. Turn them into numbers"),
        (
            pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]),
            r"lacks 1 of 3 nodes \(first: 'c'\)\. Give a row for every",
        ),
        (pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}, index=["a", "b", "c", "c"]), r"4 rows for 3 different node ids"),
        (pd.DataFrame({"x": [1, 2, 3], "y": list("uvw")}, index=IDS), r"column 'y' holds str.*Leave the column out"),
    ],
)
def test_wrong_features_are_refused_with_the_remedy(features: object, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        read_features(features, IDS)


def test_ids_come_from_a_table_alone() -> None:
    assert feature_ids(pd.DataFrame({"x": [1, 2]}, index=[30, 10])) == [30, 10]
    assert feature_ids(torch.zeros(2, 1)) is None
    assert feature_ids(None) is None


@pytest.mark.parametrize("sparse", [False, True])
def test_rows_are_stacked_in_the_layout_they_have(sparse: bool) -> None:
    features = torch.tensor(VALUES).to_sparse_csr() if sparse else torch.tensor(VALUES)
    for more in (torch.ones(1, 2), torch.ones(1, 2).to_sparse_csr()):
        stacked = stacked_features(features, more)
        assert stacked.layout == features.layout
        assert stacked.to_dense().tolist() == [*VALUES, [1.0, 1.0]]


def test_a_graph_is_scored_with_its_own_features_or_the_models() -> None:
    own, others = torch.zeros(3, 1), torch.zeros(4, 1)
    small, large = (Adjacency.from_edges(torch.tensor([[0], [1]]), count) for count in (3, 4))
    assert features_on(small, None, own, IDS) is own
    found = features_on(large, others, own, IDS)
    assert found is not None
    assert torch.equal(found, others)
    assert features_on(large, None, None, IDS) is None
    by_position = features_on(large, pd.DataFrame({"x": [3.0, 2.0, 1.0, 0.0]}, index=[3, 2, 1, 0]), own, IDS)
    assert by_position is not None
    assert by_position.flatten().tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(InvalidGraph, match=r"has 4 nodes, the model's features 3 rows\. Give the features"):
        features_on(large, None, own, IDS)
    with pytest.raises(InvalidGraph, match=r"2 rows for 3 nodes\. Give one row a node"):
        features_on(small, np.zeros((2, 1)), own, IDS)


def test_another_number_of_rows_than_nodes_is_refused() -> None:
    require_one_row_each(None, 3)
    with pytest.raises(InvalidGraph, match=r"2 rows for 3 nodes"):
        require_one_row_each(torch.zeros(2, 1), 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("writable", [False, True])
def test_arrays_are_copied_and_may_be_read_only(dtype: type, writable: bool) -> None:
    for values in (np.array(VALUES, dtype=dtype), np.arange(3).astype(np.int64)):
        values.setflags(write=writable)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tensor = read_features(values, IDS)
        assert tensor is not None
        before = values.tolist()
        values = values if writable else values.copy()
        values[:] = 7
        assert tensor.tolist() == before


def test_a_table_of_categories_far_wider_than_the_nodes_is_refused() -> None:
    require_narrow_table(torch.tensor([0, 9_999]))
    require_narrow_table(torch.zeros(0, dtype=torch.int64))
    with pytest.raises(InvalidGraph, match=r"highest integer feature is 1000000000000 for 2 nodes.*Renumber them from"):
        require_narrow_table(torch.tensor([0, 10**12]))


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
