from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.edge_mean import LEAST_FREEDOM, EdgeMean, edge_means, paired_difference


def matching(count: int) -> Tensor:
    """Edges of which no two share a node."""
    return torch.arange(2 * count).view(2, count)


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two scorers' values on random distinct edges between many left and few right nodes, and the edges."""
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.rand(2, count, generator=generator, dtype=torch.float64)
    edges = torch.stack([torch.arange(count) + 100, torch.randint(12, (count,), generator=generator)])
    return first, second, edges


def compared(first: Tensor, second: Tensor, edges: Tensor, confidence: float = 0.95) -> EdgeMean:
    return paired_difference(first, second, edges, confidence=confidence)


def test_by_edge_it_is_students_paired_test() -> None:
    first, second, edges = drawn(80, 1)
    found = compared(first, second, edges)
    known = stats.ttest_rel(first.numpy(), second.numpy())
    low, high = known.confidence_interval(0.95)
    assert found.by_edge == pytest.approx(((first - second).mean().item(), low, high))


def test_by_node_the_error_is_that_of_leaving_out_one_node_at_a_time() -> None:
    # A hub whose edges agree, so that the jackknife is the larger part.
    hub, count = 30, 100
    edges = matching(count)
    edges[0, :hub] = 1000
    first = torch.full((count,), 0.5, dtype=torch.float64)
    first[:hub] = 0.9
    first += torch.linspace(-0.1, 0.1, count).double()
    second = torch.full((count,), 0.4, dtype=torch.float64)
    found = compared(first, second, edges)

    difference = first - second
    mean = difference.mean()
    left_out = sum(
        float((difference[(edges != node).all(0)].mean() - mean) ** 2) for node in edges.unique().tolist()
    ) - sum(float((torch.cat([difference[:at], difference[at + 1 :]]).mean() - mean) ** 2) for at in range(count))
    half = found.by_node.high - found.by_node.value
    assert found.resampled_by == "node"
    # The hub carries nearly all the weight: Student's t of the least degrees of freedom that are used.
    assert half == pytest.approx(stats.t.ppf(0.975, LEAST_FREEDOM) * left_out**0.5, rel=0.02)


def test_edges_that_share_no_node_give_both_ways_the_same_interval() -> None:
    first, second, _ = drawn(300, 2)
    found = compared(first, second, matching(300))
    assert found.by_node == pytest.approx(found.by_edge, abs=1e-3)
    assert (found.num_edges, found.num_nodes) == (300, 600)


def test_a_hub_whose_edges_move_together_widens_the_interval() -> None:
    # 10 hubs with 30 edges each, every edge of a hub alike: ten independent values, not three hundred.
    hubs = torch.arange(10).repeat_interleave(30)
    edges = torch.stack([hubs, torch.arange(300) + 10])
    generator = torch.Generator().manual_seed(3)
    first = torch.rand(10, generator=generator, dtype=torch.float64)[hubs]
    found = compared(first, torch.full_like(first, 0.5), edges)
    width_by_edge, width_by_node = (bounds.high - bounds.low for bounds in (found.by_edge, found.by_node))
    assert found.resampled_by == "node"
    assert found.interval == found.by_node
    t_of_ten = stats.t.ppf(0.975, 9) / 1.96
    assert width_by_node / width_by_edge == pytest.approx(30**0.5 * t_of_ten, rel=0.1)


def test_edges_of_a_node_that_differ_more_than_others_do_not_narrow_the_interval() -> None:
    # At every node one edge is won and one lost, a cycle: by node the difference is nothing but certain.
    count = 100
    edges = torch.stack([torch.arange(count), (torch.arange(count) + 1) % count])
    first = torch.tensor([1.0, 0.0], dtype=torch.float64).repeat(count // 2)
    found = compared(first, torch.full_like(first, 0.5), edges)
    assert found.resampled_by == "edge"
    assert found.by_node.high - found.by_node.low < 0.5 * (found.by_edge.high - found.by_edge.low)
    assert found.interval == found.by_edge


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_lower_bound_is_above_zero_exactly_where_p_is_below_alpha(confidence: float) -> None:
    above = 0
    for seed in range(60):
        first, second, edges = drawn(40, seed)
        found = compared((first + seed / 250).clamp(max=1), second, edges, confidence)
        assert (found.interval.low > 0) == (found.p_value < (1 - confidence) / 2)
        above += found.interval.low > 0
    assert 0 < above < 60  # both sides were seen


def test_order_of_edges_names_of_nodes_and_direction_change_nothing() -> None:
    first, second, edges = drawn(60, 4)
    found = compared(first, second, edges)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    again = compared(first[order], second[order], (edges * 7 + 3)[:, order].flip(0))
    assert again.interval == pytest.approx(found.interval)
    assert again.p_value == pytest.approx(found.p_value)


def test_the_other_way_round_the_interval_is_mirrored() -> None:
    first, second, edges = drawn(60, 5)
    there, back = compared(first, second, edges), compared(second, first, edges)
    assert (back.interval.low, back.interval.high) == pytest.approx((-there.interval.high, -there.interval.low))
    assert there.p_value + back.p_value == pytest.approx(1)


def test_equal_scorers_are_no_evidence_and_as_far_from_certain_as_their_edges_are_few() -> None:
    values, _, _ = drawn(50, 6)
    found = compared(values, values, matching(50))
    unseen = 1 - 0.025 ** (1 / 50)  # Clopper-Pearson, of a share of which nothing was seen
    assert found.interval == pytest.approx((0, -unseen, unseen))
    assert found.p_value == 1


def test_few_edges_of_one_equal_gain_are_no_proof() -> None:
    first = torch.full((2,), 0.9)
    found = compared(first, first - 0.5, matching(2))
    assert found.p_value == pytest.approx(1.5**-2)  # at most 1 / 1.5 of all edges gain so much if the true mean is 0
    assert found.interval.low < 0 < found.interval.value


@pytest.mark.parametrize("gain", [0.02, 0.1, 0.3])
def test_equal_gains_are_proof_exactly_where_p_is_below_alpha(gain: float) -> None:
    proofs = []
    for count in range(2, 300, 7):
        second = torch.linspace(0, 0.6, count, dtype=torch.float64)
        found = compared(second + gain, second, matching(count))  # equal but for the rounding of the sums
        assert (found.interval.low > 0) == (found.p_value < 0.025)
        proofs.append(found.p_value < 0.025)
    assert not proofs[0]
    assert proofs == sorted(proofs)  # once there are edges enough, more of them change nothing


def test_equal_gains_at_few_hubs_count_as_hubs() -> None:
    two_hubs = torch.stack([torch.arange(2).repeat_interleave(100), torch.arange(200) + 2])
    first = torch.full((200,), 0.9)
    found = compared(first, first - 0.5, two_hubs)
    assert found.resampled_by == "node"
    assert found.p_value == pytest.approx(1.5**-2)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_of_none_or_all_has_the_exact_interval(value: float) -> None:
    (found,) = edge_means(torch.full((1, 30), value), matching(30), confidence=0.95)
    exact = stats.binomtest(round(30 * value), 30).proportion_ci(0.95, method="exact")
    assert found.interval == pytest.approx((value, exact.low, exact.high))


def test_where_nothing_can_be_left_out_nothing_is_certain() -> None:
    values = torch.full((1,), 0.9)
    alone = compared(values, values - 0.5, matching(1))
    assert (alone.interval.low, alone.interval.high) == (-1, 1)
    star = torch.stack([torch.zeros(50, dtype=torch.int64), torch.arange(50) + 1])
    first, second, _ = drawn(50, 7)
    found = compared(first, second, star)
    assert found.resampled_by == "node"
    assert (found.interval.low, found.interval.high) == (-1, 1)
    assert not found.p_value < 0.025


@pytest.mark.parametrize(("count", "confidence", "named"), [(0, 0.95, "0 edges"), (3, 1.0, "confidence 1.0")])
def test_nothing_to_compare_is_refused(count: int, confidence: float, named: str) -> None:
    with pytest.raises(InvalidGraph, match=rf"{named}.*[Pp]ass at least one edge, and a confidence like 0\.95"):
        edge_means(torch.ones(1, count), matching(count), confidence=confidence)


def test_rows_are_measured_each_on_its_own() -> None:
    first, second, edges = drawn(40, 8)
    together = edge_means(torch.stack([first, second]), edges, confidence=0.9)
    assert together == tuple(edge_means(row[None], edges, confidence=0.9)[0] for row in (first, second))


@pytest.mark.parametrize(("hubs", "freedom"), [(2, 1.0), (5, LEAST_FREEDOM)])
def test_two_hubs_that_share_all_edges_have_one_degree_of_freedom(hubs: int, freedom: float) -> None:
    edges = torch.stack([torch.arange(200) % hubs, torch.arange(200) + hubs])
    values = torch.linspace(0.45, 0.55, hubs, dtype=torch.float64)[edges[0]]
    (found,) = edge_means(values[None], edges, confidence=0.8)
    (wider,) = edge_means(values[None], edges, confidence=0.6)
    ratio = (found.by_node.high - found.by_node.value) / (wider.by_node.high - wider.by_node.value)
    assert ratio == pytest.approx(stats.t.ppf(0.9, freedom) / stats.t.ppf(0.8, freedom), rel=0.03)
