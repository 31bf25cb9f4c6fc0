from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.training.data import TrainingData
from ncnc_core.training.valid_sample import ValidSample

EDGES, EACH = 40, 3


def data(negatives: int = EDGES * EACH) -> TrainingData:
    """Forty validation edges (e, e + 1); the own negatives of edge e are (e, 100 + ...)."""
    nodes = torch.arange(EDGES)
    owner = torch.arange(EDGES).repeat_interleave(EACH)
    return TrainingData(
        num_nodes=500,
        features=None,
        train_edges=torch.tensor([[400], [401]]),
        forbidden_keys=torch.empty(0, dtype=torch.int64),
        valid_edges=torch.stack([nodes, nodes + 1]),
        valid_negatives=torch.stack([owner, 100 + torch.arange(EDGES * EACH)])[:, :negatives],
    )


def sample(most: int | None, given: TrainingData | None = None, *, seed: int = 0, metric: str = "mrr") -> ValidSample:
    training = TrainingConfig(valid_pairs=most, seed=seed)
    return ValidSample.of_training(given or data(), training, metric)


def test_edges_are_drawn_with_their_own_negatives_within_the_bound() -> None:
    found = sample(33)
    assert (found.edges, found.of, found.pairs, found.is_whole) == (8, EDGES, 32, False)
    assert torch.equal(found.data.valid_negatives[0].view(-1, EACH), found.data.valid_edges[0][:, None].expand(-1, 3))
    assert found.edges == found.data.valid_edges[0].unique().numel()


def test_the_seed_fixes_the_draw() -> None:
    first, second, other = (sample(33, seed=seed).data.valid_edges for seed in (4, 4, 5))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


# the bound, and the metric: what is left whole is the very data
@pytest.mark.parametrize(("most", "metric"), [(None, "mrr"), (EDGES * (1 + EACH), "mrr"), (33, "hits@5")])
def test_all_are_taken_where_they_fit_or_a_rank_among_all_is_asked(most: int | None, metric: str) -> None:
    given = data()
    found = sample(most, given, metric=metric)
    assert found.data is given
    assert found.is_whole
    assert found.standard_error(torch.rand(EDGES), torch.rand(EDGES * EACH), "mrr") is None


def test_shared_negatives_are_drawn_in_the_same_share() -> None:
    given = data(negatives=EDGES * EACH - 1)
    found = sample(80, given, metric="auc")
    assert found.edges == 20
    assert found.data.valid_negatives.shape[1] == 59
    assert found.standard_error(torch.rand(20), torch.rand(59), "auc") is None


def test_one_pair_at_the_least_is_scored() -> None:
    assert sample(1).pairs == 1 + EACH


def test_standard_error_is_how_far_samples_stray_from_all() -> None:
    """The deviation of the samples' MRR over a thousand draws, against the mean of what each says of itself."""
    generator = torch.Generator().manual_seed(0)
    positive, negative = torch.randn(EDGES, generator=generator) + 1, torch.randn(EDGES, EACH, generator=generator)
    values, errors = [], []
    for seed in range(1000):
        found = sample(33, seed=seed)
        chosen = found.data.valid_edges[0]
        values.append(float(reciprocal_ranks(positive[chosen], negative[chosen]).mean()))
        errors.append(found.standard_error(positive[chosen], negative[chosen].flatten(), "mrr"))
    spread, said = torch.tensor(values).std(), torch.tensor(errors).square().mean().sqrt()
    assert float(spread) == pytest.approx(float(said), rel=0.1)


def test_one_edge_has_no_standard_error() -> None:
    assert replace(sample(1)).standard_error(torch.rand(1), torch.rand(3), "mrr") is None
