"""Is one scorer better than another? Their paired difference, where edges that share a node move together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from scipy.special import stdtr, stdtrit
from torch import Tensor

from ncnc_core.bootstrap import MetricInterval
from ncnc_core.errors import InvalidGraph

# One hub alone cannot make the leave-one-out ratio large, so Student's t of one to three degrees of freedom would only
# cost power; measured with `python -m benchmarks.gate_simulation`.
LEAST_FREEDOM = 4.0

Unit = Literal["edge", "node"]


@dataclass(frozen=True)
class PairedDifference:
    """A mean paired difference with its interval, leaving out one edge at a time and one node at a time.

    `resampled_by` names the wider one, which is the one to decide by, and `p_value` belongs to it: one-sided, the
    chance of a difference at least this large were both scorers equal. `freedom` is Student's t's, by node.
    """

    by_edge: MetricInterval
    by_node: MetricInterval
    resampled_by: Unit
    p_value: float
    num_edges: int
    num_nodes: int
    freedom: float

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

    Both are values between 0 and 1 of the same distinct edges, such as reciprocal ranks. By edge, the error is the
    mean's own. By node, it is the jackknife that leaves out a node with all its edges, for every node; an edge
    shared by two edges' worth of nodes would count twice, so the leave-one-edge-out part is taken off once:

        error^2 = sum_u (S_u / (n - d_u))^2 - sum_e (r_e / (n - 1))^2

    with r_e the residual of edge e, and d_u, S_u the number and the residual sum of node u's edges. Student's t has as
    many degrees of freedom as nodes that carry weight (Satterthwaite), at least LEAST_FREEDOM. Nothing is drawn at
    random. Bounds are kept within [-1, 1], and are just that where an error cannot be told: one edge, or one node
    that has them all. O(edges). Sources: Aronow, Samii, Assenova, Cluster-robust variance estimation for dyadic data,
    2015; Hansen, Jackknife standard errors for clustered regression, 2022.

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
    residual = difference - value
    by_edge = _Estimate(value, _edge_error(residual), max(count - 1, 1))
    by_node, num_nodes = _by_node(value, residual, edges)
    wider: Unit = "node" if by_node.half_width(confidence) > by_edge.half_width(confidence) else "edge"
    return PairedDifference(
        by_edge=by_edge.interval(confidence),
        by_node=by_node.interval(confidence),
        resampled_by=wider,
        p_value=(by_node if wider == "node" else by_edge).p_value(),
        num_edges=count,
        num_nodes=num_nodes,
        freedom=by_node.freedom,
    )


def _edge_error(residual: Tensor) -> float:
    count = residual.numel()
    return math.sqrt(float(residual.square().sum()) / (count * (count - 1))) if count > 1 else math.inf


def _by_node(value: float, residual: Tensor, edges: Tensor) -> tuple[_Estimate, int]:
    """Return the estimate that leaves out one node at a time, and how many nodes there are."""
    nodes, position = torch.unique(edges, return_inverse=True)
    ends, twice = position.flatten(), residual.repeat(2)

    def summed(values: Tensor) -> Tensor:  # [nodes]
        return torch.zeros(nodes.numel(), dtype=torch.float64, device=residual.device).index_add_(0, ends, values)

    degree, sums, squares = summed(torch.ones_like(twice)), summed(twice), summed(twice.square())
    freedom = _freedom(degree, sums, squares, float(residual.square().mean()))
    count = residual.numel()
    if count < 2 or float(degree.max()) == count:
        return _Estimate(value, math.inf, freedom), nodes.numel()
    left_out = (sums / (count - degree)).square().sum() - (residual / (count - 1)).square().sum()
    # Below zero where edges of one node happen to differ more than others do: then the edge's own error is wider.
    return _Estimate(value, math.sqrt(max(float(left_out), 0.0)), freedom), nodes.numel()


def _freedom(degree: Tensor, sums: Tensor, squares: Tensor, variance: float) -> float:
    """Return (sum of weights)^2 / (sum of their squares), a node's weight being what it adds to the variance.

    A node adds share * d^2 for what its edges have in common, and half of what each edge has on its own. The share
    is the mean product of two residuals at one node, over the nodes with two edges or more.
    """
    several = degree > 1
    products = ((sums.square() - squares) / degree)[several].sum()
    share = float(products / (degree[several] - 1).sum()) if bool(several.any()) else 0.0
    share = min(max(share, 0.0), variance / 2)
    weight = share * degree.square() + (variance - 2 * share) * degree / 2
    if float(weight.sum()) == 0:  # the two scorers agree on every edge
        return LEAST_FREEDOM
    return max(float(weight.sum().square() / weight.square().sum()), LEAST_FREEDOM)
