from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.transforms import RandomLinkSplit

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.training import fit
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.data import TrainingData

SMALL = ModelConfig(hidden_channels=4, predictor="ncn")


def test_fit_is_fixed_by_its_seed_and_reports_each_epoch() -> None:
    edges = torch.stack([torch.arange(30), (torch.arange(30) * 7 + 1) % 30])
    seen: list[EpochResult] = []
    models = [
        LinkModel.fit(edges, model=SMALL, training=TrainingConfig(epochs=2), on_epoch=seen.append) for _ in range(2)
    ]
    pairs = torch.triu_indices(30, 30, offset=1)
    assert torch.equal(models[0].score_pairs(pairs), models[1].score_pairs(pairs))
    assert [result.epoch for result in seen] == [1, 2, 1, 2]


def test_one_edge_is_too_few_to_learn_and_to_validate() -> None:
    with pytest.raises(InvalidGraph, match=r"There are 1 edges, and training needs 2"):
        LinkModel.fit(torch.tensor([[0], [1]]), model=SMALL)


def test_named_nodes_without_edges_are_part_of_the_model() -> None:
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    served = LinkModel.fit(Positions(edges), node_ids=list("abcdef"), model=SMALL, training=TrainingConfig(epochs=1))
    assert served.num_nodes == 6
    assert served.score_ids(["a"], ["f"]).shape == (1,)


@pytest.mark.parametrize("fraction", [-0.1, 0.0, 1.0, 10.0, float("nan")])
def test_a_share_to_validate_that_is_none_is_refused(fraction: float) -> None:
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    with pytest.raises(InvalidGraph, match=rf"between 0 and 1, but it is {fraction}\. Give 0\.1"):
        LinkModel.fit(edges, model=SMALL, valid_fraction=fraction)


NODES = torch.arange(40)
RING = torch.cat([torch.stack([NODES, (NODES + step) % 40]) for step in (1, 2)], 1)
TWICE = TrainingConfig(epochs=2)
NAMES = [f"n{node:02d}" for node in range(40)]


def test_own_validation_edges_choose_the_epoch_and_are_served() -> None:
    train, valid = RING[:, 8:], RING[:, :8]
    model = LinkModel.fit(
        Positions(train), node_ids=NAMES, valid=[(NAMES[u], NAMES[v]) for u, v in valid.T.tolist()],
        model=SMALL, training=TWICE,
    )  # fmt: skip
    assert bool(model.adjacency.has(RING).all())
    again = LinkModel.fit(train, valid=valid, model=SMALL, training=TWICE)
    assert [one.metrics for one in model.history] == [one.metrics for one in again.history]
    assert [one.epoch for one in model.history] == [1, 2]
    far = torch.stack([valid[0], valid[0] + 20])
    other = LinkModel.fit(train, valid=valid, valid_negatives=far, model=SMALL, training=TWICE)
    assert [one.metrics for one in other.history] != [one.metrics for one in again.history]
    assert other.updated(new_nodes=[40]).history == other.history
    weighted = LinkModel.fit(train, edge_weight=torch.full((72,), 3.0), valid=valid, model=SMALL, training=TWICE)
    assert weighted.adjacency.weight is not None
    assert weighted.adjacency.weight.unique().tolist() == [1.0, 3.0]


def test_a_random_link_split_is_trained_validated_and_evaluated() -> None:
    data = Data(edge_index=torch.cat([RING, RING.flip(0)], 1), num_nodes=40)
    torch.manual_seed(0)
    train, valid, test = RandomLinkSplit(num_val=0.2, num_test=0.1, is_undirected=True)(data)
    model = LinkModel.fit(train, valid=valid, selection_metric="auc", model=SMALL, training=TWICE)
    assert model.adjacency.num_edges == 80 - 8
    found = model.evaluate(test)
    assert (found.num_edges, found.num_negatives, found.removed_edges) == (8, 8, 0)
    leaking = RandomLinkSplit(num_val=0.2, num_test=0.1, is_undirected=False)(data)
    with pytest.raises(InvalidGraph, match=r"validation edges are edges of the training graph .*is_undirected=True"):
        LinkModel.fit(leaking[0], valid=leaking[1], model=SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid": RING[:, :1].flip(0)}, r"1 of 1 validation edges are edges of the training graph \(first: place 0\)"),
        (
            {"valid": [(0, 9)], "valid_negatives": [(0, 8), (2, 1)]},
            r"1 of 2 validation negatives are edges .*place 1",
        ),
        ({"valid": [(0, 9)], "valid_negatives": [(9, 0)]}, r"1 of 1 validation negatives are edges \(first: place 0"),
        ({"valid_negatives": [(0, 9)]}, r"valid_negatives was given without valid\. Give the edges"),
        ({"valid": [(0, 99)]}, r"position 99, but the graph has positions 0 to 39"),
        ({"valid": Data(edge_index=RING)}, r"The Data has no labelled pairs"),
        ({"expects_new_nodes": True, "model": SMALL}, r"expects_new_nodes is for the automatic choice.*Leave it out"),
    ],
)
def test_validation_that_does_not_fit_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        LinkModel.fit(RING, **{"training": TWICE, "progress": False, **options})  # type: ignore[arg-type]


def test_a_model_is_chosen_for_nodes_that_are_to_come() -> None:
    one = TrainingConfig(epochs=1)
    assert LinkModel.fit(RING, training=one).config.node_embedding != "off"
    assert LinkModel.fit(RING, training=one, expects_new_nodes=True).config.node_embedding == "off"


def test_a_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    whole = LinkModel.fit(RING, model=SMALL, training=TrainingConfig(epochs=3))
    seen = []

    def killed(result: EpochResult) -> None:
        seen.append(result.epoch)
        if result.epoch == 2:
            raise KeyboardInterrupt

    options = {"model": SMALL, "training": TrainingConfig(epochs=3), "checkpoint": tmp_path / "kept"}
    with pytest.raises(KeyboardInterrupt):
        LinkModel.fit(RING, on_epoch=killed, **options)  # type: ignore[arg-type]
    again = LinkModel.fit(RING, on_epoch=lambda result: seen.append(result.epoch), **options)  # type: ignore[arg-type]
    assert seen == [1, 2, 3]
    assert [one.loss for one in again.history] == [one.loss for one in whole.history]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor)
    with pytest.raises(InvalidGraph, match=r"checkpoint of another training"):
        LinkModel.fit(RING, model=SMALL, training=TrainingConfig(epochs=4), checkpoint=tmp_path / "kept")


def test_two_threads_at_once_give_the_weights_of_one() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        config = ModelConfig(hidden_channels=4, predictor="ncn", encoder_edge_dropout=0.5, predictor_dropout=0.5)
        model = LinkModel.fit(RING, model=config, training=TrainingConfig(epochs=4, batch_size=8, seed=seed))
        return [tensor.numpy() for tensor in model.network.state_dict().values()]

    seeds = [0, 1, 0, 1]
    alone = {seed: weights(seed) for seed in (0, 1)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(weights, seeds))
    for seed, one in zip(seeds, found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, alone[seed], strict=True))


def test_validation_edges_without_a_negative_are_left_out_and_a_complete_graph_is_refused() -> None:
    every = torch.triu_indices(12, 12, offset=1)
    epoch = TrainingConfig(epochs=1)
    LinkModel.fit(every[:, every[0] < 8], model=SMALL, training=epoch, valid_fraction=0.5)  # nodes 0 to 7 know all
    with pytest.raises(InvalidGraph, match=r"None of the 33 validation edges has a negative.*pairs that are no edges"):
        LinkModel.fit(every, model=SMALL, training=epoch, valid_fraction=0.5)


def test_the_latest_edges_validate_where_a_model_reads_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of which an edge comes each day, the last one again on the hundredth, and a chord before the cut."""
    found: list[TrainingData] = []

    def caught(*arguments: object, **_: object) -> None:
        found.extend(one for one in arguments if isinstance(one, TrainingData))
        raise InterruptedError

    monkeypatch.setattr(fit, "train_network", caught)
    edges = torch.cat([RING[:, :40], torch.tensor([[0, 39], [20, 0]])], 1)
    time = torch.cat([torch.arange(40), torch.tensor([30, 100])])
    with pytest.raises(InterruptedError):
        LinkModel.fit(
            Positions(edges), node_ids=NAMES, time=time, model=ModelConfig(predictor="temporal_ncn"), valid_fraction=0.1
        )
    (data,) = found
    assert data.times is not None
    assert (data.times.cut_train, data.times.cut_valid) == (35, 100)
    assert sorted(data.valid_edges.T.tolist()) == [[0, 39], [36, 37], [37, 38], [38, 39]]
    assert data.train_edges.shape[1] == 37
    assert torch.equal(data.forbidden_keys, data.times.history.keys_until(35))
    assert data.negatives_per_valid_edge == 50
    known = data.times.history.graph_at(100)
    assert not known.has(data.valid_negatives).any()
