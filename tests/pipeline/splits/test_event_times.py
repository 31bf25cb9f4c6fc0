from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ncnc_core.config.choices import RecordedNegative
from pipeline.graphs.events import Events
from pipeline.graphs.tables import STILL_ALIVE, GraphTables
from pipeline.records.chain import EdgeSplit
from pipeline.splits.event_times import event_history, serving_graph, temporal_data


def path_of_four(removed_at: list[int], repeats: Events | None = None) -> GraphTables:
    first_seen = np.array([10, 20, 30])
    return GraphTables(
        np.arange(4), None, np.array([[0, 1, 2], [1, 2, 3]]), first_seen, np.array(removed_at), first_seen,
        repeats=repeats or Events.none(),
    )  # fmt: skip


def test_an_edge_that_went_after_the_newest_event_is_not_served_with_times_either() -> None:
    tables = path_of_four([STILL_ALIVE, 100, STILL_ALIVE])  # a dump of the night 100, whose newest row is of 30
    plain, timed = serving_graph(tables, timed=False), serving_graph(tables, timed=True)
    assert plain.edges().T.tolist() == timed.edges().T.tolist() == [[0, 1], [2, 3]]


def test_the_served_graph_has_every_event_and_a_clock_that_counts_what_is_gone() -> None:
    events = Events(np.array([0, 0]), np.array([40, 200]))
    timed = serving_graph(path_of_four([STILL_ALIVE, 100, STILL_ALIVE], events), timed=True).times
    assert timed is not None
    assert (timed.last.tolist(), timed.events.tolist()) == ([200, 200, 30, 30], [3, 3, 1, 1])
    assert timed.arrivals.tolist() == [10, 20, 30]
    assert serving_graph(path_of_four([STILL_ALIVE] * 3), timed=False).times is None


def test_the_graph_of_a_night_says_how_many_events_of_an_edge_went_each_way() -> None:
    events = Events(np.array([0, 0, 2]), np.array([40, 200, 50]), np.array([False, True, False]))
    ways = replace(path_of_four([STILL_ALIVE] * 3, events), first_forward=np.array([True, False, False]))
    history = event_history(ways)
    sent = []
    for time in (30, 45, 200):
        graph = history.graph_at(time)
        assert graph.times is not None
        assert graph.times.sent is not None
        sent.append(graph.times.sent.tolist())  # 0 to 1, 1 to 0, 1 to 2, 2 to 1, 2 to 3, 3 to 2
    assert sent == [[1, 0, 0, 1, 0, 1], [1, 1, 0, 1, 0, 1], [2, 1, 0, 1, 0, 2]]
    assert event_history(path_of_four([STILL_ALIVE] * 3)).first_forward is None


@pytest.mark.parametrize(
    ("evaluated", "learnt"),
    [
        (("uniform", "degree_matched", "hard"), ("uniform", "degree_matched", "hard")),
        (("uniform", "historical"), ("uniform",)),  # historical ones end at a cut
        (("given",), ("uniform", "degree_matched")),
    ],
)
def test_training_meets_the_kinds_of_negatives_that_the_evaluation_has(
    evaluated: tuple[RecordedNegative, ...], learnt: tuple[RecordedNegative, ...]
) -> None:
    split = EdgeSplit(
        snapshot_sha256="a" * 64, method="temporal", reason="", cut_train=datetime.fromtimestamp(15, UTC),
        cut_valid=datetime.fromtimestamp(25, UTC), num_train=1, num_valid=1, num_test=1, num_message_train=1,
        num_message_test=2, seed=0, files=(), tag="t", certificate=(), negative_kinds=evaluated,
    )  # fmt: skip
    found = temporal_data(path_of_four([STILL_ALIVE] * 3), split)
    assert found is not None
    assert found.negative_kinds == learnt
    assert found.history.first_seen.tolist() == [10, 20]  # and nothing of what came later
