from __future__ import annotations

import numpy as np
import torch

from benchmarks.evolving.graphs import DatedGraph
from benchmarks.evolving.night import EACH, Night
from ncnc_core.graph.event_history import EventHistory
from tests.fixtures.evolving_graphs import active_groups

GRAPH = DatedGraph(EventHistory.of_events(*active_groups(nodes=60, edges=600, group=12), 60), np.arange(60))


def test_a_night_asks_for_the_latest_edges_and_hands_training_nothing_of_them() -> None:
    night = Night.of(GRAPH)
    times = night.times
    assert times.history.latest <= times.cut_valid
    assert not night.graph.has(night.test).any()
    assert night.negatives.shape == (2, EACH * night.test.shape[1])
    assert times.history.seen_nodes(times.cut_valid)[night.data.valid_negatives].all()
    assert torch.equal(night.warm, (night.graph.degree[night.test] > 0).all(0))
