from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.networks import dense_completion
from ncnc_core.networks.completion import completion_weight
from ncnc_core.networks.dense_completion import FixedHead, belief_matrix, fits_belief_matrix, missing_links
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.pair_head import PairHead
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.overlap import dense as dense_overlap
from ncnc_core.overlap import dense_tensors as plain
from ncnc_core.overlap.dense import bit_rows
from ncnc_core.training.step import accumulate_gradients

SIZE = 70
X = torch.rand(SIZE, 3, generator=torch.Generator().manual_seed(5))
graphs = st.tuples(st.integers(0, 2**20), st.sampled_from([0, 1, 60, 900, 4000, SIZE * SIZE]))
ALL = torch.cartesian_prod(torch.arange(SIZE), torch.arange(SIZE)).T.contiguous()


def graph(seed: int, edges: int) -> Adjacency:
    generator = torch.Generator().manual_seed(seed)
    drawn = ALL if edges == SIZE * SIZE else torch.randint(SIZE, (2, edges), generator=generator)
    return Adjacency.from_edges(drawn, SIZE)


def some_pairs(adjacency: Adjacency, count: int = 40) -> torch.Tensor:
    """Random pairs, a node with itself, and pairs that are edges."""
    pairs = torch.randint(SIZE, (2, count), generator=torch.Generator().manual_seed(count))
    return torch.cat([pairs, pairs[:1, :1].expand(2, 1), adjacency.edges()[:, :5]], 1)


def network(**changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    options = {"hidden_channels": 8, "completion_offset": 0.0, "completion_max_neighbors": None, "two_layer_head": True}
    return LinkNetwork(ModelConfig(**{"predictor": "ncnc", **options, **changes}), num_features=3).eval()


@contextmanager
def form(name: str) -> Iterator[None]:
    """Let every graph be taken as dense, or none."""
    with pytest.MonkeyPatch.context() as patch:
        if name == "dense":
            patch.setattr(dense_overlap, "LEAST_DEGREE", 0)
            patch.setattr(dense_overlap, "NODES_A_NEIGHBOR", 2**40)
        else:
            patch.setattr(dense_overlap, "MOST_NODES", 0)
        yield


SWITCHES = [
    {},
    {"score_known_edges_as_published": True},
    {"completion_reads_raw_embeddings": True},
    {"neighbor_output_linear": True, "neighbor_transform": False},
    {"completion_max_neighbors": SIZE},
    {"completion_depth": 2},  # these three are not for a matrix of beliefs: they must come out alike all the same
    {"completion_max_neighbors": 3},
    {"completion_alpha": 0.0},
]


@pytest.mark.parametrize("changes", SWITCHES)
@settings(max_examples=8)
@given(graphs)
def test_scores_are_those_of_the_sparse_form(changes: dict[str, Any], drawn: tuple[int, int]) -> None:
    model, adjacency = network(**changes), graph(*drawn)
    pairs = some_pairs(adjacency)
    scores = {}
    for name in ("dense", "sparse"):
        with form(name), torch.no_grad():
            levels = node_levels(model, X, adjacency)
            scores[name] = score_pairs(model, levels, adjacency, pairs)
            # One call over all pairs, and several that share what was prepared.
            torch.testing.assert_close(model(X, adjacency, pairs), scores[name], rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(
                score_pairs(model, levels, adjacency, pairs, entries_at_once=50), scores[name], rtol=1e-4, atol=1e-4
            )
    torch.testing.assert_close(scores["dense"], scores["sparse"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"predictor_edge_dropout": 0.4},
        {"predictor_edge_dropout": 0.4, "symmetric_edge_dropout": True},
        {"feature_dropout": 0.3, "completion_reads_raw_embeddings": True},
        {"noisy_completion_as_published": True, "predictor_edge_dropout": 0.3},
    ],
)
@settings(max_examples=8)
@given(graphs)
def test_training_draws_and_gradients_are_those_of_the_sparse_form(
    changes: dict[str, Any], drawn: tuple[int, int]
) -> None:
    """The same seed in both forms: without dropout in the head neither draws more than the other."""
    model, adjacency = network(**changes).train(), graph(*drawn)
    pairs, results = some_pairs(adjacency), []
    for name in ("dense", "sparse"):
        with form(name):
            torch.manual_seed(7)
            logits = model(X, adjacency, pairs)
            results.append((logits, torch.autograd.grad(logits.sigmoid().sum(), list(model.parameters()))))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("skip_other", [False, True])
@given(graphs)
def test_missing_links_come_once_each_whatever_the_chunks(skip_other: bool, drawn: tuple[int, int]) -> None:
    adjacency = graph(*drawn)
    pairs = some_pairs(adjacency)
    expected = plain.missing_links(bit_rows(adjacency), pairs, skip_other)
    for at_once in (1, 64, 2**20):
        parts = list(missing_links(adjacency, pairs, skip_other=skip_other, at_once=at_once))
        assert torch.equal(torch.cat([torch.empty(2, 0, dtype=torch.int64), *parts], 1), expected)
        assert all(part.shape[1] == at_once for part in parts[:-1])
        assert all(part.shape[1] for part in parts)


def test_belief_is_the_weight_of_the_inner_logit_and_zero_where_nobody_asked() -> None:
    model, adjacency = network(), drop_edges(graph(3, 900), 0.3, True)[0]
    pairs = torch.tensor([[3, 60], [40, 7]])
    inner = model.predictor.inner_levels(node_levels(model, X, adjacency))
    weight = model.predictor._weight
    belief = belief_matrix(model.predictor.head, inner, adjacency, pairs, weight, skip_other=True)
    asked = plain.missing_links(bit_rows(adjacency), pairs, True)
    low, high = asked
    with torch.no_grad():
        pooled = plain.pool(inner[1], bit_rows(adjacency), asked, None, True)
        logits = model.predictor.head(inner[0], asked, pooled)
    config = model.config
    expected = completion_weight(
        logits, scale=config.completion_scale, offset=config.completion_offset, alpha=config.completion_alpha
    )
    torch.testing.assert_close(belief[low, high], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(belief, belief.T)
    assert int((belief != 0).sum()) == int((low != high).sum() * 2 + (low == high).sum())


def test_beliefs_are_found_once_a_scoring_and_once_a_training_step(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = dense_completion.missing_links
    monkeypatch.setattr(
        dense_completion, "missing_links", lambda *args, **options: calls.append(1) or original(*args, **options)
    )
    model, adjacency = network(), graph(3, 1600)
    pairs = some_pairs(adjacency)
    with form("dense"):
        levels = node_levels(model, X, adjacency)
        score_pairs(model, levels, adjacency, pairs, entries_at_once=100)
        assert len(calls) == 1
        positives, gradients = adjacency.edges()[:, :40], []
        for piece in (None, 20_000):
            model.zero_grad()
            training = TrainingConfig()
            accumulate_gradients(model, X, adjacency, positives, pairs[:, :40], training, bytes_at_once=piece)
            gradients.append([parameter.grad for parameter in model.parameters()])
    assert len(calls) == 3
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-4)


def test_matrix_of_beliefs_is_for_smaller_graphs_than_bits_are(monkeypatch: pytest.MonkeyPatch) -> None:
    adjacency = graph(3, 4000)
    assert fits_belief_matrix(adjacency)
    monkeypatch.setattr(dense_completion, "MOST_NODES", SIZE - 1)
    assert not fits_belief_matrix(adjacency)


def test_low_precision_of_the_inner_pass_moves_a_belief_by_little() -> None:
    model, adjacency = network(hidden_channels=32), graph(3, 1600)
    pairs = some_pairs(adjacency)
    levels = node_levels(model, X, adjacency)
    exact, rough = (
        belief_matrix(
            model.predictor.head,
            model.predictor.inner_levels(levels),
            adjacency,
            pairs,
            model.predictor._weight,
            skip_other=True,
            precision=precision,
        )
        for precision in (torch.float32, torch.bfloat16)
    )
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(exact, rough, rtol=0, atol=2e-2)


CHANNELS, NODES = 12, 20


def head(**changes: Any) -> PairHead:
    options = {"neighbor_output_linear": False, "two_layer_head": False, "layer_norm": True, "beta": 1.0}
    torch.manual_seed(3)
    made = PairHead(channels=CHANNELS, dropout=0.5, neighbor_transform=True, **{**options, **changes})
    for parameter in made.parameters():  # norms start at one and zero, which would hide a misplaced one
        torch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"neighbor_output_linear": True},
        {"two_layer_head": True},
        {"layer_norm": False},
        {"neighbor_output_linear": True, "two_layer_head": True, "layer_norm": False},
        {"neighbor_output_linear": True, "beta": 0.3},
    ],
)
@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_logits_are_those_of_the_head(changes: dict[str, Any], precision: torch.dtype, tolerance: float) -> None:
    whole = head(**changes)
    fixed = FixedHead(whole, precision=precision)
    generator = torch.Generator().manual_seed(1)
    h, g = torch.randn(2, NODES, CHANNELS, generator=generator)
    pairs = torch.randint(NODES, (2, 50), generator=generator)
    near = (torch.rand(50, NODES, generator=generator) < 0.3).float()
    near[0] = 0  # an empty neighbourhood
    with torch.no_grad():
        expected = whole(h, pairs, near @ g)
        found = fixed(h, pairs, near @ fixed.node_values(g))
    assert found.dtype == torch.float32
    # The sum of the magnitudes in the last product is what rounding is relative to.
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance * 10)


def test_fixed_head_keeps_the_weights_it_was_made_from() -> None:
    whole = head()
    fixed = FixedHead(whole)
    h, pairs = torch.ones(2, CHANNELS), torch.tensor([[0], [1]])
    before = fixed(h, pairs, fixed.node_values(h)[:1])
    assert not before.requires_grad
    with torch.no_grad():
        whole.readout[-1].weight.mul_(2)
    assert not torch.allclose(FixedHead(whole)(h, pairs, FixedHead(whole).node_values(h)[:1]), before)
