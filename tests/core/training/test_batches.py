from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import contains_keys, pair_keys
from ncnc_core.training.batches import batch_sizes, epoch_batches, random_order
from ncnc_core.training.data import TrainingData


def ring(count: int = 60) -> TrainingData:
    nodes = torch.arange(count)
    edges = torch.stack([nodes, (nodes + 1) % count])
    return TrainingData(
        num_nodes=count,
        features=None,
        train_edges=edges,
        forbidden_keys=pair_keys(edges, count).sort().values,
        valid_edges=torch.tensor([[0], [2]]),
        valid_negatives=torch.tensor([[0], [30]]),
    )


def drawn(training: TrainingConfig, seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    data = ring()
    return list(epoch_batches(data, training, data.never_negative(), torch.Generator().manual_seed(seed)))


# edges, batch size, share of the edges a batch may take, and the batches
@pytest.mark.parametrize(
    ("edges", "size", "fraction", "expected"),
    [
        (10, 4, 1.0, [4, 3, 3]),  # none dropped, all alike
        (10, 100, 1.0, [10]),
        (10, 100, 0.35, [3, 3, 2, 2]),
        (2, 100, 0.35, [1, 1]),
        (1, 1, 0.1, [1]),
    ],
)
def test_every_edge_is_in_a_batch_and_no_batch_takes_too_much_of_the_graph(
    edges: int, size: int, fraction: float, expected: list[int]
) -> None:
    assert batch_sizes(edges, TrainingConfig(batch_size=size, max_batch_fraction=fraction)) == expected


# Cora and Citeseer as published: 3696 and 3187 training edges, batches of 1152 and 384
@pytest.mark.parametrize(("edges", "size", "batches"), [(3696, 1152, 3), (3187, 384, 8), (1152, 1152, 1)])
def test_published_loader_drops_the_last_batch(edges: int, size: int, batches: int) -> None:
    assert batch_sizes(edges, TrainingConfig.as_published(batch_size=size)) == [size] * batches


def test_dropping_everything_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        InvalidGraph, match=r"whole batches of 1152 only, but an epoch has 1000 training.*batch_size to at most 1000"
    ):
        batch_sizes(1000, TrainingConfig.as_published(batch_size=1152))


def test_an_epoch_holds_each_edge_once_in_random_order() -> None:
    batches = drawn(TrainingConfig(batch_size=16))
    together = torch.cat([positives for positives, _ in batches], 1)
    expected = pair_keys(ring().train_edges, 60)
    assert torch.equal(pair_keys(together, 60).sort().values, expected.sort().values)
    assert not torch.equal(pair_keys(together, 60), expected)
    assert not torch.equal(together, torch.cat([positives for positives, _ in drawn(TrainingConfig(), 1)], 1))


def test_each_positive_has_its_negatives_none_of_them_an_edge() -> None:
    batches = drawn(TrainingConfig(batch_size=16, negatives_per_positive=3))
    assert [negatives.shape[1] for _, negatives in batches] == [3 * positives.shape[1] for positives, _ in batches]
    negatives = torch.cat([negatives for _, negatives in batches], 1)
    assert not contains_keys(ring().never_negative(), pair_keys(negatives, 60)).any()


@pytest.mark.parametrize("published", [True, False])
def test_an_epoch_of_fewer_pairs_draws_others_each_time(published: bool) -> None:
    recipe = TrainingConfig(batch_size=10, pairs_per_epoch=24, drop_last_as_published=published)
    data, sampler = ring(), torch.Generator().manual_seed(0)
    epochs = [
        torch.cat([one for one, _ in epoch_batches(data, recipe, data.never_negative(), sampler)], 1) for _ in range(2)
    ]
    assert [epoch.shape[1] for epoch in epochs] == [20 if published else 24] * 2
    assert pair_keys(epochs[0], 60).unique().numel() == epochs[0].shape[1]
    assert not torch.equal(*epochs)


def test_more_pairs_an_epoch_than_edges_is_every_edge() -> None:
    assert batch_sizes(10, TrainingConfig(pairs_per_epoch=100, max_batch_fraction=1.0)) == [10]


@given(count=st.integers(1, 500), share=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_random_order_draws_different_numbers(count: int, share: float, seed: int) -> None:
    wanted = int(count * share)
    order = random_order(count, wanted, torch.Generator().manual_seed(seed))
    assert order.numel() == order.unique().numel() == wanted
    assert order.ge(0).all()
    assert order.lt(count).all()


def test_few_of_many_are_drawn_uniformly() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = torch.cat([random_order(100, 20, generator) for _ in range(500)])
    share = torch.bincount(draws, minlength=100) / 100  # 10 000 draws: 100 each expected, standard deviation 9
    assert share.min() > 0.6
    assert share.max() < 1.4
    first = torch.stack([random_order(100, 20, generator)[0] for _ in range(500)]).double().mean()
    assert first == pytest.approx(49.5, abs=4.5)  # a sorted result would begin near 5
