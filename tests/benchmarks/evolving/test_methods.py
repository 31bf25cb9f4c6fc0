from __future__ import annotations

import numpy as np
import pytest

from benchmarks.evolving import methods
from benchmarks.evolving.graphs import DatedGraph
from benchmarks.evolving.methods import METHODS, RULES, Learner
from benchmarks.evolving.night import Night
from ncnc_core.graph.event_history import EventHistory
from tests.fixtures.evolving_graphs import active_groups

GRAPH = DatedGraph(EventHistory.of_events(*active_groups(nodes=60, edges=600, group=12), 60), np.arange(60))


def mean_rank(name: str) -> float:
    night = Night.of(GRAPH)
    ranks = night.ranks(Learner(name).learnt(night, 0))
    assert ranks.shape == night.test.shape[1:]
    assert bool(((ranks > 0) & (ranks <= 1)).all())
    return float(ranks.mean())


@pytest.mark.parametrize("name", [*RULES, "boosted_trees"])
def test_every_rule_and_the_trees_rank_the_same_edges(name: str) -> None:
    assert mean_rank(name) > 0


@pytest.mark.parametrize("name", ["fixed", "published"])
def test_networks_without_times_are_trained_on_the_same_night(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "FIXED_TRAINING", {"epochs": 1, "batch_size": 256})
    assert mean_rank(name) > 0


def test_the_temporal_network_finds_who_is_active_where_counting_does_not() -> None:
    """The graph's groups take turns: who was active last is asked for, whatever was common before."""
    assert mean_rank("temporal") > 1.2 * mean_rank("common_neighbors")


def test_a_recipe_is_part_of_what_defines_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    definitions = [str(Learner(name).definition()) for name in METHODS]
    assert len(set(definitions)) == len(METHODS)
    before = Learner("fixed").definition()
    monkeypatch.setattr(methods, "FIXED_TRAINING", {"epochs": 7, "batch_size": 1024})
    assert Learner("fixed").definition() != before
