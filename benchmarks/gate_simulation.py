"""How often the gate errs: `python -m benchmarks.gate_simulation [--nights N] [--json FILE]`.

Nights are drawn whose truth is known, and the real `paired_comparison` and `decide` judge them. Two models score the
same test edges and negatives; what sets them apart falls partly on edges and partly on nodes, drawn anew every night,
as the luck of a training does, and one hub or several hold a large share of the edges. Equal models are equal in
distribution, and a better or worse one differs by exactly the stated MRR. The floor lies far below and no other rule
is broken, so that what decides is the champion.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import betaincinv
from torch import Tensor

from benchmarks.drawn_nights import CONFIDENCE, Setting, drawn_night, report_of, sliced_night
from pipeline.evaluation.comparison import paired_comparison
from pipeline.params.decide import DecideParams
from pipeline.promotion.gate import decide
from pipeline.promotion.slice_guardrail import NAME as GUARDRAIL

NIGHTS = 500
SIZES = (200, 450, 900)
MARGINS = (0.03, 0.05)

SETTINGS = (
    Setting("no hub, edges independent", (), 0.0),
    Setting("hub 10 %, edges independent", (0.1,), 0.0),
    Setting("hub 10 %, correlated", (0.1,), 0.1),
    Setting("hub 10 %, strongly correlated", (0.1,), 0.3),
    Setting("hub 30 %, strongly correlated", (0.3,), 0.3),
    Setting("three hubs of 15 %, strongly correlated", (0.15, 0.15, 0.15), 0.3),
)
SLICED = SETTINGS[2]


@dataclass(frozen=True)
class Rate:
    """How many of the nights ended so."""

    setting: str
    edges: int
    policy: str
    truth: str
    hits: int
    nights: int
    wider: float  # the interval by node over that by edge, at the median

    @property
    def share(self) -> float:
        """The hits of all nights."""
        return self.hits / self.nights

    @property
    def upper(self) -> float:
        """The exact (Clopper-Pearson) one-sided 95 % upper bound of the rate."""
        return 1.0 if self.hits == self.nights else float(betaincinv(self.hits + 1, self.nights - self.hits, 0.95))


POLICIES = {
    "superiority": DecideParams(),
    **{f"non-inferiority {margin:g}": DecideParams(mode="non_inferiority", margin=margin) for margin in MARGINS},
}
# What the challenger gains in truth, and the policies that are asked about it.
TRUTHS: dict[str, tuple[float, tuple[str, ...]]] = {
    "equal": (0.0, tuple(POLICIES)),
    "better by 0.03": (0.03, ("superiority",)),
    "better by 0.05": (0.05, ("superiority",)),
    **{f"worse by {margin:g}": (-margin, (f"non-inferiority {margin:g}",)) for margin in MARGINS},
}


def rates(setting: Setting, count: int, truth: str, nights: int, seed: int = 0) -> list[Rate]:
    """Judge nights of one kind with every policy that is asked about them."""
    gain, policies = TRUTHS[truth]
    generator = torch.Generator().manual_seed(seed)
    promoted, wider = dict.fromkeys(policies, 0), []
    for _ in range(nights):
        night = drawn_night(count, setting, gain, generator)
        paired = paired_comparison(*night, confidence=CONFIDENCE)
        wider.append((paired.by_node.high - paired.by_node.low) / (paired.by_edge.high - paired.by_edge.low))
        for policy in policies:
            promoted[policy] += decide(report_of(paired), POLICIES[policy]).promote
    ratio = round(float(np.median(wider)), 3)
    return [Rate(setting.name, count, name, truth, hits, nights, ratio) for name, hits in promoted.items()]


def guard_rates(count: int, nights: int, seed: int = 0) -> list[Rate]:
    """Return how often the slice guardrail breaks: on nights without a collapsed slice, and with one."""
    collapsed = torch.full((count,), 0.05)
    collapsed[: round(0.1 * count)] = -0.2
    truths: dict[str, float | Tensor] = {"equal": 0.0, "better by 0.05": 0.05, "and a tenth worse by 0.2": collapsed}
    found = []
    for truth, gains in truths.items():
        generator = torch.Generator().manual_seed(seed)
        broken = 0
        for _ in range(nights):
            rules = decide(sliced_night(count, SLICED, gains, generator), DecideParams()).rules
            broken += not next(rule for rule in rules if rule.name == GUARDRAIL).passed
        found.append(Rate(SLICED.name, count, GUARDRAIL, truth, broken, nights, 0.0))
    return found


def rates_table(found: Sequence[Rate]) -> Table:
    """Return the share of nights promoted, a row for each setting and size; above alpha is an error only where due."""
    columns = list(dict.fromkeys((rate.policy, rate.truth) for rate in found if rate.policy != GUARDRAIL))
    heads = [f"{policy}\n{truth}" for policy, truth in columns]
    table = Table("setting", "edges", *heads, "node / edge", title="share of nights promoted", title_justify="left")
    for setting, edges in dict.fromkeys((rate.setting, rate.edges) for rate in found if rate.policy != GUARDRAIL):
        row = {(rate.policy, rate.truth): rate for rate in found if (rate.setting, rate.edges) == (setting, edges)}
        cells = [f"{row[column].share:.3f}" for column in columns]
        table.add_row(setting, str(edges), *cells, f"{row[columns[0]].wider:.2f}")
    return table


def guard_table(found: Sequence[Rate]) -> Table:
    """Return the share of nights that the slice guardrail breaks, a row for each size and truth."""
    table = Table("edges", "truth", "broken", title=f"{GUARDRAIL}, {SLICED.name}", title_justify="left")
    for rate in found:
        if rate.policy == GUARDRAIL:
            table.add_row(str(rate.edges), rate.truth, f"{rate.share:.3f}")
    return table


def main(arguments: list[str] | None = None) -> int:
    """Simulate, print tables, and write JSON where asked; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate_simulation", description=__doc__)
    parser.add_argument("--nights", type=int, default=NIGHTS, help="of each kind")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="test edges a night")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args(arguments)
    kinds = [(setting, count, truth) for setting in SETTINGS for count in asked.sizes for truth in TRUTHS]
    found: list[Rate] = []
    for setting, count, truth in track(kinds, "nights", console=Console(stderr=True)):
        found += rates(setting, count, truth, asked.nights)
    for count in track(asked.sizes, "slices", console=Console(stderr=True)):
        found += guard_rates(count, asked.nights)
    console = Console()
    console.width = max(console.width, 160)
    console.print(rates_table(found))
    console.print(guard_table(found))
    if asked.json:
        rows = [asdict(rate) | {"upper": round(rate.upper, 4)} for rate in found]
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
