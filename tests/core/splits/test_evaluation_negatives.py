from __future__ import annotations

import pytest
import torch

from ncnc_core.config.choices import EvaluationNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.heuristics import preferential_attachment, resource_allocation
from ncnc_core.evaluation.ranking import roc_auc
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.splits.evaluation_negatives import (
    evaluation_negatives,
    hard_negatives,
    hard_partners,
    historical_negatives,
)
from ncnc_core.splits.negatives import corrupted_negatives

NODES = 300


def case() -> tuple[torch.Tensor, torch.Tensor, Adjacency]:
    g = torch.Generator().manual_seed(0)
    edges = Adjacency.from_edges((torch.rand(2, 2000, generator=g).pow(3) * NODES).long(), NODES).edges()
    held_out = torch.arange(edges.shape[1]) % 8 == 0
    return edges[:, held_out], pair_keys(edges, NODES).unique(), Adjacency.from_edges(edges[:, ~held_out], NODES)


@pytest.mark.parametrize(
    "kinds", [("uniform",), ("hard",), ("uniform", "degree_matched"), ("hard", "uniform", "degree_matched")]
)
def test_kinds_stand_side_by_side_in_equal_shares_and_none_is_an_edge(kinds: tuple[EvaluationNegative, ...]) -> None:
    positives, forbidden, graph = case()
    found = evaluation_negatives(
        positives, 12, forbidden, torch.Generator().manual_seed(0), kinds=kinds, adjacency=graph
    )
    assert found.shape == (2, 12 * positives.shape[1])
    assert not contains_keys(forbidden, pair_keys(found, NODES)).any()
    near = resource_allocation(graph, found).reshape(-1, len(kinds), 12 // len(kinds)).mean((0, 2))
    if len(kinds) > 1 and "hard" in kinds:
        assert near.argmax() == kinds.index("hard")


def test_hard_share_is_that_of_hard_negatives_alone() -> None:
    positives, forbidden, graph = case()
    g = torch.Generator().manual_seed(0)
    found = evaluation_negatives(
        positives, 8, forbidden, g, kinds=("hard", "uniform"), adjacency=graph, seed=3
    ).reshape(2, -1, 8)
    alone = hard_negatives(positives, 4, forbidden, torch.Generator().manual_seed(0), adjacency=graph, seed=3)
    assert torch.equal(found[:, :, :4].reshape(2, -1), alone)


def test_kinds_drawn_before_are_those_of_one_generator_in_order() -> None:
    positives, forbidden, graph = case()
    both, first = (
        evaluation_negatives(
            positives, count, forbidden, torch.Generator().manual_seed(1), kinds=kinds, adjacency=graph
        ).reshape(2, -1, count)
        for count, kinds in ((8, ("uniform", "degree_matched")), (4, ("uniform",)))
    )
    assert torch.equal(both[:, :, :4], first)


MANY_NODES = 400


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def heavy_tailed(count: int = 2400) -> torch.Tensor:
    edges = (torch.rand(2, count, generator=generator()).pow(3) * MANY_NODES).long()
    return Adjacency.from_edges(edges, MANY_NODES).edges()


def hard_case() -> tuple[torch.Tensor, torch.Tensor, Adjacency]:
    """Every ninth edge as a positive, all edges as forbidden, and the graph of the others."""
    edges = heavy_tailed()
    held_out = torch.arange(edges.shape[1]) % 9 == 0
    return (
        edges[:, held_out],
        pair_keys(edges, MANY_NODES).unique(),
        Adjacency.from_edges(edges[:, ~held_out], MANY_NODES),
    )


@pytest.mark.parametrize("per_positive", [1, 5, 6])
def test_each_negative_keeps_one_end_and_is_no_edge(per_positive: int) -> None:
    positives, forbidden, graph = hard_case()
    negatives = hard_negatives(positives, per_positive, forbidden, generator(), adjacency=graph)
    assert negatives.shape == (2, per_positive * positives.shape[1])
    assert not contains_keys(forbidden, pair_keys(negatives, MANY_NODES)).any()
    assert not (negatives[0] == negatives[1]).any()
    own = positives.repeat_interleave(per_positive, 1)
    kept_source = negatives[0] == own[0]
    assert (kept_source | (negatives[1] == own[1])).all()
    of_source = kept_source.view(-1, per_positive).sum(1)
    assert set(of_source.tolist()) == {per_positive // 2, (per_positive + 1) // 2}


def test_hard_negatives_share_more_than_degree_matched_ones() -> None:
    positives, forbidden, graph = hard_case()
    hard = hard_negatives(positives, 10, forbidden, generator(), adjacency=graph)
    matched = corrupted_negatives(
        positives, 10, forbidden, generator(), num_nodes=MANY_NODES, kind="degree_matched", degree=graph.degree
    )
    shared = [float(resource_allocation(graph, pairs).mean()) for pairs in (hard, matched)]
    assert shared[0] > 1.5 * shared[1]


def test_best_partner_is_the_one_of_highest_allocation() -> None:
    _, forbidden, graph = hard_case()
    nodes = graph.degree.topk(5).indices
    best = hard_partners(graph, nodes, 1, forbidden, 0)[:, 0]
    for node, partner in zip(nodes.tolist(), best.tolist(), strict=True):
        pairs = torch.stack([torch.full((MANY_NODES,), node), torch.arange(MANY_NODES)])
        scores = resource_allocation(graph, pairs).masked_fill(
            contains_keys(forbidden, pair_keys(pairs, MANY_NODES)) | (pairs[0] == pairs[1]), -1
        )
        assert scores[partner] == scores.max()


def test_node_without_neighbors_is_filled_by_its_like() -> None:
    # 0-1-2-3-4 is a path, 5 to 9 are new: the edge 0-5 has hard negatives at 0 alone.
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
    graph = Adjacency.from_edges(edges, 10)
    positive = torch.tensor([[0], [5]])
    forbidden = pair_keys(torch.cat([edges, positive], 1), 10).unique()
    negatives = hard_negatives(positive, 4, forbidden, generator(), adjacency=graph)
    assert negatives[0, [0, 2]].tolist() == [0, 0]
    assert set(negatives[1, [0, 2]].tolist()) == {2, 3}
    assert negatives[1, [1, 3]].tolist() == [5, 5]
    assert set(negatives[0, [1, 3]].tolist()) <= {1, 4}  # of degree one or two, as 0 is; 0 itself is an edge


def test_equal_seeds_give_equal_negatives_whatever_the_threads() -> None:
    positives, forbidden, graph = hard_case()
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(hard_negatives(positives, 6, forbidden, generator(), adjacency=graph, seed=4))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_ties_are_broken_by_the_seed_and_not_by_the_age_of_a_node() -> None:
    leaves = torch.arange(1, 40)
    star = torch.stack([torch.zeros_like(leaves), leaves])  # every leaf is as near to a leaf as any other
    graph, forbidden = Adjacency.from_edges(star, 40), pair_keys(star, 40).unique()
    found = [hard_partners(graph, torch.tensor([1, 2]), 3, forbidden, seed) for seed in (0, 1)]
    assert not torch.equal(found[0], found[1])
    assert found[0][0].tolist() != found[0][1].tolist()


def test_positive_joined_to_everyone_is_refused_with_the_remedy() -> None:
    edges = torch.triu_indices(6, 6, offset=1)
    with pytest.raises(InvalidGraph, match=r"positions 2 and 5\): both .* Leave these edges out"):
        hard_negatives(
            torch.tensor([[2], [5]]), 2, pair_keys(edges, 6).unique(), generator(),
            adjacency=Adjacency.from_edges(edges, 6),
        )  # fmt: skip


def test_no_positives_have_no_negatives() -> None:
    _, forbidden, graph = hard_case()
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    assert hard_negatives(nothing, 4, forbidden, generator(), adjacency=graph).shape == (2, 0)


def test_nothing_is_made_on_another_device_than_the_graphs() -> None:
    positives, forbidden, graph = case()
    draws = [torch.Generator().manual_seed(0) for _ in range(2)]
    expected = hard_negatives(positives[:, :20], 6, forbidden, draws[0], adjacency=graph)
    with torch.device("meta"):  # where what is made without a device would be
        found = hard_negatives(positives[:, :20], 6, forbidden, draws[1], adjacency=graph)
    assert torch.equal(found, expected)


def hub_case(seed: int) -> tuple[torch.Tensor, torch.Tensor, Adjacency]:
    """A graph of few hubs, whose positions are the lowest, with a held-out edge in six."""
    g = torch.Generator().manual_seed(seed)
    hubs, others = torch.randint(6, (900,), generator=g), 6 + torch.randint(294, (900,), generator=g)
    edges = Adjacency.from_edges(torch.stack([hubs, others]), NODES).edges()
    held_out = torch.arange(edges.shape[1]) % 6 == 0
    return edges[:, held_out], pair_keys(edges, NODES).unique(), Adjacency.from_edges(edges[:, ~held_out], NODES)


@pytest.mark.parametrize("kind", ["uniform", "degree_matched", "hard"])
def test_figures_do_not_depend_on_how_nodes_are_numbered(kind: EvaluationNegative) -> None:
    """One negative an edge: a side that belongs to the lower position moved the AUC of degrees by a quarter."""

    def auc(positives: torch.Tensor, forbidden: torch.Tensor, graph: Adjacency, seed: int) -> float:
        g = torch.Generator().manual_seed(seed)
        found = evaluation_negatives(positives, 1, forbidden, g, kinds=(kind,), adjacency=graph, seed=seed)
        return roc_auc(preferential_attachment(graph, positives), preferential_attachment(graph, found))

    positives, forbidden, graph = hub_case(0)
    turned = NODES - 1 - positives.flip(0)  # the same edges, lower position first, where the hubs come last
    edges = torch.stack([forbidden // NODES, forbidden % NODES])
    turned_keys = pair_keys(NODES - 1 - edges, NODES).unique()
    turned_graph = Adjacency.from_edges(NODES - 1 - graph.edges(), NODES)
    seeds = range(30)
    mean, other = (
        sum(auc(*case, seed) for seed in seeds) / len(seeds)
        for case in ((positives, forbidden, graph), (turned, turned_keys, turned_graph))
    )
    assert mean == pytest.approx(other, abs=0.02)


def ended_case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Adjacency]:
    """Every ninth edge as a positive, another ninth as ended, all as forbidden, and the graph of the others."""
    edges = heavy_tailed()
    place = torch.arange(edges.shape[1]) % 9
    graph = Adjacency.from_edges(edges[:, place > 1], MANY_NODES)
    return edges[:, place == 0], edges[:, place == 1], pair_keys(edges, MANY_NODES).unique(), graph


@pytest.mark.parametrize("per_positive", [1, 5, 6])
def test_historical_negatives_were_an_edge_and_keep_one_end(per_positive: int) -> None:
    positives, ended, forbidden, graph = ended_case()
    found = historical_negatives(positives, per_positive, forbidden, generator(), ended=ended, adjacency=graph)
    once = contains_keys(pair_keys(ended, MANY_NODES).sort().values, pair_keys(found, MANY_NODES))
    assert not contains_keys(forbidden, pair_keys(found[:, ~once], MANY_NODES)).any()  # the others fill up
    assert not (found[0] == found[1]).any()
    own = positives.repeat_interleave(per_positive, 1)
    kept_source = found[0] == own[0]
    assert (kept_source | (found[1] == own[1])).all()
    assert set(kept_source.view(-1, per_positive).sum(1).tolist()) == {per_positive // 2, (per_positive + 1) // 2}


def test_an_end_gives_all_of_its_past_that_its_slots_hold_and_nothing_twice() -> None:
    positives, ended, forbidden, graph = ended_case()
    found = historical_negatives(positives, 12, forbidden, generator(), ended=ended, adjacency=graph).view(2, -1, 12)
    once = contains_keys(pair_keys(ended, MANY_NODES).sort().values, pair_keys(found.flatten(1), MANY_NODES))
    once, past = once.view(-1, 12), Adjacency.from_edges(ended, MANY_NODES).degree[positives]
    for side in range(2):  # every other slot keeps the source
        assert torch.equal(once[:, side::2].sum(1), past[side].clamp(max=6))
        for edge in range(positives.shape[1]):
            drawn = found[1 - side, edge, side::2][once[edge, side::2]]
            assert len(drawn.unique()) == len(drawn)


def test_the_edges_of_a_hub_get_different_ones_of_its_past() -> None:
    hub, past = torch.zeros(30, dtype=torch.int64), torch.arange(31, 91)
    positives, ended = torch.stack([hub, torch.arange(1, 31)]), torch.stack([torch.zeros_like(past), past])
    forbidden = pair_keys(torch.cat([positives, ended], 1), 100).unique()
    graph = Adjacency.from_edges(torch.tensor([[95], [96]]), 100)
    found = historical_negatives(positives, 2, forbidden, generator(), ended=ended, adjacency=graph).view(2, 30, 2)
    assert (found[0, :, 0] == 0).all()
    assert found[1, :, 0].min() >= 31
    assert len(found[1, :, 0].unique()) > 15


def test_an_end_without_a_past_is_filled_by_its_like() -> None:
    # 0-1-2 is a path, 0-3 has ended, 5 to 9 are new: of the edge 0-5, node 0 has one ended pair, and 5 has none.
    graph = Adjacency.from_edges(torch.tensor([[0, 1], [1, 2]]), 10)
    positive, ended = torch.tensor([[0], [5]]), torch.tensor([[3], [0]])
    forbidden = pair_keys(torch.cat([graph.edges(), positive, ended], 1), 10).unique()
    found = historical_negatives(positive, 4, forbidden, generator(), ended=ended, adjacency=graph)
    assert found[:, 0].tolist() == [0, 3]
    assert found[0, 2] == 0
    assert int(found[1, 2]) in {4, 6, 7, 8, 9}  # without an edge, as 5 is; 3 has been taken
    assert found[1, [1, 3]].tolist() == [5, 5]


def test_a_pair_that_has_ended_and_is_the_positive_itself_is_no_negative() -> None:
    graph = Adjacency.from_edges(torch.tensor([[2], [3]]), 6)
    positive = torch.tensor([[0], [1]])
    found = historical_negatives(positive, 2, pair_keys(positive, 6), generator(), ended=positive, adjacency=graph)
    assert not (pair_keys(found, 6) == pair_keys(positive, 6)).any()


def test_without_any_ended_pair_the_historical_share_is_degree_matched() -> None:
    positives, _, forbidden, graph = ended_case()
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    found = evaluation_negatives(
        positives, 4, forbidden, generator(), kinds=("historical",), ended=nothing, adjacency=graph
    )
    assert not contains_keys(forbidden, pair_keys(found, MANY_NODES)).any()


def test_historical_share_without_the_ended_pairs_is_refused_with_the_remedy() -> None:
    positives, _, forbidden, graph = ended_case()
    with pytest.raises(InvalidGraph, match=r"ended is None. Pass these pairs, or leave historical out of the kinds"):
        evaluation_negatives(positives, 4, forbidden, generator(), kinds=("historical",), adjacency=graph)


def test_every_kind_draws_among_the_nodes_that_it_may() -> None:
    positives, ended, forbidden, graph = ended_case()
    among = torch.arange(MANY_NODES) % 2 == 0
    kinds: tuple[EvaluationNegative, ...] = ("uniform", "degree_matched", "hard", "historical")
    found = evaluation_negatives(
        positives, 12, forbidden, generator(), kinds=kinds, ended=ended, adjacency=graph, among=among
    )
    own = positives.repeat_interleave(12, 1)
    drawn = torch.where(found[0] == own[0], found[1], found[0])
    assert among[drawn].all()
    everywhere = torch.ones_like(among)
    free, chosen = (
        evaluation_negatives(
            positives, 12, forbidden, generator(), kinds=kinds, ended=ended, adjacency=graph, among=some
        )
        for some in (None, everywhere)
    )
    assert torch.equal(free, chosen)
