"""The invariants of what a temporal model learnt from, counted on the pairs that training was given."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.networks.quantile_scale import QuantileScale
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.splits.known_nodes import nodes_known_by
from ncnc_core.splits.leak_invariants import Invariant, absent
from ncnc_core.training.windows import DrawnWindow


def windows_certificate(
    windows: Sequence[DrawnWindow], history: EdgeHistory, handed: EventHistory, *, until: int, test: Tensor
) -> tuple[Invariant, ...]:
    """Check the windows against every edge the snapshot ever held; `until` is the split's second cut.

    `handed` are the events that training was handed, and `test` [2, p] the test pairs.

    Which edges are new in a window, and which nodes were known by its end, is found here anew, from the snapshot and
    not from what training was handed.
    """
    inside, messages, known, free, past = [], [], [], [], []
    for drawn in windows:
        start, end = drawn.window.start, drawn.window.end
        positives, negatives = history.look_up(drawn.positives), history.look_up(drawn.negatives)
        inside.append((positives.first_seen > start) & (positives.first_seen <= end))
        messages.append(~positives.alive_at(start))
        known.append(nodes_known_by(history, end)[drawn.negatives].all(0))
        free.append(~negatives.seen_until(end))
        past.append(torch.tensor([end <= until]))
    learnt = history.look_up(torch.cat([drawn.positives for drawn in windows], 1))
    counted = {
        "window_positives_came_in_their_window": inside,
        "window_positives_not_among_their_messages": messages,
        "window_negatives_join_nodes_known_by_its_end": known,
        "window_negatives_no_edge_by_its_end": free,
        "windows_end_by_the_valid_cut": past,
        "training_events_not_after_the_valid_cut": [handed.first_seen <= until, handed.repeat_time <= until],
    }
    found = (_counted(name, torch.cat(flags)) for name, flags in counted.items())
    return (*found, absent("test_pairs_not_among_window_positives", history.look_up(test), learnt))


def pair_scale_of_windows(
    network: TemporalNetwork, windows: Sequence[DrawnWindow], history: EventHistory
) -> tuple[Invariant, ...]:
    """Count the pair features that the model scales by other statistics than those of its windows, worked out anew."""
    values = []
    for one in windows:  # one graph with its times at a time: those of all would be most of what a training holds
        graph = network.timed(history.graph_at(one.window.start))
        values.append(network.pair_features(graph, one.pairs).values)
    anew, own = QuantileScale(values[0].shape[1]), network.pair_scale
    anew.fit(torch.cat(values))
    same = torch.isclose(own.mean.cpu(), anew.mean, atol=1e-5) & torch.isclose(own.rate.cpu(), anew.rate)
    same &= torch.isclose(own.knots.cpu(), anew.knots, atol=1e-5).all(1)
    return (_counted("pair_scales_are_those_of_the_windows", same),)


def _counted(name: str, sound: Tensor) -> Invariant:
    return Invariant(name, sound.numel(), sound.numel() - int(sound.sum()))
