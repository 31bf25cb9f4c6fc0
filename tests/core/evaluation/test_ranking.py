import math

import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.edge_mean import edge_means
from ncnc_core.evaluation.ranking import (
    average_precision,
    hits_at_k_shared,
    metric_values,
    rank_intervals,
    rank_metrics,
    reciprocal_ranks,
    roc_auc,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_scores(seed: int, positives: int = 60, negatives: int = 12, levels: int = 9) -> tuple[torch.Tensor, ...]:
    """Scores on a coarse grid, so that ties abound."""
    g = generator(seed)
    positive = (torch.rand(positives, generator=g) * levels + 1.5).floor() / levels
    negative = (torch.rand(positives, negatives, generator=g) * levels).floor() / levels
    return positive, negative


def sklearn_truth(positive: torch.Tensor, negative: torch.Tensor) -> tuple[list[int], list[float]]:
    return [1] * positive.numel() + [0] * negative.numel(), torch.cat([positive, negative.flatten()]).tolist()


@pytest.mark.parametrize(
    ("positive", "negative", "k", "expected"),
    [
        ([0.9, 0.5, 0.1], [0.8, 0.4, 0.2], 1, 1 / 3),
        ([0.9, 0.5, 0.1], [0.8, 0.4, 0.2], 3, 2 / 3),
        ([0.8, 0.8, 0.9], [0.8, 0.4], 1, 1 / 3),  # a tie with the first takes ranks 1 and 2: 1.5
        ([0.5, 0.5], [0.5, 0.5], 1, 0.0),  # a constant scorer ranks in the middle: second of three
        ([0.5, 0.5], [0.5, 0.5], 2, 1.0),
    ],
)
def test_hits_at_k_averages_the_ranks_of_ties(
    positive: list[float], negative: list[float], k: int, expected: float
) -> None:
    assert hits_at_k_shared(torch.tensor(positive), torch.tensor(negative), k) == pytest.approx(expected)


@pytest.mark.parametrize("k", [0, 4])
def test_hits_at_k_refuses_a_k_that_the_negatives_cannot_answer(k: int) -> None:
    with pytest.raises(InvalidGraph, match=rf"Hits@{k} .* there are 3\. Sample more negatives"):
        hits_at_k_shared(torch.ones(2), torch.ones(3), k)


@pytest.mark.parametrize(
    ("positive", "negative", "rank"),
    [
        (0.9, [0.1, 0.2, 0.3, 0.4], 1),
        (0.9, [0.1, 0.9, 0.95, 0.99], 3.5),  # two above, one tie counted half
        (0.5, [0.5, 0.5, 0.5, 0.5], 3),  # all tied: the middle
        (0.0, [0.1, 0.2, 0.3, 0.4], 5),
    ],
)
def test_reciprocal_rank_averages_ties(positive: float, negative: list[float], rank: float) -> None:
    assert reciprocal_ranks(torch.tensor([positive]), torch.tensor([negative])).item() == pytest.approx(1 / rank)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("levels", [2, 9, 10_000])
def test_auc_and_average_precision_agree_with_scikit_learn_also_on_ties(seed: int, levels: int) -> None:
    positive, negative = random_scores(seed, levels=levels)
    truth = sklearn_truth(positive, negative)

    assert roc_auc(positive, negative.flatten()) == pytest.approx(roc_auc_score(*truth), abs=1e-12)
    assert average_precision(positive, negative.flatten()) == pytest.approx(average_precision_score(*truth), abs=1e-12)


def test_the_mean_of_the_metric_values_is_the_metric() -> None:
    positive, negative = random_scores(3)

    metrics = rank_metrics(positive, negative)

    own, shared = ["hits@1", "hits@3", "hits@10"], ["shared_hits@20", "shared_hits@50", "shared_hits@100"]
    assert list(metrics) == ["mrr", *own, *shared, "auc", "average_precision"]  # 12 negatives a positive: no hits@20
    assert metrics["shared_hits@50"] == pytest.approx(hits_at_k_shared(positive, negative.flatten(), 50))
    assert metrics["mrr"] == pytest.approx(reciprocal_ranks(positive, negative).mean().item())
    assert metrics["auc"] == pytest.approx(roc_auc(positive, negative.flatten()))
    assert metrics["average_precision"] == pytest.approx(average_precision(positive, negative.flatten()))
    by_hand = [hits_at_k_shared(positive[i : i + 1], negative[i], 3) for i in range(len(positive))]
    assert metrics["hits@3"] == pytest.approx(sum(by_hand) / len(by_hand))


@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_pseudo_values_are_the_derivative_by_the_weight_of_one_positive_with_its_negatives(name: str) -> None:
    positive, negative = random_scores(1, positives=30)
    truth, scores = sklearn_truth(positive, negative)
    score = roc_auc_score if name == "auc" else average_precision_score
    base, values, step = score(truth, scores), metric_values(positive, negative)[name], 1e-6

    for one in (0, 7, 29):
        weight = torch.ones(30, dtype=torch.float64)
        weight[one] += step
        weights = torch.cat([weight, weight.repeat_interleave(negative.shape[1])]).tolist()
        slope = (score(truth, scores, sample_weight=weights) - base) / step
        assert values[one].item() == pytest.approx(base + 30 * slope, abs=1e-4)


@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_cheap_interval_agrees_with_a_bootstrap_that_recomputes_the_metric(name: str) -> None:
    g = generator(5)
    positive = torch.randn(300, generator=g) + 1
    negative = torch.randn(300, 20, generator=g)
    score = roc_auc if name == "auc" else average_precision

    cheap = rank_intervals(positive, negative, matching(300), confidence=0.95)[name]

    drawn = torch.randint(300, (600, 300), generator=generator(2))
    dear = torch.tensor([score(positive[rows], negative[rows].flatten()) for rows in drawn]).quantile(
        torch.tensor([0.025, 0.975])
    )
    width = float(dear[1] - dear[0])
    assert abs(cheap.low - float(dear[0])) < 0.15 * width
    assert abs(cheap.high - float(dear[1])) < 0.15 * width


def test_intervals_hold_their_value_and_stay_within_zero_and_one() -> None:
    positive = torch.tensor([0.9] * 30 + [0.1])
    negative = torch.full((31, 5), 0.5)

    intervals = rank_intervals(positive, negative, matching(31), confidence=0.99)

    assert set(intervals) == set(rank_metrics(positive, negative))
    for interval in intervals.values():
        assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_interval_of_mrr_is_that_of_the_mean_reciprocal_rank() -> None:
    positive, negative = random_scores(2)

    hub = torch.stack([torch.arange(60) // 20, torch.arange(60) + 3])
    interval = rank_intervals(positive, negative, hub, confidence=0.9)["mrr"]

    (alone,) = edge_means(reciprocal_ranks(positive, negative)[None], hub, confidence=0.9)
    assert interval == alone.interval
    apart = rank_intervals(positive, negative, matching(60), confidence=0.9)["mrr"]
    assert interval.high - interval.low > apart.high - apart.low


def test_metrics_and_intervals_do_not_depend_on_order_or_numbering() -> None:
    positive, negative = random_scores(4)
    edges = torch.stack([torch.arange(60) // 9, torch.randint(7, 40, (60,), generator=generator(1))])
    order = torch.randperm(60, generator=generator(2))
    found = rank_intervals(positive, negative, edges, confidence=0.9)
    again = rank_intervals(positive[order], negative[order].flip(1), (99 - edges).flip(0)[:, order], confidence=0.9)
    for name, interval in found.items():
        assert again[name] == pytest.approx(interval), name


@pytest.mark.parametrize("levels", [4, 10_000])
def test_hits_over_each_edges_own_negatives_are_those_of_the_open_graph_benchmark_also_on_ties(levels: int) -> None:
    positive, negative = random_scores(6, levels=levels)
    # ogb.linkproppred.Evaluator, metric mrr: the mean of the optimistic and of the pessimistic rank.
    optimistic = (negative >= positive[:, None]).sum(1)
    pessimistic = (negative > positive[:, None]).sum(1)
    rank = 0.5 * (optimistic + pessimistic) + 1
    metrics = rank_metrics(positive, negative)
    assert metrics["mrr"] == pytest.approx((1.0 / rank).double().mean().item())
    for k in (1, 3, 10):
        assert metrics[f"hits@{k}"] == pytest.approx((rank <= k).double().mean().item())


def test_shared_hits_are_those_of_the_open_graph_benchmark_where_nothing_ties() -> None:
    positive, negative = torch.randn(50, generator=generator(7)) + 1, torch.randn(400, generator=generator(8))
    for k in (1, 20, 100):
        kth = negative.topk(k).values[-1]  # ogb.linkproppred.Evaluator, metric hits@K
        assert hits_at_k_shared(positive, negative, k) == (positive > kth).double().mean().item()


def matching(count: int) -> torch.Tensor:
    """Edges of which no two share a node."""
    return torch.arange(2 * count).view(2, count)


@pytest.mark.parametrize("where", ["positive", "negative"])
def test_a_diverged_model_is_refused_and_not_ranked_first(where: str) -> None:
    scores = {"positive": torch.ones(4), "negative": torch.ones(4, 3)}
    scores[where].view(-1)[0] = math.nan

    with pytest.raises(InvalidGraph, match=r"1 of 16 scores are NaN.*lower the learning rates"):
        reciprocal_ranks(scores["positive"], scores["negative"])


def test_no_positives_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"0 positive and 3 negative scores. Widen the test window"):
        roc_auc(torch.empty(0), torch.ones(3))
