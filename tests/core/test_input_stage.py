from __future__ import annotations

import torch

from ncnc_core.input_stage import InputStage, known_rows

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
