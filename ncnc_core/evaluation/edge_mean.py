"""The mean of a value that each edge has, with an interval that allows for edges that share a node."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int64
from scipy.special import stdtr, stdtrit
from torch import Tensor

from ncnc_core.errors import InvalidGraph

# A lone hub raises mean and error alike, so their ratio stays near 1: Student's t of one to three degrees of freedom
# (12.7 to 3.2 errors at 95 %) would guard against nothing and cost all power (decision 15).
LEAST_FREEDOM = 4.0
FEWEST_UNITS = 3.0  # of fewer busier ends than these, two hubs that share all edges, one degree is left (decision 30)
EQUAL = 1e-9  # residuals no larger are rounding: all edges have one value
Unit = Literal["edge", "node"]


class MetricInterval(NamedTuple):
    """An estimate with its confidence bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class EdgeMean:
    """A mean over edges with its interval, leaving out one edge at a time and one node at a time.

    `resampled_by` names the wider one, which is the one to decide by, and `p_value` belongs to it: one-sided, the
    chance of a mean at least this large were the true one 0.
    """

    by_edge: MetricInterval
    by_node: MetricInterval
    resampled_by: Unit
    p_value: float
    num_edges: int
    num_nodes: int

    @property
    def interval(self) -> MetricInterval:
        """The interval to decide by."""
        return self.by_node if self.resampled_by == "node" else self.by_edge


def paired_difference(
    first: Float[Tensor, " edges"],
    second: Float[Tensor, " edges"],
    edges: Int64[Tensor, "2 edges"],
    *,
    confidence: float,
) -> EdgeMean:
    """Return mean(first - second) over the edges as `edge_means` has it, for values between 0 and 1."""
    difference = (first.double() - second.double())[None]
    return edge_means(difference, edges, confidence=confidence, bounds=(-1.0, 1.0))[0]


def edge_means(
    values: Float[Tensor, "rows edges"],
    edges: Int64[Tensor, "2 edges"],
    *,
    confidence: float,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[EdgeMean, ...]:
    """Return the mean of each row over distinct edges, with the interval and the p-value that shared nodes allow.

    By edge, the squared error is the mean's own. By node it is the larger of the jackknife that leaves out a node with
    all its edges (each edge would count at both ends, so the jackknife over edges is taken off once)

        sum_u (S_u / (n - d_u))^2 - sum_e (r_e / (n - 1))^2

    and of what the nodes show on average, sum_e r_e^2 / (n (n - 1)) + share * sum_u d_u (d_u - 1) / n^2: the first
    sees a hub that is unlike the others, the second keeps a few hubs that agree by chance from narrowing the interval.
    r_e: residual of edge e; d_u, S_u: number and residual sum of node u's edges; share: mean product of two residuals
    at one node. Student's t has as many degrees of freedom as nodes carry weight (Satterthwaite).

    Where all edges have one value, nothing varies and the error would be 0. The interval is then the exact one of a
    share of which nothing was seen in n edges (Clopper, Pearson, 1934), n counted in edges or in busier ends.

    Nothing is drawn at random, and no numbering matters. Intervals are kept within `bounds`, between which the true
    means lie, and are just that where there is nothing to leave out: one edge, or one node that has them all.
    O(edges (rows + log edges)). Sources: Aronow, Samii, Assenova, Cluster-robust variance estimation for dyadic data,
    2015; Hansen, Jackknife standard errors for clustered regression, 2022.

    Raises:
        InvalidGraph: there is no edge, or the confidence lies outside (0, 1).
    """
    count = edges.shape[1]
    if count == 0 or not 0 < confidence < 1:
        raise InvalidGraph(
            f"A mean over edges needs edges and a confidence between 0 and 1, but got {count} edges and confidence "
            f"{confidence}. Pass at least one edge, and a confidence like 0.95."
        )
    nodes = _Nodes.of(edges)
    return tuple(_edge_mean(row, nodes, confidence, bounds) for row in values.double())


def _edge_mean(values: Tensor, nodes: _Nodes, confidence: float, bounds: tuple[float, float]) -> EdgeMean:
    value, count = float(values.mean()), values.numel()
    residuals = _Residuals.of(values - value, nodes)

    def estimate(variance: float, freedom: float, units: float) -> _Estimate:
        is_flat = residuals.are_zero and math.isfinite(variance)
        return _Estimate(value, bounds, math.sqrt(variance), freedom, units if is_flat else None)

    by_edge = estimate(residuals.edge_variance, float(max(count - 1, 1)), float(count))
    freedom = residuals.freedom if nodes.units >= FEWEST_UNITS else 1.0
    by_node = estimate(residuals.node_variance, freedom, nodes.units)
    wider: Unit = "node" if by_node.half_width(confidence) > by_edge.half_width(confidence) else "edge"
    return EdgeMean(
        by_edge=by_edge.interval(confidence),
        by_node=by_node.interval(confidence),
        resampled_by=wider,
        p_value=(by_node if wider == "node" else by_edge).p_value(),
        num_edges=count,
        num_nodes=nodes.degree.numel(),
    )


@dataclass(frozen=True)
class _Estimate:
    """A mean with its standard error; where nothing varies, `units` equal values are what it rests on instead."""

    value: float
    bounds: tuple[float, float]
    error: float
    freedom: float
    units: float | None

    def half_width(self, confidence: float) -> float:
        if self.units is not None:
            return self._unseen(self.units, confidence) * (self.bounds[1] - self.bounds[0])
        return float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error

    def interval(self, confidence: float) -> MetricInterval:
        least, most = self.bounds
        if self.units is not None:
            unseen = self._unseen(self.units, confidence)
            below, above = unseen * (self.value - least), unseen * (most - self.value)
            return MetricInterval(self.value, self.value - below, self.value + above)
        half = self.half_width(confidence)
        return MetricInterval(self.value, max(self.value - half, least), min(self.value + half, most))

    def p_value(self) -> float:
        if self.units is not None:
            least = self.bounds[0]
            return 1.0 if self.value <= 0 else float((-least / (self.value - least)) ** self.units)
        if self.error == 0:
            return 0.0 if self.value > 0 else 1.0
        return float(stdtr(self.freedom, -self.value / self.error))

    @staticmethod
    def _unseen(units: float, confidence: float) -> float:
        """Return the largest share of edges that may have another value although none of the units has."""
        return 1 - float(((1 - confidence) / 2) ** (1 / units))


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The ends of edges as places among their distinct nodes, [2, edges], and how many edges each node has."""

    place: Tensor
    degree: Tensor

    @classmethod
    def of(cls, edges: Tensor) -> _Nodes:
        unique, place = torch.unique(edges, return_inverse=True)
        return cls(place, torch.bincount(place.flatten(), minlength=unique.numel()).double())

    @cached_property
    def units(self) -> float:
        """How many independent values the edges are worth at most, if all edges of a node move together."""
        return self.place.shape[1] / float(self.degree[self.place].amax(0).mean())


@dataclass(frozen=True, eq=False)
class _Residuals:
    """The residuals [edges] summed at their nodes: the sums, and the sums of squares [nodes]."""

    residual: Tensor
    degree: Tensor
    sums: Tensor
    squares: Tensor

    @classmethod
    def of(cls, residual: Tensor, nodes: _Nodes) -> _Residuals:
        twice = residual.repeat(2)
        rows = torch.stack([twice, twice.square()])
        sums, squares = rows.new_zeros(2, nodes.degree.numel()).index_add_(1, nodes.place.flatten(), rows)
        return cls(residual, nodes.degree, sums, squares)

    @property
    def are_zero(self) -> bool:
        """Whether all edges have one value."""
        return float(self.residual.abs().max()) <= EQUAL

    @property
    def edge_variance(self) -> float:
        """The variance of the mean were all edges independent; infinite for one edge."""
        count = self.residual.numel()
        return float(self.residual.square().sum()) / (count * (count - 1)) if count > 1 else math.inf

    @property
    def node_variance(self) -> float:
        """The variance of the mean where edges that share a node move together; infinite where one node has all."""
        count = self.residual.numel()
        if float(self.degree.max()) == count:
            return math.inf
        left_out = (self.sums / (count - self.degree)).square().sum() - (self.residual / (count - 1)).square().sum()
        on_average = self.edge_variance + self.share * float((self.degree * (self.degree - 1)).sum()) / count**2
        # Both fall below zero where edges of one node happen to differ more than others do.
        return max(float(left_out), on_average, 0.0)

    @property
    def share(self) -> float:
        """The mean product of two residuals at one node, over the nodes with two edges or more."""
        several = self.degree > 1
        if not bool(several.any()):
            return 0.0
        products = ((self.sums.square() - self.squares) / self.degree)[several].sum()
        return float(products / (self.degree[several] - 1).sum())

    @property
    def freedom(self) -> float:
        """(sum of weights)^2 / sum of their squares, a node's weight being what it adds to the variance.

        A node adds share * d^2 for what its edges have in common, and half of what each edge has on its own.
        """
        if self.are_zero:
            return LEAST_FREEDOM
        variance = float(self.residual.square().mean())
        share = min(max(self.share, 0.0), variance / 2)
        weight = share * self.degree.square() + (variance - 2 * share) * self.degree / 2
        return max(float(weight.sum().square() / weight.square().sum()), LEAST_FREEDOM)
