"""What a year of `mode: non_inferiority` may lose, with and without its anchor: `python -m benchmarks.anchored_years`.

The nights' differences are those of nights of equal models that the real comparison has judged, moved by what the
models truly differ. The challenger is held against the champion and the anchor on the same edges, so the errors of the
two differences are half in common.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.drawn_nights import CONFIDENCE, drawn_night
from benchmarks.drawn_tenures import CORRELATED
from pipeline.evaluation.comparison import paired_comparison
from pipeline.params.decide import DecideParams
from pipeline.promotion.shadow import YEAR

Values = NDArray[np.float64]
MARGIN = DecideParams().margin
# What tonight's model is worth: given its night, the champion's worth, and one standard normal a year.
Worth = Callable[[int, Values, Values], Values]
KINDS: dict[str, Worth] = {
    "models of one recipe, deviation 0.01": lambda night, champion, drawn: 0.01 * drawn,
    "each worse by 0.01 than the champion": lambda night, champion, drawn: champion - 0.01,
    "a recipe that loses 0.1 in the year": lambda night, champion, drawn: 0.01 * drawn - 0.1 * night / YEAR,
}


@dataclass(frozen=True)
class Losses:
    """What the champion is worth less than the best champion of the year before it: at most, in each year."""

    kind: str
    anchored: bool
    most: Values
    promotions: float  # a year

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        shares = (f"{np.median(self.most):.3f}", f"{np.quantile(self.most, 0.975):.3f}")
        over = f"{(self.most > MARGIN).mean():.3f}"
        return (self.kind, "yes" if self.anchored else "no", *shares, over, f"{self.promotions:.0f}")


def drawn_differences(nights: int, edges: int, seed: int = 0) -> tuple[Values, Values]:
    """Return the differences of nights of equal models, in both directions, and how far below each its bound lies."""
    generator, found = torch.Generator().manual_seed(seed), []
    for _ in range(nights):
        difference = paired_comparison(
            *drawn_night(edges, CORRELATED, 0.0, generator), confidence=CONFIDENCE
        ).difference
        found.append((difference.value, difference.value - difference.low))
    value, below = np.array(found).T
    return np.concatenate([value, -value]), np.concatenate([below, below])


def losses(kind: str, nights: tuple[Values, Values], *, anchored: bool, years: int, seed: int = 1) -> Losses:
    """Play years of nights of 0.03 margin, and return what they lost."""
    generator, (value, below) = np.random.default_rng(seed), nights
    champion, anchor, best = np.zeros(years), np.zeros(years), np.zeros(years)
    most, promotions = np.zeros(years), 0
    for night in range(YEAR):
        own = KINDS[kind](night, champion, generator.standard_normal(years))
        first, second = generator.integers(value.size, size=(2, years))
        over_champion = own - champion + value[first] - below[first]
        over_anchor = own - anchor + (value[first] + np.sqrt(3) * value[second]) / 2 - below[first]
        passes = over_champion > -MARGIN
        if anchored:
            passes &= over_anchor > -MARGIN
        champion = np.where(passes, own, champion)
        anchor = np.where(passes & (over_anchor > 0), own, anchor)
        best = np.maximum(best, champion)
        most = np.maximum(most, best - champion)
        promotions += int(passes.sum())
    return Losses(kind, anchored, most, promotions / years)


def main(arguments: list[str] | None = None) -> int:
    """Play the years and print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anchored_years", description=__doc__)
    parser.add_argument("--nights", type=int, default=1000, help="that are drawn and judged")
    parser.add_argument("--years", type=int, default=5000)
    parser.add_argument("--edges", type=int, default=450, help="fresh test edges of a night")
    asked = parser.parse_args(arguments)
    nights = drawn_differences(asked.nights, asked.edges)
    heads = ("every night's model", "anchor", "most lost, median", "97.5 %", "years above the margin", "promotions")
    table = Table(*heads, title=f"a year of non_inferiority, margin {MARGIN:g}", title_justify="left")
    for kind in KINDS:
        for anchored in (False, True):
            table.add_row(*losses(kind, nights, anchored=anchored, years=asked.years).cells)
    console = Console()
    console.width = max(console.width, 120)
    console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
