"""The windows of a training that asks what the night asks: a graph as of a time, and what is linked in the time after.

An evaluation holds the edges after a cut against a graph as of that cut. A training on edges drawn at random out of the
graph they belong to asks something else: there the neighbours of a target are in part younger than itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ncnc_core.config.choices import USUAL_NEGATIVES, EvaluationNegative
from ncnc_core.config.training import TrainingConfig, positives_of_window
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.splits.negatives import has_negative


@dataclass(frozen=True)
class Window:
    """Message edges are those alive at `start`, targets those that came first in (start, end]; unix seconds."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class DrawnWindow:
    """A window with the pairs that training got of it, [2, positives * each]: each positive, then its negatives."""

    window: Window
    pairs: Tensor
    each: int

    @property
    def positives(self) -> Tensor:
        """The positives, [2, positives]."""
        return self.pairs[:, :: self.each]

    @property
    def negatives(self) -> Tensor:
        """The negatives, [2, positives * (each - 1)]."""
        return self.pairs.view(2, -1, self.each)[:, :, 1:].flatten(1)


def training_windows(history: EventHistory, end: int, size: int, most: int) -> list[Window]:
    """Return up to `most` consecutive windows of about `size` new edges each, the last one up to `end`, oldest first.

    A window begins and ends at a time at which edges came, so one date is never divided. The first one begins where at
    least `size` edges had come: from less nothing can be learnt.

    Raises:
        InvalidGraph: there is no such window.
    """
    cuts, wanted = [end], history.arrived(end) - size
    while len(cuts) <= most and wanted >= size:
        time = history.time_of(wanted)
        if time >= cuts[-1]:  # one date has more edges than a window: go on before it
            earlier = int(torch.searchsorted(history.arrivals, cuts[-1]))
            if earlier < size:
                break
            time = history.time_of(earlier)
        cuts.append(time)
        wanted = history.arrived(time) - size
    if len(cuts) < 2:
        raise InvalidGraph(
            f"{history.arrived(end)} edges had come by the end of training, too few for a window of {size} new ones "
            "and as many before it. Choose the predictor ncnc, which reads no times, or a smaller share for validation."
        )
    return [Window(start, stop) for stop, start in pairwise(cuts)][::-1]


def draw_pairs(
    history: EventHistory,
    window: Window,
    training: TrainingConfig,
    generator: torch.Generator,
    kinds: tuple[EvaluationNegative, ...] = USUAL_NEGATIVES,
) -> DrawnWindow:
    """Draw the pairs of a window.

    Positives are drawn, of the edges that came in the window, as many as `positives_of_window` says. A
    negative, of one of the `kinds`, replaces one end by a node that was known by the window's end, and is no pair that
    was an edge by then. Kinds have equal shares: a number that they do not divide is rounded up. An edge whose ends
    were both joined to all these nodes has none, and is left out.
    """
    fresh, seen = history.fresh(window.start, window.end), history.seen_nodes(window.end)
    known = history.keys_until(window.end)
    fresh = fresh[:, has_negative(fresh, known, history.num_nodes, seen)]
    most = positives_of_window(history.arrived(window.end))
    fresh = fresh[:, torch.randperm(fresh.shape[1], generator=generator)[:most]]
    each = training.negatives_per_positive + -training.negatives_per_positive % len(kinds)
    negatives = evaluation_negatives(
        fresh,
        each,
        known,
        generator,
        kinds=kinds,
        adjacency=history.graph_at(window.start),
        among=seen,
    )
    pairs = torch.cat([fresh.unsqueeze(2), negatives.view(2, fresh.shape[1], each)], 2).flatten(1)
    return DrawnWindow(window, pairs, 1 + each)
