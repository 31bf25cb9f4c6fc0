from __future__ import annotations

import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.training.data import TemporalData
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.floor import NO_TIMES, night_floor
from pipeline.records.floor import FLOOR_NAMES
from tests.fixtures.drawn_history import history_of_waves, until_test

PAIRS = torch.tensor([[0, 1, 2], [5, 6, 119]])


def test_with_times_the_whole_floor_is_computed_and_its_fit_is_metered() -> None:
    data, meter = until_test(history_of_waves()), CostMeter()
    graph = data.history.graph_at(data.cut_valid)
    floor = night_floor(graph, data, meter)
    assert tuple(floor.scores) == FLOOR_NAMES
    assert floor.absent == {}
    assert all(score(PAIRS, graph, None).shape == (3,) for score in floor.scores.values())
    (cost,) = meter.costs
    assert cost.part == "fitting boosted_trees"
    assert cost.cpu_seconds is not None
    assert cost.cpu_seconds > 0


def test_without_times_the_heuristics_are_the_floor_and_the_others_say_why_not() -> None:
    data, meter = until_test(history_of_waves()), CostMeter()
    timed = data.history.graph_at(data.cut_valid)
    plain = Adjacency.from_edges(timed.edges(), timed.num_nodes)
    for floor in (night_floor(plain, data, meter), night_floor(timed, None, meter)):
        assert tuple(floor.scores) == FLOOR_NAMES[:4]
        assert floor.absent == dict.fromkeys(FLOOR_NAMES[4:], NO_TIMES)
    assert not meter.costs


def test_a_graph_too_young_for_a_window_has_no_trees_and_keeps_the_rules() -> None:
    data = until_test(history_of_waves())
    young = TemporalData(data.history, data.history.time_of(5), data.cut_valid)  # nearly all of it is validation
    floor = night_floor(data.history.graph_at(data.cut_valid), young, CostMeter())
    assert tuple(floor.scores) == FLOOR_NAMES[:-1]
    assert list(floor.absent) == ["boosted_trees"]
    assert "too few for a window" in floor.absent["boosted_trees"]
    assert not floor.absent["boosted_trees"].endswith(".")
