import pytest
import torch

from ncnc_core.config.choices import DrawnNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.splits import negatives as negative_sampling
from ncnc_core.splits.negatives import corrupted_negatives, uniform_pairs


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def forbidden_keys(edges: torch.Tensor, num_nodes: int) -> torch.Tensor:
    return pair_keys(edges, num_nodes).unique()


def random_edges(num_nodes: int, count: int, seed: int = 0) -> torch.Tensor:
    """Edges whose ends are drawn with a heavy tail, so that there are hubs."""
    g = generator(seed)
    edges = (torch.rand(2, count, generator=g).pow(3) * num_nodes).long()
    return Adjacency.from_edges(edges, num_nodes).edges()


def assert_no_edge_and_no_self_pair(pairs: torch.Tensor, forbidden: torch.Tensor, num_nodes: int) -> None:
    assert not (pairs[0] == pairs[1]).any()
    assert not contains_keys(forbidden, pair_keys(pairs, num_nodes)).any()


def complete(num_nodes: int) -> torch.Tensor:
    return torch.triu_indices(num_nodes, num_nodes, offset=1)


@pytest.mark.parametrize("edges", [0, 50, 300])  # none, some, and more than half of the 435 pairs
def test_uniform_pairs_cover_the_allowed_pairs_evenly(edges: int) -> None:
    forbidden = complete(30)[:, torch.randperm(435, generator=generator())[:edges]]
    keys = forbidden_keys(forbidden, 30)

    pairs = uniform_pairs(40_000, keys, 30, generator())

    assert pairs.shape == (2, 40_000)
    assert_no_edge_and_no_self_pair(pairs, keys, 30)
    times = pair_keys(pairs, 30).unique(return_counts=True)[1].double()
    expected = 40_000 / (435 - edges)
    assert len(times) == 435 - edges
    assert ((times - expected).square().sum() / expected).item() < 1.35 * len(times)  # chi-squared, far in its tail


def test_many_pairs_are_looked_up_in_blocks_and_sorted_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = forbidden_keys(random_edges(300, 9000), 300)
    whole = uniform_pairs(5000, keys, 300, generator())
    monkeypatch.setattr(negative_sampling, "PAIRS_AT_ONCE", 1024)
    monkeypatch.setattr(negative_sampling, "SORTED_FROM", 100)

    in_blocks = uniform_pairs(5000, keys, 300, generator())

    assert torch.equal(in_blocks, whole)
    assert_no_edge_and_no_self_pair(in_blocks, keys, 300)


def test_last_allowed_pair_is_found() -> None:
    edges = complete(20)
    all_but_one = edges[:, (edges[0] != 3) | (edges[1] != 17)]

    pairs = uniform_pairs(5, forbidden_keys(all_but_one, 20), 20, generator())

    assert pairs.tolist() == [[3] * 5, [17] * 5]


@pytest.mark.parametrize("num_nodes", [1, 12])
def test_complete_graph_is_refused(num_nodes: int) -> None:
    keys = forbidden_keys(complete(num_nodes), num_nodes)
    with pytest.raises(InvalidGraph, match=rf"{num_nodes} nodes has {len(keys)} pairs and all.*forbid fewer"):
        uniform_pairs(3, keys, num_nodes, generator())


def test_no_pairs_wanted_none_given() -> None:
    assert uniform_pairs(0, torch.empty(0, dtype=torch.int64), 0, generator()).shape == (2, 0)


@pytest.mark.parametrize("kind", ["uniform", "degree_matched"])
def test_corrupted_negatives_stand_by_their_positive_and_are_no_edges(kind: DrawnNegative) -> None:
    edges = random_edges(500, 3000)
    positives, keys = edges[:, ::5], forbidden_keys(edges, 500)
    degree = Adjacency.from_edges(edges, 500).degree

    negatives = corrupted_negatives(positives, 6, keys, generator(), num_nodes=500, kind=kind, degree=degree)

    assert negatives.shape == (2, 6 * positives.shape[1])
    assert_no_edge_and_no_self_pair(negatives, keys, 500)
    own = positives.repeat_interleave(6, dim=1)
    kept_source, kept_target = negatives[0] == own[0], negatives[1] == own[1]
    assert (kept_source | kept_target).all()
    assert kept_source.double().mean().item() == pytest.approx(0.5, abs=0.02)


def test_degree_matched_negatives_have_the_degrees_of_the_positives() -> None:
    edges = random_edges(2000, 12_000)
    positives, keys = edges[:, ::4], forbidden_keys(edges, 2000)
    degree = Adjacency.from_edges(edges, 2000).degree

    means = {
        kind: degree[corrupted_negatives(positives, 4, keys, generator(), num_nodes=2000, kind=kind, degree=degree)]
        .double()
        .log1p()
        .mean()
        .item()
        for kind in ("uniform", "degree_matched")
    }

    truth = degree[positives].double().log1p().mean().item()
    assert means["degree_matched"] == pytest.approx(truth, rel=0.02)
    assert means["uniform"] < 0.9 * truth


def test_hub_without_its_like_takes_nodes_of_other_degrees() -> None:
    # Node 0 is joined to nodes 1..20 of 40; nobody has a degree near its own.
    star = torch.stack([torch.zeros(20, dtype=torch.int64), torch.arange(1, 21)])
    degree = Adjacency.from_edges(star, 40).degree

    negatives = corrupted_negatives(
        star, 4, forbidden_keys(star, 40), generator(), num_nodes=40, kind="degree_matched", degree=degree
    )

    assert_no_edge_and_no_self_pair(negatives, forbidden_keys(star, 40), 40)


def test_node_joined_to_all_keeps_its_other_end() -> None:
    star = torch.stack([torch.zeros(9, dtype=torch.int64), torch.arange(1, 10)])

    negatives = corrupted_negatives(star, 2, forbidden_keys(star, 10), generator(), num_nodes=10)

    assert_no_edge_and_no_self_pair(negatives, forbidden_keys(star, 10), 10)
    assert torch.equal(negatives[1], star[1].repeat_interleave(2))


def test_positive_without_any_negative_is_named() -> None:
    edges = complete(8)
    with pytest.raises(InvalidGraph, match=r"2 negatives were not found: nodes 2 and 5 .* rank against uniform pairs"):
        corrupted_negatives(torch.tensor([[2], [5]]), 2, forbidden_keys(edges, 8), generator(), num_nodes=8)


def test_degree_matched_without_degrees_is_refused() -> None:
    edges = random_edges(20, 30)
    with pytest.raises(InvalidGraph, match=r"degree is None\. Pass adjacency.degree"):
        corrupted_negatives(edges, 2, forbidden_keys(edges, 20), generator(), num_nodes=20, kind="degree_matched")


def test_no_positives_have_no_negatives() -> None:
    nothing = torch.empty(2, 0, dtype=torch.int64)
    assert corrupted_negatives(nothing, 3, nothing[0], generator(), num_nodes=5).shape == (2, 0)


def test_same_generator_state_draws_the_same_and_leaves_the_global_one_alone() -> None:
    edges = random_edges(300, 900)
    keys, before = forbidden_keys(edges, 300), torch.get_rng_state()

    once, again = (corrupted_negatives(edges, 4, keys, generator(1), num_nodes=300) for _ in range(2))

    assert torch.equal(once, again)
    assert torch.equal(uniform_pairs(50, keys, 300, generator(1)), uniform_pairs(50, keys, 300, generator(1)))
    assert torch.equal(torch.get_rng_state(), before)
