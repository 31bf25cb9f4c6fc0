"""How often the bounds of a calibration error hold: `python -m benchmarks.calibration_bounds [--nights N]`.

Logits of edges and of other pairs are drawn from two normal distributions, whose true probability is known, and stated
as they are, shifted, or exaggerated. For each case and size: the true error, what is measured of it on average, the
share of nights whose 95 % interval holds the true one, and the share whose lower bound is above 0.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ncnc_core.evaluation.calibration_metrics import calibration_metrics

MEAN, SPREAD, PER_EDGE = 1.5, 1.5, 50
CASES = {"kept": (1.0, 0.0), "shifted": (1.0, 0.3), "exaggerated": (1.5, 0.0), "both": (2.5, 0.5)}  # scale, offset
SIZES = (100, 500, 2000)


@dataclass(frozen=True)
class Coverage:
    """What simulated nights gave: shares are of the nights."""

    true_error: float
    measured: float
    held: float
    above_zero: float


def stated(count: int, per_edge: int, scale: float, offset: float, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return stated probabilities of edges [count] and of others [count, per_edge], and the edges [2, count].

    The probabilities are true where scale is 1 and offset 0; no two edges share a node.
    """
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randn(count, generator=generator) * SPREAD + MEAN
    others = torch.randn(count, per_edge, generator=generator) * SPREAD - MEAN
    edges, others = (torch.sigmoid(scale * 2 * MEAN / SPREAD**2 * kind.double() + offset) for kind in (edges, others))
    return edges, others, torch.arange(2 * count).view(2, count)


def simulate(case: str, count: int, nights: int, samples: int = 300) -> Coverage:
    """Measure one case on nights of so many test edges."""
    scale, offset = CASES[case]
    generator = torch.Generator().manual_seed(0)
    many = calibration_metrics(
        *stated(200_000, 5, scale, offset, 0), samples=1, confidence=0.95, generator=generator
    ).ece.value
    found = [
        calibration_metrics(
            *stated(count, PER_EDGE, scale, offset, 1 + night), samples=samples, confidence=0.95, generator=generator
        ).ece
        for night in range(nights)
    ]
    return Coverage(
        true_error=many,
        measured=sum(ece.value for ece in found) / nights,
        held=sum(ece.low <= many <= ece.high for ece in found) / nights,
        above_zero=sum(ece.low > 0 for ece in found) / nights,
    )


def main(arguments: list[str] | None = None) -> int:
    """Simulate every case at every size and print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_bounds", description=__doc__)
    parser.add_argument("--nights", type=int, default=400, help="nights a case and size")
    asked = parser.parse_args(arguments)
    table = Table(
        "stated", "test edges", "true error", "measured", "held", "above 0", title=f"{asked.nights} nights each"
    )
    for case in CASES:
        for count in SIZES:
            found = simulate(case, count, asked.nights)
            shares = (f"{found.held:.1%}", f"{found.above_zero:.1%}")
            table.add_row(case, str(count), f"{found.true_error:.4f}", f"{found.measured:.4f}", *shares)
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
