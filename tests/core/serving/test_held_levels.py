from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.grown_adjacency import grown_adjacency
from ncnc_core.networks import scoring
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.serving import held_levels
from ncnc_core.serving.held_levels import HeldLevels, reach

SIZE, NEW = 60, 3
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}  # products of fewer rows may add up in another order
CHANGES: list[dict[str, Any]] = [
    *({"encoder": one} for one in ("puregcn", "puresum", "puremean", "gcn", "sage", "gin", "none")),
    *({"encoder": one, "num_layers": 2} for one in ("puregcn", "gcn", "sage")),
    {"num_layers": 2, "residual": True, "jumping_knowledge": False},
    {"num_layers": 0},
    *({"encoder": one, "edge_weights": True} for one in ("puregcn", "puremean", "sage")),
    {"structural_features": True, "standardize_features": False},
    {"node_embedding": "added"},
    {"node_embedding": "only", "num_layers": 2},
    *({"predictor": one} for one in ("gae", "gae_cn", "ncn2", "ncnc")),
]


def sparse_graph(seed: int, num_nodes: int = SIZE) -> Adjacency:
    """Long paths with some chords: a change reaches a part of it."""
    generator = torch.Generator().manual_seed(seed)
    path = torch.stack([torch.arange(num_nodes - 1), torch.arange(1, num_nodes)])
    chord = torch.randint(num_nodes - 6, (6,), generator=generator)
    edges = torch.cat([path, torch.stack([chord, chord + 5])], 1)
    graph = Adjacency.from_edges(edges, num_nodes)
    return Adjacency.from_edges(graph.edges(), num_nodes, torch.rand(graph.num_edges, generator=generator) + 0.5)


def changed(graph: Adjacency, seed: int) -> tuple[Adjacency, Tensor]:
    """Take edges away, add others and nodes, and say what was touched."""
    generator = torch.Generator().manual_seed(seed)
    edges = graph.edges()
    gone = edges[:, torch.randint(edges.shape[1], (seed % 3,), generator=generator)]
    after = graph.num_nodes + seed % (NEW + 1)
    near = torch.randint(SIZE - 4, (1 + seed % 2,), generator=generator).unique()
    new = torch.stack([near, near + 3])
    new = new[:, ~graph.has(new)]
    grown = grown_adjacency(graph.without(gone), after, new, torch.rand(new.shape[1], generator=generator) + 0.5)
    return grown, torch.cat([gone.flatten(), new.flatten(), torch.arange(graph.num_nodes, after)])


@pytest.fixture
def whole_encodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the graphs that were encoded whole."""
    sizes: list[int] = []

    def counted(network: Any, features: Tensor | None, graph: Adjacency) -> list[Tensor]:
        sizes.append(graph.num_nodes)
        return scoring.node_levels(network, features, graph)

    monkeypatch.setattr(held_levels, "node_levels", counted)
    return sizes


@pytest.mark.parametrize("has_features", [False, True])
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_levels_after_changes_are_those_of_the_whole_graph(
    change: dict[str, Any], has_features: bool, whole_encodings: list[int]
) -> None:
    torch.manual_seed(0)
    config = ModelConfig(**{"predictor": "ncn", "hidden_channels": 8, **change})
    network = LinkNetwork(config, num_features=4 if has_features else 0, num_ids=SIZE - 2).eval()
    features = torch.rand(SIZE + 2 * NEW, 4)
    for seed in range(6):
        graph = sparse_graph(seed)
        held = HeldLevels(scoring.node_levels(network, features[:SIZE] if has_features else None, graph), graph.row[:0])
        for step in range(2):  # two changes at once: the second is made on top of the first
            graph, touched = changed(graph, 2 * seed + step)
            held = held.and_then(touched)
        own = features[: graph.num_nodes] if has_features else None
        found = held.on(network, own, graph)
        for level, expected in zip(found, scoring.node_levels(network, own, graph), strict=True):
            torch.testing.assert_close(level, expected, **TOLERANCE)
    assert len(whole_encodings) < 6  # at least one was brought up to date in part


def test_only_the_nodes_within_reach_get_other_values(whole_encodings: list[int]) -> None:
    torch.manual_seed(0)
    network = LinkNetwork(ModelConfig(predictor="ncn", hidden_channels=8), num_features=0).eval()
    before = sparse_graph(0)
    graph = grown_adjacency(before, SIZE, torch.tensor([[30], [33]]))
    levels = [torch.full_like(one, 7.0) for one in scoring.node_levels(network, None, before)]
    found = HeldLevels(levels, torch.tensor([30, 33])).on(network, None, graph)
    written = (found[0] != 7).any(1)
    assert (whole_encodings, reach(network)) == ([], 2)
    assert 4 < int(written.sum()) < 20
    assert bool(written[[28, 30, 33, 35]].all())
    assert bool((levels[0] == 7).all())  # the earlier model still serves them


def test_where_the_change_reaches_much_of_the_graph_the_whole_is_encoded(whole_encodings: list[int]) -> None:
    network = LinkNetwork(ModelConfig(predictor="ncn", hidden_channels=8), num_features=0).eval()
    star = torch.stack([torch.zeros(SIZE - 1, dtype=torch.int64), torch.arange(1, SIZE)])
    before = Adjacency.from_edges(star, SIZE)
    graph = grown_adjacency(before, SIZE, torch.tensor([[4], [5]]))
    found = HeldLevels(scoring.node_levels(network, None, before), torch.tensor([4, 5])).on(network, None, graph)
    assert whole_encodings == [SIZE]
    assert all(torch.equal(*both) for both in zip(found, scoring.node_levels(network, None, graph), strict=True))
