from __future__ import annotations

from datetime import UTC, datetime

import pytest
import torch
from torch import Tensor

from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from pipeline.evaluation.comparison import Scorer, compare, fresh_pairs, paired_comparison
from pipeline.evaluation.scored_input import GraphScorer
from pipeline.params.params import EvaluateParams
from pipeline.splits.arrays import SplitArrays

NONE = torch.zeros(2, 0, dtype=torch.int64)


def split_of(test: Tensor, negatives: Tensor, first_seen: list[int]) -> SplitArrays:
    return SplitArrays(
        train=NONE,
        valid=NONE,
        test=test,
        message_train=NONE,
        message_test=NONE,
        known_train=NONE,
        valid_negatives=NONE,
        test_negatives=negatives,
        test_first_seen=torch.tensor(first_seen),
    )


TEST = torch.tensor([[0, 1, 2], [3, 4, 5]])
NEGATIVES = torch.tensor([[0, 0, 1, 1, 2, 2], [6, 7, 6, 7, 6, 7]])  # two for each edge, consecutive
CHAMPION_AS_OF = datetime.fromtimestamp(100, UTC)


def test_edges_up_to_the_champions_snapshot_are_seen_and_leave_with_their_negatives() -> None:
    pairs = fresh_pairs(split_of(TEST, NEGATIVES, [100, 101, 99]), CHAMPION_AS_OF)
    assert pairs.positives.tolist() == [[1], [4]]
    assert pairs.negatives.tolist() == [[1, 1], [6, 7]]
    assert (pairs.num_fresh, pairs.num_seen, pairs.note) == (1, 2, "")


def test_without_a_champion_every_test_edge_is_fresh() -> None:
    pairs = fresh_pairs(split_of(TEST, NEGATIVES, [1, 2, 3]), None)
    assert (pairs.num_fresh, pairs.num_seen) == (3, 0)


def test_a_champion_that_has_seen_everything_leaves_nothing_to_decide_on() -> None:
    pairs = fresh_pairs(split_of(TEST, NEGATIVES, [1, 2, 3]), CHAMPION_AS_OF)
    assert (pairs.num_fresh, pairs.num_seen) == (0, 3)
    assert pairs.note == "the champion has seen all 3 test edges: these figures decide nothing"


def test_better_scorer_has_a_positive_paired_difference_on_the_same_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    count, per_edge = 300, 20
    test = torch.stack([torch.arange(count), torch.arange(count) + count])
    negatives = torch.randint(0, 2 * count, (2, count * per_edge), generator=generator)
    pairs = fresh_pairs(split_of(test, negatives, [1] * count), None)

    def scorer(strength: float, seed: int) -> Scorer:
        noise = torch.Generator().manual_seed(seed)
        return lambda asked: (asked[1] - asked[0] == count) * strength + torch.randn(asked.shape[1], generator=noise)

    outcome = compare(
        pairs, {"challenger": scorer(3.0, 1), "champion": scorer(1.0, 2)}, EvaluateParams(bootstrap_samples=200)
    )
    assert outcome.paired is not None
    difference = outcome.paired.difference
    assert difference.low > 0
    mrr = {name: scores.metrics["mrr"].value for name, scores in outcome.scores.items()}
    assert difference.value == pytest.approx(mrr["challenger"] - mrr["champion"])


def test_a_comparison_on_some_edges_is_that_of_these_edges_alone() -> None:
    def scorer(seed: int) -> Scorer:
        return lambda asked: ((asked[0] * 31 + asked[1] * 17 + seed) % 7).double()

    scorers = {"challenger": scorer(1), "champion": scorer(3)}
    whole, part = split_of(TEST, NEGATIVES, [1, 2, 3]), split_of(TEST[:, 1:], NEGATIVES[:, 2:], [2, 3])
    kept = {"challenger": ScoreCalibration(1.0, 0.0)}
    member = torch.tensor([False, True, True])
    params = EvaluateParams(bootstrap_samples=100)
    found = compare(fresh_pairs(whole, None), scorers, params, calibrations=kept).on(member, TEST, params, kept)
    alone = compare(fresh_pairs(part, None), scorers, params, calibrations=kept)
    assert (found.scores, found.paired) == (alone.scores, alone.paired)


def test_equal_scorers_have_no_difference() -> None:
    def scorer(asked: Tensor) -> Tensor:
        return (asked[0] * 31 + asked[1]).double()

    pairs = fresh_pairs(split_of(TEST, NEGATIVES, [1, 2, 3]), None)
    outcome = compare(pairs, {"challenger": scorer, "champion": scorer}, EvaluateParams())
    assert outcome.paired is not None
    difference = outcome.paired.difference
    unseen = 1 - 0.025 ** (1 / 3)  # three edges on which nothing differs
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.0, -unseen, unseen))
    assert outcome.paired.p_value == 1


def test_what_scorers_on_a_graph_were_given_is_kept_by_digest() -> None:
    graph = Adjacency.from_edges(TEST, 8)
    others = Adjacency.from_edges(TEST[:, :2], 8)

    def score(pairs: Tensor, graph: Adjacency, features: Tensor | None) -> Tensor:
        return graph.has(pairs).double()

    scorers: dict[str, Scorer] = {
        "challenger": GraphScorer(score, graph),
        "champion": GraphScorer(score, others),
        "plain": lambda pairs: pairs[0].double(),
    }
    pairs = fresh_pairs(split_of(TEST, NEGATIVES, [1, 2, 3]), None)
    given = compare(pairs, scorers, EvaluateParams()).given
    assert set(given) == {"challenger", "champion"}
    assert given["challenger"].negatives == given["champion"].negatives
    assert given["challenger"].graph != given["champion"].graph


def test_only_a_scorer_with_a_calibration_states_probabilities() -> None:
    def scorer(asked: Tensor) -> Tensor:
        return (asked[1] - asked[0] == 3).double()

    pairs = fresh_pairs(split_of(TEST, NEGATIVES, [1, 2, 3]), None)
    scorers: dict[str, Scorer] = {"challenger": scorer, "champion": scorer}
    kept = {"challenger": ScoreCalibration(4.0, -2.0)}  # edges 0.88, the others 0.12
    outcome = compare(pairs, scorers, EvaluateParams(bootstrap_samples=100), calibrations=kept)
    own, other = outcome.scores["challenger"], outcome.scores["champion"]
    stated = torch.sigmoid(torch.tensor(-2.0)).item()
    assert own.metrics["brier"].value == pytest.approx(stated**2)
    assert own.metrics["ece"].value == pytest.approx(stated)
    assert [part.stated for part in own.reliability] == pytest.approx([stated, 1 - stated])
    assert "brier" not in other.metrics
    assert other.reliability == ()


def test_the_report_holds_both_resamplings_and_decides_by_the_wider() -> None:
    hubs = torch.arange(8).repeat_interleave(25)
    positives = torch.stack([hubs, torch.arange(200) + 8])
    challenger = torch.tensor([0.9, 0.1], dtype=torch.float64).repeat(4)[hubs]
    found = paired_comparison(challenger, torch.full_like(challenger, 0.4), positives, confidence=0.95)
    assert found.resampled_by == "node"
    assert found.difference == found.by_node
    assert found.by_edge.low > 0 > found.by_node.low  # by edge this were a proof
    assert found.difference.value == pytest.approx(0.1)
    assert (found.metric, found.num_edges, found.num_nodes) == ("mrr", 200, 208)
    assert found.p_value > 0.025
