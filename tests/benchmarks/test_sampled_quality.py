from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch_geometric.data import Data

from benchmarks import sampled_quality
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys


@pytest.fixture(autouse=True)
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of 400 nodes joined to the next four, in the place of Cora."""
    nodes = torch.arange(400)
    edges = torch.cat([torch.stack([nodes, (nodes + step) % 400]) for step in (1, 2, 3, 4)], 1)
    edges = Adjacency.from_edges(edges, 400).edges()
    data = Data(x=torch.rand(400, 3), edge_index=edges, num_nodes=400)
    monkeypatch.setattr(sampled_quality, "load", lambda _: data)
    plan = sampled_quality.PLANS["cora"]
    recipe = plan.training.model_copy(update={"epochs": 2})
    monkeypatch.setitem(sampled_quality.PLANS, "cora", replace(plan, training=recipe, samples=((2, 4),)))


def test_split_shares_no_pair_between_training_validation_and_test() -> None:
    data, test, negatives = sampled_quality.split("cora", sampled_quality.PLANS["cora"], 0)
    edges = [pair_keys(part, 400).sort().values for part in (data.train_edges, data.valid_edges, test)]
    others = [pair_keys(part, 400) for part in (data.valid_negatives, negatives)]
    for number, one in enumerate(edges):
        assert not any(bool(contains_keys(one, keys).any()) for keys in [*edges[number + 1 :], *others])
    assert test.shape == negatives.shape


def test_every_training_is_graded_its_own_way_and_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    assert sampled_quality.main(["--data", "cora", "--seeds", "1"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["trained"], set(line["scored"])) for line in lines] == [
        ("exact", {"exact"}),
        ("fan-out 2, overlap 4", {"exact", "fan-out 2, overlap 4"}),
    ]
    assert all(0 <= grade["auc"] <= 1 for line in lines for grade in line["scored"].values())
