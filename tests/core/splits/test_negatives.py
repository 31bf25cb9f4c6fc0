import pytest
import torch

from ncnc_core.config.choices import DrawnNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph import sorted_search
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.splits import negatives as negative_sampling
from ncnc_core.splits.negatives import corrupted_negatives, has_negative, source_kept, uniform_pairs


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
    monkeypatch.setattr(sorted_search, "LARGE", 100)

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


def wheel(num_nodes: int) -> torch.Tensor:
    """Node 0 joined to all others, which form a path."""
    path = torch.arange(1, num_nodes)
    return torch.cat([torch.stack([torch.zeros_like(path), path]), torch.stack([path[:-1], path[1:]])], 1)


def test_degree_matched_search_widens_until_it_reaches_the_nodes_of_the_least_degree() -> None:
    edges = wheel(1500)  # at a leaf of degree 3, the hub has to be replaced by a leaf
    keys, degree = forbidden_keys(edges, 1500), Adjacency.from_edges(edges, 1500).degree
    spokes = edges[:, edges[0] == 0][:, ::10]

    negatives = corrupted_negatives(spokes, 5, keys, generator(), num_nodes=1500, kind="degree_matched", degree=degree)

    assert_no_edge_and_no_self_pair(negatives, keys, 1500)
    assert torch.equal(negatives[1], spokes[1].repeat_interleave(5))  # the hub is joined to all: never kept


def test_the_last_partner_that_an_end_may_have_is_found() -> None:
    star = torch.stack([torch.zeros(4998, dtype=torch.int64), torch.arange(1, 4999)])  # all but node 4999
    inner = torch.cat([star, complete(60)], 1).unique(dim=1)
    keys, degree = forbidden_keys(inner, 5000), Adjacency.from_edges(inner, 5000).degree

    negatives = corrupted_negatives(
        star[:, :50], 1, keys, generator(), num_nodes=5000, kind="degree_matched", degree=degree
    )

    assert_no_edge_and_no_self_pair(negatives, keys, 5000)
    assert set(negatives[1, negatives[0] == 0].tolist()) == {4999}


def test_positive_without_any_negative_is_named() -> None:
    edges = complete(8)
    message = (
        r"1 of 1 edges have no negative \(first: between the nodes at positions 2 and 5\): both.*Leave these edges out"
    )
    with pytest.raises(InvalidGraph, match=message):
        corrupted_negatives(torch.tensor([[2], [5]]), 2, forbidden_keys(edges, 8), generator(), num_nodes=8)


@pytest.mark.parametrize("kind", ["uniform", "degree_matched"])
@pytest.mark.parametrize("lacking", [0, 2, 6, 20])
def test_an_edge_is_said_to_have_a_negative_exactly_where_one_is_found(kind: DrawnNegative, lacking: int) -> None:
    edges = complete(14)[:, torch.randperm(91, generator=generator())[lacking:]]
    keys, degree = forbidden_keys(edges, 14), Adjacency.from_edges(edges, 14).degree
    said = has_negative(edges, keys, 14)
    assert said.tolist() == [bool((degree[edge] < 13).any()) for edge in edges.T]
    for edge, has in zip(edges.T[:, :, None], said.tolist(), strict=True):
        if has:
            found = corrupted_negatives(edge, 3, keys, generator(), num_nodes=14, kind=kind, degree=degree)
            assert_no_edge_and_no_self_pair(found, keys, 14)
        else:
            with pytest.raises(InvalidGraph, match=r"1 of 1 edges have no negative"):
                corrupted_negatives(edge, 3, keys, generator(), num_nodes=14, kind=kind, degree=degree)


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


@pytest.mark.parametrize("per_positive", [1, 4, 5])
def test_each_end_is_kept_by_half_of_the_slots_and_the_odd_one_is_drawn(per_positive: int) -> None:
    kept = source_kept(4000, per_positive, generator())
    each = kept.sum(1)
    assert set(each.tolist()) == {per_positive // 2, (per_positive + 1) // 2}
    assert kept.double().mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("kind", ["uniform", "degree_matched"])
def test_to_draw_among_all_nodes_is_to_draw_without_a_choice(kind: DrawnNegative) -> None:
    edges = random_edges(300, 1500)
    keys, degree = forbidden_keys(edges, 300), Adjacency.from_edges(edges, 300).degree
    free, chosen = (
        corrupted_negatives(edges, 5, keys, generator(), num_nodes=300, kind=kind, degree=degree, among=among)
        for among in (None, torch.ones(300, dtype=torch.bool))
    )
    assert torch.equal(free, chosen)
    assert torch.equal(has_negative(edges, keys, 300), has_negative(edges, keys, 300, torch.ones(300).bool()))


@pytest.mark.parametrize("kind", ["uniform", "degree_matched"])
def test_drawn_nodes_are_among_those_allowed_and_evenly_so(kind: DrawnNegative) -> None:
    edges = random_edges(300, 900)
    keys, degree = forbidden_keys(edges, 300), Adjacency.from_edges(edges, 300).degree
    among = torch.arange(300) % 3 == 0
    negatives = corrupted_negatives(edges, 40, keys, generator(), num_nodes=300, kind=kind, degree=degree, among=among)
    assert_no_edge_and_no_self_pair(negatives, keys, 300)
    own = edges.repeat_interleave(40, dim=1)
    drawn = torch.where(negatives == own, -1, negatives).amax(0)
    assert among[drawn].all()
    if kind == "uniform":  # each allowed node as often as any other, but for those that hubs cannot be joined to
        times = torch.bincount(drawn, minlength=300)[among]
        assert times[50:].double().std() < 0.15 * times[50:].double().mean()


def test_where_no_node_of_a_like_degree_may_be_drawn_others_are() -> None:
    # The hub 0 has sixteen leaves; 17 and 18 are joined to each other, and only they and nodes 19 may be drawn.
    star = torch.stack([torch.zeros(16, dtype=torch.int64), torch.arange(1, 17)])
    edges = torch.cat([star, torch.tensor([[17], [18]])], 1)
    degree, among = Adjacency.from_edges(edges, 20).degree, torch.arange(20) >= 17
    negatives = corrupted_negatives(
        star, 4, forbidden_keys(edges, 20), generator(), num_nodes=20, kind="degree_matched", degree=degree, among=among
    )
    drawn = torch.where(negatives == star.repeat_interleave(4, dim=1), -1, negatives).amax(0)
    assert set(drawn.tolist()) <= {17, 18, 19}
    beside_hub = drawn[(negatives == 0).any(0)]
    assert (beside_hub != 19).all()  # leaves of degree one are replaced by nodes of degree one


@pytest.mark.parametrize("lacking", [0, 4, 12, 40])
def test_an_edge_has_a_negative_among_some_nodes_exactly_where_one_is_found(lacking: int) -> None:
    edges = complete(14)[:, torch.randperm(91, generator=generator())[lacking:]]
    keys, among = forbidden_keys(edges, 14), torch.arange(14) < 6
    said = has_negative(edges, keys, 14, among)
    for edge, has in zip(edges.T[:, :, None], said.tolist(), strict=True):
        if has:
            found = corrupted_negatives(edge, 3, keys, generator(), num_nodes=14, among=among)
            assert_no_edge_and_no_self_pair(found, keys, 14)
        else:
            with pytest.raises(InvalidGraph, match=r"joined to every other of the 6 nodes to draw among. Leave these"):
                corrupted_negatives(edge, 3, keys, generator(), num_nodes=14, among=among)


def test_to_draw_among_no_nodes_is_refused() -> None:
    edges = random_edges(20, 30)
    nobody = torch.zeros(20, dtype=torch.bool)
    assert not has_negative(edges, forbidden_keys(edges, 20), 20, nobody).any()
    with pytest.raises(InvalidGraph, match=r"every other of the 0 nodes to draw among"):
        corrupted_negatives(edges, 2, forbidden_keys(edges, 20), generator(), num_nodes=20, among=nobody)


def test_a_forbidden_pair_that_is_named_twice_takes_no_second_node_away() -> None:
    edge = torch.tensor([[0], [1]])
    keys = pair_keys(edge, 3).repeat(2)
    assert has_negative(edge, keys, 3).all()  # node 2 is free
    assert corrupted_negatives(edge, 1, keys, generator(), num_nodes=3).shape == (2, 1)
