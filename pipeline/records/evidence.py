"""Evidence that one model is better than the champion, gathered over nights, and right however often it is looked at.

Each night's one-sided p-value becomes a normal score z; one that is valid on its night gives a z no larger than a
standard normal's in distribution, whatever the nights before were. Then for every effect e >= 0 the product over
nights of

    exp(e sqrt(n) z - e^2 n / 2)        n: the edges of the night, known before anything is scored

is a non-negative supermartingale where the model is no better, and so is its average over e. Averaged over a half
normal of deviation `EFFECT` it is Robbins' one-sided mixture, in closed form (`log_e_value`). By Ville's inequality it
ever reaches 1 / alpha with probability alpha at most. Sources: Robbins, Statistical methods related to the law of the
iterated logarithm, 1970; Howard, Ramdas, McAuliffe, Sekhon, Time-uniform, nonparametric, nonasymptotic confidence
sequences, 2021, proposition 6.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, overload

from pipeline.records.part import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The gain that is looked for, in deviations of an edge's difference: 0.017 where edges deviate by 0.26 and share nodes.
# Half or twice as much is found hardly later (decision 37).
EFFECT = 0.05
SMALLEST_P = 1e-15  # 8 deviations: beyond them a p-value is a statement about the tails of Student's t


class Difference(Protocol):
    """A mean difference over edges."""

    @property
    def value(self) -> float:
        """The estimate."""


class NightComparison(Protocol):
    """What a night's comparison has for the evidence, as a `PairedComparison` has it: p-value one-sided."""

    @property
    def difference(self) -> Difference:
        """The one model minus the other."""

    @property
    def p_value(self) -> float:
        """How likely a difference at least this large is, were the two equal."""

    @property
    def num_edges(self) -> int:
        """Over how many edges."""


class Evidence(Part):
    """What the nights so far say of one model against one champion; each edge counts on one night.

    `total` is the sum of sqrt(n) z over the nights, and `gain` the mean difference over all their edges.
    """

    nights: int = 0
    edges: int = 0
    total: float = 0.0
    gain: float = 0.0

    def and_of(self, night: NightComparison) -> Evidence:
        """Return the evidence with one night more, whose edges have not been counted before."""
        edges = self.edges + night.num_edges
        return Evidence(
            nights=self.nights + 1,
            edges=edges,
            total=self.total + math.sqrt(night.num_edges) * normal_score(night.difference.value, night.p_value),
            gain=self.gain + (night.difference.value - self.gain) * night.num_edges / edges,
        )

    @property
    def p_better(self) -> float:
        """The largest chance of evidence this strong on any night, were the model never better than the champion."""
        return _p_value(log_e_value(self.total, self.edges))

    @property
    def p_worse(self) -> float:
        """The largest chance of evidence this strong against it on any night, were it never worse."""
        return _p_value(log_e_value(-self.total, self.edges))


def normal_score(difference: float, p_value: float) -> float:
    """Return the standard normal value that lies as far out as a night's difference, by its one-sided p-value.

    A night on which the two do not differ says nothing: where every edge has the difference 0, p is 1 in either
    direction, and so the score is 0.
    """
    from scipy.special import ndtri  # here: whoever reads a record that holds evidence need not wait for it

    if difference == 0:
        return 0.0
    return -float(ndtri(min(max(p_value, SMALLEST_P), 1 - SMALLEST_P)))


@overload
def log_e_value(total: float, edges: float) -> float: ...
@overload
def log_e_value(total: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]: ...
def log_e_value(total: float | NDArray[np.float64], edges: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """Return the logarithm of the mixture, 0 without edges.

    2 / sqrt(1 + EFFECT^2 edges) * exp(x^2 / 2) * Phi(x)  with  x = EFFECT total / sqrt(1 + EFFECT^2 edges)
    """
    import numpy as np
    from scipy.special import log_ndtr

    spread = 1 + EFFECT**2 * edges
    x = EFFECT * total / np.sqrt(spread)
    found = math.log(2) - np.log(spread) / 2 + x**2 / 2 + log_ndtr(x)
    return found if isinstance(found, np.ndarray) else float(found)


def _p_value(log_e: float) -> float:
    return math.exp(min(-log_e, 0.0))
