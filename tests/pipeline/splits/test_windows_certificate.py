"""What a temporal model learnt from is certified: each leak that is planted in its windows is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.splits.leak_invariants import Invariant
from ncnc_core.temporal.pair_features import pair_features
from ncnc_core.temporal.timed_graph import TimedGraph
from ncnc_core.training.windows import DrawnWindow, Window, draw_pairs, training_windows
from pipeline.splits.windows_certificate import pair_scale_of_windows, windows_certificate
from tests.fixtures.evolving_graphs import random_events

NODES, CUT_TRAIN, CUT_VALID = 40, 60, 80
Plant = Callable[[tuple[DrawnWindow, ...]], tuple[DrawnWindow, ...]]


def history() -> EventHistory:
    ends, time = random_events(7)
    return EventHistory.of_events(ends, time * 100 // int(time.max()), NODES)


WHOLE = history()
KNOWN = WHOLE.until(CUT_VALID)
SIZE = KNOWN.arrived(CUT_VALID) - KNOWN.arrived(CUT_TRAIN)
TEST = WHOLE.edges[:, WHOLE.first_seen > CUT_VALID]
OLDEST = KNOWN.edges[:, KNOWN.first_seen.argmin()]
STRANGER = torch.tensor([0, NODES - 1])  # the last nodes have no edge


def drawn() -> tuple[DrawnWindow, ...]:
    recipe, generator = TrainingConfig(negatives_per_positive=2), torch.Generator().manual_seed(0)
    return tuple(draw_pairs(KNOWN, one, recipe, generator) for one in training_windows(KNOWN, CUT_VALID, SIZE, 3))


def certified(windows: tuple[DrawnWindow, ...], handed: EventHistory = KNOWN) -> dict[str, Invariant]:
    every = EdgeHistory.of(WHOLE.edges, WHOLE.first_seen, WHOLE.alive_since, WHOLE.removed_at, NODES)
    return {one.name: one for one in windows_certificate(windows, every, handed, until=CUT_VALID, test=TEST)}


def with_pairs(windows: tuple[DrawnWindow, ...], slot: int, pair: torch.Tensor) -> tuple[DrawnWindow, ...]:
    """Return the windows with one pair of the last one replaced: slot 0 is a positive, slot 1 its first negative."""
    pairs = windows[-1].pairs.clone()
    pairs[:, slot] = pair
    return (*windows[:-1], replace(windows[-1], pairs=pairs))


def test_windows_as_they_are_drawn_hold_every_invariant() -> None:
    found = certified(drawn())
    assert TEST.numel()
    assert all(one.passed for one in found.values())
    assert all(one.checked > 0 for one in found.values())


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("window_positives_came_in_their_window", lambda windows: with_pairs(windows, 0, OLDEST)),
        ("window_positives_not_among_their_messages", lambda windows: with_pairs(windows, 0, OLDEST)),
        ("test_pairs_not_among_window_positives", lambda windows: with_pairs(windows, 0, TEST[:, 0].flip(0))),
        ("window_negatives_join_nodes_known_by_its_end", lambda windows: with_pairs(windows, 1, STRANGER)),
        ("window_negatives_no_edge_by_its_end", lambda windows: with_pairs(windows, 1, KNOWN.edges[:, 0])),
        (
            "windows_end_by_the_valid_cut",
            lambda windows: (*windows[:-1], replace(windows[-1], window=Window(CUT_TRAIN, CUT_VALID + 1))),
        ),
    ],
)  # fmt: skip
def test_a_leak_that_is_planted_in_the_windows_is_caught(name: str, plant: Plant) -> None:
    assert not certified(plant(drawn()))[name].passed


def test_a_history_that_goes_on_after_the_valid_cut_is_caught() -> None:
    assert certified(drawn(), WHOLE)["training_events_not_after_the_valid_cut"].violations > 0


def test_scales_of_other_pairs_than_those_of_the_windows_are_caught() -> None:
    network, windows = TemporalNetwork(ModelConfig(predictor="temporal_ncn"), num_features=0), drawn()
    network.window.fill_(SIZE)
    graphs = [TimedGraph.of(KNOWN.graph_at(one.window.start), float(SIZE)) for one in windows]
    values = [pair_features(graph, one.pairs).values for graph, one in zip(graphs, windows, strict=True)]
    network.pair_scale.fit(torch.cat(values))
    [sound] = pair_scale_of_windows(
        network, windows, WHOLE
    )  # worked out from all events: what came later plays no part
    assert sound.passed
    network.pair_scale.fit(
        torch.cat([*values, pair_features(TimedGraph.of(WHOLE.graph_at(100), float(SIZE)), TEST).values])
    )
    [wrong] = pair_scale_of_windows(network, windows, WHOLE)
    assert wrong.violations > 0
