"""The paired difference of two scorers, with an interval that allows for edges that share a node."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from scipy.special import stdtr, stdtrit
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.bootstrap import MetricInterval

# A lone hub raises difference and error alike, so their ratio stays near 1: Student's t of one to three degrees of
# freedom (12.7 to 3.2 errors at 95 %) would guard against nothing and cost all power (decision 15).
LEAST_FREEDOM = 4.0
Unit = Literal["edge", "node"]


@dataclass(frozen=True)
class PairedDifference:
    """A mean paired difference with its interval, leaving out one edge at a time and one node at a time.

    `resampled_by` names the wider one, which is the one to decide by, and `p_value` belongs to it: one-sided, the
    chance of a difference at least this large were both scorers equal.
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


@dataclass(frozen=True)
class _Estimate:
    value: float
    error: float
    freedom: float

    def half_width(self, confidence: float) -> float:
        return float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error

    def interval(self, confidence: float) -> MetricInterval:
        half = self.half_width(confidence)
        return MetricInterval(self.value, max(self.value - half, -1.0), min(self.value + half, 1.0))

    def p_value(self) -> float:
        if self.error == 0:
            return 0.0 if self.value > 0 else 1.0
        return float(stdtr(self.freedom, -self.value / self.error))


def paired_difference(
    first: Float[Tensor, " edges"],
    second: Float[Tensor, " edges"],
    edges: Int64[Tensor, "2 edges"],
    *,
    confidence: float,
) -> PairedDifference:
    """Return mean(first - second) over the edges, with the interval and the p-value that shared nodes allow.

    Both hold values between 0 and 1, such as reciprocal ranks, of the same distinct edges. By edge, the squared error
    is the mean's own. By node it is the larger of the jackknife that leaves out a node with all its edges (each edge
    would count at both ends, so the jackknife over edges is taken off once)

        sum_u (S_u / (n - d_u))^2 - sum_e (r_e / (n - 1))^2

    and of what the nodes show on average, sum_e r_e^2 / (n (n - 1)) + share * sum_u d_u (d_u - 1) / n^2: the first
    sees a hub that is unlike the others, the second keeps a few hubs that agree by chance from narrowing the interval.
    r_e: residual of edge e; d_u, S_u: number and residual sum of node u's edges; share: mean product of two residuals
    at one node. Student's t has as many degrees of freedom as nodes carry weight (Satterthwaite).

    Nothing is drawn at random. Bounds are kept within [-1, 1], and are just that where there is nothing to leave out:
    one edge, or one node that has them all. O(edges log edges). Sources: Aronow, Samii, Assenova, Cluster-robust
    variance estimation for dyadic data, 2015; Hansen, Jackknife standard errors for clustered regression, 2022.

    Raises:
        InvalidGraph: there is no edge, or the confidence lies outside (0, 1).
    """
    count = edges.shape[1]
    if count == 0 or not 0 < confidence < 1:
        raise InvalidGraph(
            f"A paired comparison needs edges and a confidence between 0 and 1, but got {count} edges and confidence "
            f"{confidence}. Pass at least one edge, and a confidence like 0.95."
        )
    difference = first.double() - second.double()
    value = float(difference.mean())
    nodes = _Nodes.of(difference - value, edges)
    by_edge = _Estimate(value, math.sqrt(nodes.edge_variance), float(max(count - 1, 1)))
    by_node = _Estimate(value, math.sqrt(nodes.node_variance), nodes.freedom)
    wider: Unit = "node" if by_node.half_width(confidence) > by_edge.half_width(confidence) else "edge"
    return PairedDifference(
        by_edge=by_edge.interval(confidence),
        by_node=by_node.interval(confidence),
        resampled_by=wider,
        p_value=(by_node if wider == "node" else by_edge).p_value(),
        num_edges=count,
        num_nodes=nodes.degree.numel(),
    )


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The residuals [edges] summed at their nodes: how many, their sums, and their squares' sums [nodes]."""

    residual: Tensor
    degree: Tensor
    sums: Tensor
    squares: Tensor

    @classmethod
    def of(cls, residual: Tensor, edges: Tensor) -> _Nodes:
        unique, position = torch.unique(edges, return_inverse=True)
        twice = residual.repeat(2)
        rows = torch.stack([torch.ones_like(twice), twice, twice.square()])
        degree, sums, squares = rows.new_zeros(3, unique.numel()).index_add_(1, position.flatten(), rows)
        return cls(residual, degree, sums, squares)

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
        variance = float(self.residual.square().mean())
        share = min(max(self.share, 0.0), variance / 2)
        weight = share * self.degree.square() + (variance - 2 * share) * self.degree / 2
        if variance == 0:  # the scorers differ by the same on every edge
            return LEAST_FREEDOM
        return max(float(weight.sum().square() / weight.square().sum()), LEAST_FREEDOM)
