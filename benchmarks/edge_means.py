"""How often intervals around hubs err: `python -m benchmarks.edge_means [--nights N] [--json FILE]`.

Nights are drawn whose truth is known (`drawn_nights`): a challenger and the best heuristic, equal in truth or a stated
MRR apart, on test edges of which few hubs hold all or many. Two questions are asked of each way to an interval: does
the challenger's own interval hold its true MRR, and does the floor let the challenger pass? The ways are resampling
edges, resampling clusters of the busier end, and leaving out nodes, which is what the product does.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.drawn_nights import CHAMPION_MRR, CONFIDENCE, FAR_ABOVE, Setting, drawn_night, report_of
from ncnc_core.evaluation.bootstrap import busier_ends, resampled_sums
from ncnc_core.evaluation.edge_mean import MetricInterval, edge_means
from pipeline.evaluation.comparison import paired_comparison
from pipeline.params.decide import DecideParams
from pipeline.promotion.gate import decide

NIGHTS, EDGES, SAMPLES = 1000, 450, 300
GAINS = (0.0, 0.1)
ON_NODE = 0.3
SETTINGS = (
    Setting("1 hub has all edges", (1.0,), ON_NODE),
    Setting("2 hubs have all", (0.5, 0.5), ON_NODE),
    Setting("3 hubs have all", (1 / 3, 1 / 3, 1 / 3), ON_NODE),
    Setting("5 hubs have all", (0.2,) * 5, ON_NODE),
    Setting("hub 30 %", (0.3,), ON_NODE),
    Setting("hub 10 %", (0.1,), ON_NODE),
    Setting("no hub, edges independent", (), 0.0),
)


@dataclass(frozen=True)
class Errors:
    """Shares of the nights: the true MRR held by each way's interval, and the floor passed by each rule."""

    setting: str
    gain: float
    nights: int
    held: dict[str, float]
    passed: dict[str, float]


def resampled(values: Tensor, clusters: Tensor | None, generator: torch.Generator) -> MetricInterval:
    """Return the mean with its percentile bootstrap bounds."""
    rows = torch.stack([values, torch.ones_like(values)])
    sums = resampled_sums(rows, samples=SAMPLES, generator=generator, clusters=clusters)
    tail = (1 - CONFIDENCE) / 2
    low, high = (sums[:, 0] / sums[:, 1]).quantile(torch.tensor([tail, 1 - tail], dtype=sums.dtype)).tolist()
    return MetricInterval(float(values.mean()), low, high)


def errors(setting: Setting, gain: float, nights: int, count: int = EDGES, seed: int = 0) -> Errors:
    """Draw nights of one kind and judge each in every way; the paired rule is the gate's own."""
    generator = torch.Generator().manual_seed(seed)
    held = dict.fromkeys(("edges", "clusters", "nodes left out"), 0)
    passed = dict.fromkeys(("own interval, clusters", "paired, nodes left out"), 0)
    for _ in range(nights):
        challenger, heuristic, edges = drawn_night(count, setting, gain, generator)
        found = {
            "edges": resampled(challenger, None, generator),
            "clusters": resampled(challenger, busier_ends(edges, generator), generator),
            "nodes left out": edge_means(challenger[None], edges, confidence=CONFIDENCE)[0].interval,
        }
        for way, interval in found.items():
            held[way] += interval.low <= CHAMPION_MRR + gain <= interval.high
        passed["own interval, clusters"] += found["clusters"].low > float(heuristic.mean())
        paired = paired_comparison(challenger, heuristic, edges, confidence=CONFIDENCE)
        floor = dict.fromkeys(DecideParams().floor, FAR_ABOVE) | {"adamic_adar": paired}
        first = report_of(paired).model_copy(update={"champion": None, "paired": None, "over_floor": floor})
        passed["paired, nodes left out"] += decide(first, DecideParams()).promote
    shares = ({way: hits / nights for way, hits in of.items()} for of in (held, passed))
    return Errors(setting.name, gain, nights, *shares)


def shown(found: list[Errors]) -> Table:
    """Return the shares, a row for each setting and gain."""
    ways = [f"held: {way}" for way in found[0].held] + [f"passed: {rule}" for rule in found[0].passed]
    table = Table("setting", "challenger better by", *ways)
    for one in found:
        shares = [*one.held.values(), *one.passed.values()]
        table.add_row(one.setting, f"{one.gain:g}", *(f"{share:.3f}" for share in shares))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Simulate, print a table, and write JSON where asked; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge_means", description=__doc__)
    parser.add_argument("--nights", type=int, default=NIGHTS, help="of each kind")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args(arguments)
    kinds = [(setting, gain) for setting in SETTINGS for gain in GAINS]
    found = [errors(*kind, asked.nights) for kind in track(kinds, "nights", console=Console(stderr=True))]
    console = Console()
    console.width = max(console.width, 160)
    console.print(shown(found))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
