"""How often the gate's limit on a calibration error refuses: `python -m benchmarks.calibration_limits [--nights N]`.

Probabilities of a known true error are stated on drawn nights, and the real gate holds them against a limit. A model
whose true error is at the limit or below it is refused wrongly. Beside the gate's rule, which reads the lower bound of
the error's interval, stands what a rule on the error itself would do.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache

import torch
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq

from benchmarks.calibration_bounds import PER_EDGE, stated
from benchmarks.drawn_nights import CONFIDENCE, Setting, drawn_night, report_of
from ncnc_core.evaluation.calibration_metrics import calibration_metrics
from pipeline.evaluation.comparison import paired_comparison
from pipeline.params.decide import DecideParams
from pipeline.promotion.gate import decide
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.scores import Interval

LIMITS = (0.03, 0.1)
ABOVE = (None, 0.0, 0.02, 0.04, 0.06, 0.1)  # the true error less the limit; None: every promise is kept
SIZES = (50, 200, 450, 900)
RULE = "calibration_error"


@dataclass(frozen=True)
class Refusals:
    """How many of the nights were refused, by the gate and by a rule that would read the error itself."""

    true_error: float
    measured: float
    by_bound: int
    by_value: int
    nights: int


@cache
def offset_of(error: float) -> float:
    """Return by how much kept promises must be shifted, on the logit, for a true error of so much."""
    if error == 0:
        return 0.0

    def excess(offset: float) -> float:
        generator = torch.Generator().manual_seed(0)
        many = stated(50_000, 5, 1.0, offset, 0)
        return calibration_metrics(*many, samples=1, confidence=CONFIDENCE, generator=generator).ece.value - error

    return float(brentq(excess, 0.02, 4.0, xtol=1e-3))


def measured_errors(error: float, count: int, nights: int, samples: int = 300) -> list[Interval]:
    """Return the calibration error with its interval on nights of so many test edges."""
    offset, generator = offset_of(error), torch.Generator().manual_seed(0)
    return [
        Interval.of(
            calibration_metrics(
                *stated(count, PER_EDGE, 1.0, offset, 1 + night),
                samples=samples,
                confidence=CONFIDENCE,
                generator=generator,
            ).ece
        )
        for night in range(nights)
    ]


@cache
def _otherwise_passing() -> EvaluationRecord:
    generator = torch.Generator().manual_seed(0)
    night = drawn_night(200, Setting("any", (), 0.0), 0.0, generator)
    return report_of(paired_comparison(*night, confidence=CONFIDENCE))


def is_refused(ece: Interval, limit: float) -> bool:
    """Ask the real gate whether this calibration error breaks its rule."""
    evaluation = _otherwise_passing()
    own = evaluation.challenger
    own = own.model_copy(update={"metrics": {**own.metrics, "ece": ece}})
    decision = decide(evaluation.model_copy(update={"challenger": own}), DecideParams(maximum_calibration_error=limit))
    return not next(rule for rule in decision.rules if rule.name == RULE).passed


def refusals(error: float, limit: float, count: int, nights: int) -> Refusals:
    """Hold a model of one true error against a limit on nights of so many test edges."""
    found = measured_errors(error, count, nights)
    return Refusals(
        true_error=error,
        measured=sum(ece.value for ece in found) / nights,
        by_bound=sum(is_refused(ece, limit) for ece in found),
        by_value=sum(ece.value > limit for ece in found),
        nights=nights,
    )


def main(arguments: list[str] | None = None) -> int:
    """Simulate every limit, error and size and print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_limits", description=__doc__)
    parser.add_argument("--nights", type=int, default=400, help="nights an error and size")
    asked = parser.parse_args(arguments)
    heads = [f"{count} edges" for count in SIZES]
    title = f"share of {asked.nights} nights refused: by the gate (by a rule on the error itself)"
    table = Table("limit", "true error", *heads, title=title, title_justify="left")
    for limit in LIMITS:
        for above in ABOVE:
            error = 0.0 if above is None else limit + above
            found = [refusals(error, limit, count, asked.nights) for count in SIZES]
            cells = [f"{item.by_bound / item.nights:.3f} ({item.by_value / item.nights:.3f})" for item in found]
            table.add_row(f"{limit:g}", f"{error:g}", *cells)
    console = Console()
    console.width = max(console.width, 120)
    console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
