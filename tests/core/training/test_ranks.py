from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed, multiprocessing, nn

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.splits.negatives import corrupted_negatives
from ncnc_core.training.data import TrainingData
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.trained_network import TrainedNetwork, train_network
from tests.fixtures.drawn_history import history_of_waves, until_test

SIZE = 2


@given(count=st.integers(0, 50), size=st.integers(1, 9))
def test_shares_are_all_things_once_and_differ_by_one_at_most(count: int, size: int) -> None:
    shares = [list(range(count))[Ranks(rank, size).share(count)] for rank in range(size)]
    assert [thing for share in shares for thing in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_without_a_process_group_a_process_is_alone_and_does_everything_itself() -> None:
    ranks, pairs, heard = Ranks.here(), torch.arange(8).view(2, 4), []
    assert ranks == Ranks(0, 1)
    assert ranks.is_first
    assert torch.equal(ranks.scored(lambda own: own.sum(0), pairs), pairs.sum(0))
    assert ranks.of_first("value") == "value"
    ranks.counting(heard.append)(3)
    ranks.counting(None)(3)
    assert heard == [3]
    state = torch.get_rng_state()
    ranks.begin_epoch(0, 1)
    assert torch.equal(torch.get_rng_state(), state)  # it draws on from where it is


def test_a_loss_that_is_kept_keeps_no_gradients_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "all_reduce", lambda sums: sums)  # nobody else gives anything
    weights = nn.Parameter(torch.zeros(1000))
    weights.grad = torch.ones(1000)
    loss = Ranks(0, 2).add_up([weights], torch.tensor(0.25))
    assert loss.untyped_storage().nbytes() == loss.element_size()
    assert torch.equal(weights.grad, torch.ones(1000))


def data() -> TrainingData:
    generator = torch.Generator().manual_seed(3)
    edges = torch.randint(120, (2, 700), generator=generator)
    edges = edges[:, edges[0] != edges[1]].sort(0).values.unique(dim=1)
    edges = edges[:, torch.randperm(edges.shape[1], generator=generator)]
    keys = pair_keys(edges, 120).sort().values
    negatives = corrupted_negatives(edges[:, :61], 5, keys, generator, num_nodes=120)
    return TrainingData(120, None, edges[:, 61:], keys, edges[:, :61], negatives)


def trained(**model: object) -> TrainedNetwork:
    config = ModelConfig.model_validate({"hidden_channels": 8, "completion_max_neighbors": None, **model})
    recipe = TrainingConfig(epochs=3, batch_size=100, calibrate_completion=config.predictor == "ncnc")
    return train_network(config, recipe, data())


def in_group(rank: int, folder: Path, work: Callable[[], object]) -> None:
    """Do the work as one of two processes, and leave what the first says, and what the second."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'met'}", rank=rank, world_size=SIZE)
    torch.save(work(), folder / str(rank))
    distributed.destroy_process_group()


def together(folder: Path, work: Callable[[], object]) -> tuple[object, object]:
    multiprocessing.spawn(in_group, (folder, work), nprocs=SIZE)  # type: ignore[no-untyped-call]
    first, second = (torch.load(folder / str(rank), weights_only=False) for rank in range(SIZE))
    return first, second


def exchanged() -> tuple[object, ...]:
    """Return what two processes get of each exchange, in which each gives something of its own."""
    ranks = Ranks.here()
    used, unused, frozen = (nn.Parameter(torch.full((2,), 5.0)) for _ in range(3))
    frozen.requires_grad_(requires_grad=False)
    once = nn.Parameter(torch.zeros(3))
    used.grad = torch.tensor([1.0, 2.0]) * (1 + ranks.rank)
    if not ranks.is_first:
        once.grad = torch.ones(3)
    loss = ranks.add_up([used, unused, frozen, once], torch.tensor(0.25 + ranks.rank))
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, float(ranks.rank))
    ranks.take_weights_of_first(layer)
    ranks.begin_epoch(0, 1)
    drawn, pairs = torch.rand(3), torch.arange(10).view(2, 5)
    scored = ranks.scored(lambda own: torch.stack([own[0] * 2.0, own[1] + ranks.rank * 100.0]), pairs)
    alone = ranks.scored(lambda own: own[0] + 1.0, pairs[:, :1])
    told = ranks.of_first(f"rank {ranks.rank}")
    return loss, used.grad, unused.grad, once.grad, layer.weight.detach(), scored, alone, told, drawn


def timed_data() -> TrainingData:
    times = until_test(history_of_waves(600))
    history, generator = times.history, torch.Generator().manual_seed(0)
    valid, known = history.fresh(times.cut_train, times.cut_valid), history.keys_until(times.cut_valid)
    return TrainingData(
        num_nodes=history.num_nodes,
        features=None,
        train_edges=history.graph_at(times.cut_train).edges(),
        forbidden_keys=history.keys_until(times.cut_train),
        valid_edges=valid,
        valid_negatives=corrupted_negatives(valid, 5, known, generator, num_nodes=history.num_nodes),
        times=times,
    )


def curves() -> dict[str, object]:
    """Return losses and metrics of trainings without dropout."""
    found: dict[str, object] = {}
    for predictor in ("ncn", "ncnc"):
        result = trained(predictor=predictor)
        found[predictor] = [(one.loss, one.metrics["mrr"]) for one in result.history], result.value
    config, recipe = ModelConfig(predictor="temporal_ncn", hidden_channels=8), TrainingConfig(epochs=2, refit=False)
    result = train_network(config, recipe, timed_data())
    found["temporal_ncn"] = [(one.loss, one.metrics["mrr"]) for one in result.history], result.value
    return found


def everything() -> tuple[object, ...]:
    sampled = train_network(
        ModelConfig(hidden_channels=8, predictor="ncn", encoder_dropout=0.2),
        TrainingConfig(epochs=2, batch_size=100, neighbor_fan_out=(3,), calibrate_completion=False),
        data(),
    )
    return exchanged(), curves(), {name: one.clone() for name, one in sampled.network.state_dict().items()}


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    (first, curves_of_first, sampled), (second, curves_of_second, sampled_of_second) = together(tmp_path, everything)
    loss, used, unused, once, weight, scored, alone, told, drawn = first  # type: ignore[misc]
    assert float(loss) == 1.5
    assert used.tolist() == [3.0, 6.0]
    assert unused is None
    assert once.tolist() == [1.0, 1.0, 1.0]
    assert weight.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert scored.tolist() == [[0.0, 2.0, 4.0, 6.0, 8.0], [5.0, 6.0, 107.0, 108.0, 109.0]]
    assert alone.tolist() == [1.0]
    assert told == "rank 0"
    assert str(first[:-1]) == str(second[:-1])  # type: ignore[index]
    assert not torch.equal(drawn, second[-1])  # type: ignore[index]  # each drops out of its own pairs

    alone_curves = curves()
    assert curves_of_first == curves_of_second
    for predictor, (history, value) in curves_of_first.items():
        expected, expected_value = alone_curves[predictor]  # type: ignore[misc]
        assert history == [pytest.approx(one, rel=1e-4) for one in expected], predictor
        assert value == pytest.approx(expected_value, rel=1e-3)
    assert all(torch.equal(one, sampled_of_second[name]) for name, one in sampled.items())
