"""A graph whose edges have times, with what recency says of its edges and nodes: worked out once, then read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.temporal.spectral import spectral_rows

T = TypeVar("T")
SCALES = (0.05, 0.25, 1.0, 4.0)  # in windows
RECENT = 2  # of the scales: 1 window, at which eigenvectors are weighed and explanations count
SMALLEST = 0.01  # added before a logarithm is taken of ages and activities
UNSEEN_AGE = 20.0  # in windows, of the last activity of a node that had none
NODE_FEATURES = (
    "degree",
    "neighbor_degree",
    *(f"activity_{scale:g}" for scale in SCALES),
    "last_age",
    "first_age",
    "seen",
    "events",
)


@dataclass(frozen=True, eq=False)
class TimedGraph:
    """What is worked out once a graph; all float32.

    decay [entries, scales]: exp(-a / scale), a the age of the edge's last event in windows. strength [nodes, scales]:
    its sum over a node's edges. node [nodes, features]: NODE_FEATURES, see `node_features`. spectral [nodes, 2 * rank]:
    `spectral_rows` of the graph, then with each edge weighed by its decay over one window; no columns where not asked.
    """

    adjacency: Adjacency
    decay: Tensor
    strength: Tensor
    node: Tensor
    spectral: Tensor

    @classmethod
    def of(cls, adjacency: Adjacency, window: float, *, spectral: bool = False) -> TimedGraph:
        """Work it out; `window` is the number of new edges that make one window.

        Raises:
            InvalidGraph: the edges have no times.
        """
        times = required_times(adjacency)
        age = times.age(times.last, window)
        decay = torch.exp(-age.unsqueeze(1) / torch.tensor(SCALES, device=age.device))
        strength = torch.segment_reduce(decay, "sum", offsets=adjacency.row_pointer, initial=0)
        node = node_features(adjacency, times, strength, age, window)
        weights = (None, decay[:, RECENT]) if spectral else ()
        rows = [node[:, :0], *(spectral_rows(adjacency, weight) for weight in weights)]
        return cls(adjacency, decay, strength, node, torch.cat(rows, 1))

    def tensors(self) -> list[Tensor]:
        """Return all but the graph, in the order of the fields."""
        return [getattr(self, one.name) for one in fields(self)[1:]]

    def without_times(self) -> TimedGraph:
        """Return what the encoder reads alone: the node features, and which nodes are joined."""
        none = self.decay[:0]
        return TimedGraph(replace(self.adjacency, times=None), none, none, self.node, self.spectral[:0])

    def once(self, work: Callable[[TimedGraph], T]) -> T:
        """Return what a function says of this graph, from the first call on without working it out again.

        What takes the whole graph and no pairs would else be done for each chunk of pairs.
        """
        if work not in self._said:
            self._said[work] = work(self)
        said: T = self._said[work]
        return said

    @cached_property
    def _said(self) -> dict[Callable[[TimedGraph], Any], Any]:
        return {}


def required_times(adjacency: Adjacency) -> EdgeTimes:
    """Return the times of a graph's edges.

    Raises:
        InvalidGraph: it has none.
    """
    if adjacency.times is None:
        raise InvalidGraph(
            "The model reads when edges came, and this graph's edges have no times. Give time, one a row, or score on "
            "a graph that has them."
        )
    return adjacency.times


def node_features(
    adjacency: Adjacency,
    times: EdgeTimes,
    strength: Float[Tensor, "nodes scales"],
    age: Float[Tensor, " entries"],
    window: float,
) -> Float[Tensor, "nodes features"]:
    """Return NODE_FEATURES; `age` is that of each edge's last event.

    log1p of the degree, its mean over the neighbours, the logarithm of SMALLEST + the strength at each scale, that of
    the ages of the last and of the first activity, whether the node is seen, and log1p of its events.
    """
    degree = adjacency.degree.float()
    log_degree, seen = degree.log1p(), degree > 0
    around = adjacency.neighbor_sum(log_degree.unsqueeze(1), weighted=False).squeeze(1) / degree.clamp(min=1)
    # Where no edge has a second event the first ones are as old, and ten million are not looked up again.
    first = _by_row(adjacency, age if torch.equal(times.first, times.last) else times.age(times.first, window), "max")
    last = torch.where(seen, _by_row(adjacency, age, "min"), UNSEEN_AGE)
    events = _by_row(adjacency, times.events.float(), "sum")
    activity = (SMALLEST + strength).log()
    ages = (SMALLEST + torch.stack([last, torch.where(seen, first, 0.0)], 1)).log()
    own = torch.stack([seen.float(), events.log1p()], 1)
    return torch.cat([log_degree.unsqueeze(1), around.unsqueeze(1), activity, ages, own], 1)


def _by_row(adjacency: Adjacency, values: Tensor, reduction: str) -> Tensor:
    """Return the sum, smallest or largest value of each row's entries; 0 where a row has none."""
    found = torch.segment_reduce(
        values, reduction, offsets=adjacency.row_pointer, initial=None if reduction != "sum" else 0
    )
    return torch.where(adjacency.degree > 0, found, 0.0)
