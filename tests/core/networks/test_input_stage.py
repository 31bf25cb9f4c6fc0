from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ncnc_core.networks.dropout import Dropout
from ncnc_core.networks.input_stage import InputStage, compressed, known_rows, sparse_linear

TABLE = torch.arange(1.0, 7).view(3, 2)


def stage(*, num_features: int = 4, num_ids: int = 0, project: bool = True, feature_dropout: float = 0.0) -> InputStage:
    return InputStage(
        num_features=num_features,
        num_ids=num_ids,
        channels=2,
        project=project,
        feature_dropout=feature_dropout,
        dropout=0.0,
    )


def test_rows_of_positions_end_with_zeros_for_nodes_past_the_table() -> None:
    assert known_rows(TABLE, None, 5).tolist() == [[1, 2], [3, 4], [5, 6], [0, 0], [0, 0]]
    assert known_rows(TABLE, None, 2).tolist() == [[1, 2], [3, 4]]


def test_rows_of_ids_are_looked_up_and_zeros_for_an_id_past_the_table() -> None:
    assert known_rows(TABLE, torch.tensor([2, 3, 0, 9]), 4).tolist() == [[5, 6], [0, 0], [1, 2], [0, 0]]


def test_unprojected_features_keep_their_width_unless_a_vector_is_added() -> None:
    x = torch.rand(5, 4)
    assert torch.equal(stage(project=False)(x, None, 5), x)
    assert stage(project=False).width == 4
    assert stage(project=False, num_ids=5)(x, None, 5).shape == (5, 2)


def test_vectors_start_orthogonal() -> None:
    weight = stage(num_ids=2).embedding.weight
    torch.testing.assert_close(weight @ weight.T, torch.eye(2))


def test_feature_dropout_does_not_reach_the_vectors() -> None:
    embedding = stage(num_features=0, num_ids=5, feature_dropout=0.9).train()
    assert torch.equal(embedding(None, None, 5), embedding.embedding.weight)


def words(seed: int, rows: int = 12, width: int = 7, share: float = 0.2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(rows, width, generator=generator)
    return torch.where(torch.rand(rows, width, generator=generator) < share, values, 0.0)


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 1.0]), st.booleans())
def test_value_and_gradients_equal_those_of_the_dense_product(seed: int, share: float, bias: bool) -> None:
    dense = words(seed, share=share)
    linear, upstream = nn.Linear(7, 5, bias=bias), torch.rand(12, 5)
    ours, twin = sparse_linear(dense.to_sparse_csr(), linear, Dropout(0.5).eval()), linear(dense)
    torch.testing.assert_close(ours, twin)
    torch.testing.assert_close(
        *(torch.autograd.grad(product, list(linear.parameters()), upstream) for product in (ours, twin))
    )


def test_dropout_leaves_nonzeros_out_and_weighs_the_others_up() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(1, 1, bias=False)
    nn.init.ones_(linear.weight)
    result = sparse_linear(torch.ones(4000, 1).to_sparse_csr(), linear, Dropout(0.75))
    assert set(result.flatten().tolist()) == {0.0, 4.0}
    assert float(result.mean()) == pytest.approx(1, abs=0.12)  # five standard deviations


def test_mostly_zeros_are_compressed_and_come_back_the_same() -> None:
    dense = words(1, rows=700, width=100, share=0.05)
    sparse = compressed(dense)
    assert sparse is not None
    assert sparse.layout == torch.sparse_csr
    assert torch.equal(sparse.to_dense(), dense)
    assert compressed(sparse) is sparse


@pytest.mark.parametrize(
    "features",
    [
        None,
        words(1, rows=700, width=100, share=0.2),  # too full
        words(1, rows=70, width=100, share=0.05),  # too small
        torch.zeros(2**17, dtype=torch.int64),  # ids
    ],
)
def test_other_features_stay_as_they_are(features: torch.Tensor | None) -> None:
    assert compressed(features) is features
