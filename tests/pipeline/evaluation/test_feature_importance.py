"""A small model of a graph in which recency tells what comes next; where one group alone is heard, it alone counts."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.edge_mean import paired_difference
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.temporal.pair_features import feature_groups, feature_names
from pipeline.evaluation import feature_importance as importance
from pipeline.evaluation.comparison import FreshPairs
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.feature_importance import feature_importance
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import FeatureImportance
from tests.fixtures.evolving_graphs import active_groups

PARAMS = EvaluateParams()
EDGES, TIME = active_groups()
CUT, NODES, EACH = 1440, 200, 20
GRAPH = EventHistory.of_events(EDGES[:, :CUT], TIME[:CUT], NODES).graph_at(int(TIME[CUT - 1]))


def pairs(count: int = 60) -> FreshPairs:
    """The latest edges, each with negatives of which one end is drawn at random."""
    positives = EDGES[:, CUT : CUT + count]
    other = torch.randint(NODES, (count * EACH,), generator=torch.Generator().manual_seed(0))
    first = positives[0].repeat_interleave(EACH)
    negatives = torch.stack([first, torch.where(other == first, (other + 1) % NODES, other)])
    return FreshPairs(positives, negatives, TIME[CUT : CUT + count], count, 0, "")


@pytest.fixture(scope="module")
def model() -> LinkModel:
    training = TrainingConfig(
        epochs=4, batch_size=64, predictor_learning_rate=0.005, loss="listwise", negatives_per_positive=8, windows=3
    )
    config = ModelConfig(predictor="temporal_ncn", hidden_channels=8)
    return LinkModel.fit(Positions(EDGES[:, :CUT]), time=TIME[:CUT], model=config, training=training, progress=False)


def by_group(found: tuple[FeatureImportance, ...]) -> dict[str, FeatureImportance]:
    return {one.group: one for one in found}


def hearing(model: LinkModel, group: str) -> LinkModel:
    """The model, deaf to all pair features but one group's."""
    heard = torch.tensor([name in feature_groups()[group] for name in feature_names()]).repeat(2)
    network = copy.deepcopy(model.network)
    with torch.no_grad():
        network.get_parameter("feature_mlp.0.weight").mul_(heard)
    return replace(model, network=network)


def test_the_group_that_a_model_hears_is_the_one_it_rests_on(model: LinkModel) -> None:
    meter = CostMeter()
    deaf = hearing(model, "activity of the ends")
    found = by_group(feature_importance(deaf, pairs(), GRAPH, None, PARAMS, meter=meter))
    assert tuple(found) == tuple(feature_groups())
    assert {(one.metric, one.num_edges) for one in found.values()} == {("mrr", 60)}
    assert found.pop("activity of the ends").fall.low > 0
    assert {one.fall.value for one in found.values()} == {0}
    assert [(cost.part, cost.pairs) for cost in meter.costs] == [("feature importance", 60 * 21)]


def test_the_fall_is_the_mean_of_what_each_edge_loses(model: LinkModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the shuffle each positive is last but for ties: logits are 0 for positives and 1 for negatives."""
    logits = torch.cat([torch.zeros(60), torch.ones(60 * EACH)])
    monkeypatch.setattr(importance, "permuted_logits", lambda *_: {"overlap": logits})
    [found] = feature_importance(model, pairs(), GRAPH, None, PARAMS)
    scored = (
        model.score_pairs(Positions(pairs().positives), adjacency=GRAPH),
        model.score_pairs(Positions(pairs().negatives), adjacency=GRAPH).view(60, EACH),
    )
    before = reciprocal_ranks(*(one.double() for one in scored))
    after = torch.full_like(before, 1 / 21)
    assert found.fall.value == pytest.approx(float((before - after).mean()))
    expected = paired_difference(before, after, pairs().positives, confidence=0.95).interval
    assert (found.fall.low, found.fall.high) == pytest.approx((expected.low, expected.high))


def test_a_sample_bounds_the_cost_and_the_seed_decides_it(model: LinkModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "MOST_EDGES", 25)
    found = feature_importance(model, pairs(), GRAPH, None, PARAMS)
    assert {one.num_edges for one in found} == {25}
    assert feature_importance(model, pairs(), GRAPH, None, PARAMS) == found
    assert feature_importance(model, pairs(), GRAPH, None, PARAMS.model_copy(update={"seed": 1})) != found


def test_a_model_that_reads_no_pair_features_has_none() -> None:
    training, config = TrainingConfig(epochs=1), ModelConfig(predictor="ncn", hidden_channels=4)
    plain = LinkModel.fit(Positions(EDGES[:, :300]), model=config, training=training, progress=False)
    meter = CostMeter()
    assert feature_importance(plain, pairs(), GRAPH, None, PARAMS, meter=meter) == ()
    assert meter.costs == ()
