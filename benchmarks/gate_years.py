"""How often the gate errs in a year, and how soon it finds a gain: `python -m benchmarks.gate_years [--json FILE]`.

Nights whose truth is known are drawn (`drawn_nights`) and compared by the real `paired_comparison`. Years are then made
of them: each night of a year is one of the pool's, taken at random. Where the models are equal, each night counts in
both directions, so that the pool itself favours neither. Each kind of year is made of several pools, and how far these
lie apart shows what the resampling leaves open. The rule and the evidence are `promotion.shadow`'s and
`records.evidence`'s.

A year of equal models is the worst that the rule allows: its nights are divided among as many shadows as there may be,
for a shadow's chance grows most in its first nights. A gain is that of one model, which is the shadow from the first
night on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import betaincinv, ndtri

from benchmarks.drawn_nights import CONFIDENCE, Setting
from benchmarks.drawn_tenures import CORRELATED, WINDOW, overlapping_tenures, staying_luck
from benchmarks.gate_simulation import SETTINGS
from benchmarks.night_pools import drawn_pool, kind_of
from pipeline.promotion.shadow import YEAR, ShadowRule

POOLS, NIGHTS, YEARS = 4, 1000, 5000
GAIN_NIGHTS = 16_000  # of a pool whose mean score decides how soon a small gain is found
NIGHT_ALPHA = (1 - CONFIDENCE) / 2
FEW = (30, 60, 100, 140, 200)
STRONGLY = SETTINGS[3]
# Which nights a year is made of: the setting, and how many edges they have in turn.
EQUAL: tuple[tuple[Setting, tuple[int, ...]], ...] = (
    (SETTINGS[0], (450,)),
    (CORRELATED, (450,)),
    (STRONGLY, (450,)),
    (SETTINGS[4], (450,)),
    (CORRELATED, FEW),
    (CORRELATED, (30,)),
)
BETTER: tuple[tuple[tuple[int, ...], float, int], ...] = (
    ((450,), 0.01, 60),
    ((450,), 0.01, 120),
    ((450,), 0.03, 10),
    ((450,), 0.05, 3),
    ((450,), 0.1, 1),
    (FEW, 0.01, 120),
    (FEW, 0.03, 60),
)


@dataclass(frozen=True)
class EqualYears:
    """How many years of equal models promote, by a shadow's evidence and by `night`; `most`: the largest pool's share.

    `early` is the share of nights on which a model is so much better than its equal that it takes a place early.
    """

    kind: str
    years: int
    by_a_shadow: int
    most: float
    by_night: int
    night_promotions: float  # a year
    early: float

    @property
    def upper(self) -> float:
        """The exact (Clopper-Pearson) one-sided 95 % upper bound of the share of years with a shadow's promotion."""
        return float(betaincinv(self.by_a_shadow + 1, self.years - self.by_a_shadow, 0.95))


@dataclass(frozen=True)
class Found:
    """How often one model's gain was found within so many nights, by each rule."""

    kind: str
    gain: float
    nights: int
    accumulated: float
    fixed_horizon: float  # one look, on the last of these nights, at the same level
    every_night: float  # by `night`, where every night's new model gains as much


def equal_years(
    setting: Setting,
    sizes: tuple[int, ...],
    rule: ShadowRule,
    *,
    pools: int = POOLS,
    nights: int = NIGHTS,
    years: int = YEARS,
) -> EqualYears:
    """Return how many years of equal models promote anything."""
    shadows, early, by_night, promotions = [], [], 0, 0
    tenure = YEAR // rule.shadows_a_year
    for seed in range(pools):
        pool = drawn_pool(setting, sizes, 0.0, nights, seed)
        generator = np.random.default_rng(seed)
        promoted = np.zeros(years, dtype=bool)
        for shadow in range(rule.shadows_a_year):
            left = YEAR - shadow * tenure
            strongest = pool.years(years, left if left < 2 * tenure else tenure, generator).strongest
            promoted |= strongest >= -np.log(rule.level)
        shadows.append(int(promoted.sum()))
        passed = pool.years(years, YEAR, generator).score >= -ndtri(NIGHT_ALPHA)
        by_night, promotions = by_night + int(passed.any(1).sum()), promotions + int(passed.sum())
        early.append(float((pool.score >= -ndtri(rule.early_level)).mean()))
    return EqualYears(
        kind=kind_of(setting, sizes),
        years=pools * years,
        by_a_shadow=sum(shadows),
        most=max(shadows) / years,
        by_night=by_night,
        night_promotions=round(promotions / (pools * years), 2),
        early=round(float(np.mean(early)), 6),
    )


def found(
    sizes: tuple[int, ...],
    gain: float,
    within: int,
    rule: ShadowRule,
    *,
    setting: Setting = CORRELATED,
    nights: int = GAIN_NIGHTS,
    years: int = POOLS * YEARS,
) -> Found:
    """Return how often a model's gain is found within so many nights."""
    pool = drawn_pool(setting, sizes, gain, nights, seed=100)
    years_of = pool.years(years, within, np.random.default_rng(100))
    passed = years_of.score >= -ndtri(NIGHT_ALPHA)
    return Found(
        kind=kind_of(setting, sizes),
        gain=gain,
        nights=within,
        accumulated=float((years_of.strongest >= -np.log(rule.level)).mean()),
        fixed_horizon=float((years_of.pooled >= -ndtri(rule.level)).mean()),
        every_night=float(passed.any(1).mean()),
    )


def equal_table(rows: Sequence[EqualYears]) -> Table:
    """Return the shares of years of equal models that promote."""
    heads = ("nights", "by night", "promotions a year", "by a shadow", "upper", "largest pool", "nights: early")
    table = Table(*heads, title="years of equal models", title_justify="left")
    for row in rows:
        shares = [f"{share:.4f}" for share in (row.by_a_shadow / row.years, row.upper, row.most)]
        night = (f"{row.by_night / row.years:.3f}", f"{row.night_promotions:.1f}")
        table.add_row(row.kind, *night, *shares, f"{row.early:.5f}")
    return table


def found_table(rows: Sequence[Found]) -> Table:
    """Return how often a gain is found."""
    heads = (
        "nights",
        "gain",
        "within",
        "accumulated",
        "fixed horizon",
        "night, every night's model",
    )
    table = Table(*heads, title="a gain found", title_justify="left")
    for row in rows:
        shares = (row.accumulated, row.fixed_horizon, row.every_night)
        table.add_row(row.kind, f"{row.gain:g}", str(row.nights), *(f"{share:.3f}" for share in shares))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Simulate, print tables, and write JSON where asked; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate_years", description=__doc__)
    parser.add_argument("--nights", type=int, default=NIGHTS, help="of each pool")
    parser.add_argument(
        "--gain-nights", type=int, default=GAIN_NIGHTS, help="of the one pool in which a gain is sought"
    )
    parser.add_argument("--years", type=int, default=YEARS, help="of each pool")
    parser.add_argument("--tenures", type=int, default=100, help="of overlapping windows, and of models that stay")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args(arguments)
    rule, console = ShadowRule(), Console(stderr=True)
    equal = [
        equal_years(*kind, rule, nights=asked.nights, years=asked.years)
        for kind in track(EQUAL, "equal", console=console)
    ]
    better = [
        found(*kind, rule, nights=asked.gain_nights, years=POOLS * asked.years)
        for kind in track(BETTER, "better", console=console)
    ]
    once, whole = overlapping_tenures(rule, tenures=asked.tenures)
    luck = staying_luck(rule, tenures=asked.tenures)
    shown = Console()
    shown.width = max(shown.width, 160)
    shown.print(equal_table(equal))
    shown.print(found_table(better))
    shown.print(
        f"equal shadows promoted, of {asked.tenures}: each edge once {once}, windows of {WINDOW} nights {whole}"
    )
    shown.print(f"models of one recipe that keep their luck: {luck}")
    if asked.json:
        rows = {"equal": [asdict(row) for row in equal], "better": [asdict(row) for row in better]}
        overlap = {"tenures": asked.tenures, "once": once, "whole": whole}
        asked.json.write_text(
            json.dumps({**rows, "overlapping": overlap, "staying_luck": asdict(luck)}, indent=1) + "\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
