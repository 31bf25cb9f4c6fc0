"""What the settings of the temporal model are worth: `python -m benchmarks.evolving.ablations --seeds 3`.

Each variant changes one setting of the automatic recipe. Validation chooses; the test stands beside it. Runs what is
missing, keeps every run as it comes, and prints the table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path

import torch

from benchmarks.datasets import MissingData
from benchmarks.evolving.graphs import GRAPHS
from benchmarks.evolving.methods import scorer
from benchmarks.evolving.night import Night
from benchmarks.evolving.variants import BASE, VARIANTS
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.training.trained_network import train_network

RUNS = Path(__file__).with_name("ablations.jsonl")


@dataclass(frozen=True)
class Ablation:
    """MRR on validation before the refit, on the test after it (None: no refit), and CPU seconds of training."""

    data: str
    variant: str
    seed: int
    valid: float
    test: float | None
    cpu: float

    @property
    def key(self) -> tuple[str, str, int]:
        """What a run is found by."""
        return self.data, self.variant, self.seed


@cache
def _night(data: str) -> Night:
    return Night.of(GRAPHS[data]())


def play(data: str, variant: str, seed: int, *, refit: bool = True) -> Ablation:
    """Train a variant on one night and measure it, on one thread; not refitted, it takes half as long."""
    torch.set_num_threads(1)
    night, changed = _night(data), VARIANTS[variant]
    times = night.times
    found = automatic_config(times.history.graph_at(times.cut_train), window=times.window, seed=seed)
    training = found.training.model_copy(update={**changed.training, "refit": refit})
    with changed.patched():
        started = time.process_time()
        trained = train_network(found.model, training, night.data)
        cpu = time.process_time() - started
        test = round(float(night.ranks(scorer(trained.network)).mean()), 5) if refit else None
    return Ablation(data, variant, seed, round(trained.value, 5), test, round(cpu, 2))


def table(runs: Sequence[Ablation]) -> str:
    """Return a row a variant: means over graphs and seeds, what they differ by from BASE, paired, and each graph."""
    found = {run.key: run for run in runs}  # of a run that was refitted later, the later line
    graphs = [data for data in GRAPHS if any(run.data == data for run in runs)]
    head = ["variant", "validation", "difference", "test", "difference", *graphs, "CPU s"]
    rows = [head, ["---", *("---:" for _ in head[1:])]]
    for name in VARIANTS:
        own = [run for run in found.values() if run.variant == name and (run.data, BASE, run.seed) in found]
        if not own:
            continue
        bases = [found[run.data, BASE, run.seed] for run in own]
        parts = [[run.valid for run in own if run.data == data] for data in graphs]
        row = [
            name,
            *_compared([run.valid for run in own], [run.valid for run in bases]),
            *_compared([run.test for run in own], [run.test for run in bases]),
            *(_digits(statistics.fmean(part)) if part else "" for part in parts),
            "" if any(run.test is None for run in own) else f"{statistics.fmean(run.cpu for run in own):.0f}",
        ]
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _compared(own: Sequence[float | None], base: Sequence[float | None]) -> tuple[str, str]:
    """Return the mean and, where they differ, the mean paired difference and its standard error."""
    pairs = [(one, other) for one, other in zip(own, base, strict=True) if one is not None and other is not None]
    if len(pairs) < len(own):
        return "", ""
    gains = [one - other for one, other in pairs]
    mean = _digits(statistics.fmean(one for one, _ in pairs))
    return mean, _difference(gains) if any(gains) else ""


def _digits(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def _difference(gains: Sequence[float]) -> str:
    error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
    return f"{statistics.fmean(gains):+.4f} ± {error:.4f}".replace("0.", ".")


def read(file: Path) -> list[Ablation]:
    """Return the runs of a file, none where there is no file."""
    return [Ablation(**json.loads(line)) for line in file.read_text().splitlines()] if file.is_file() else []


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for and not yet kept; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evolving.ablations", description=__doc__)
    parser.add_argument("--data", nargs="+", choices=list(GRAPHS), default=list(GRAPHS), metavar="NAME")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0 to N - 1")
    parser.add_argument("--no-refit", action="store_true", help="validation alone, in half the time")
    parser.add_argument("--json", type=Path, default=RUNS, help="the runs kept, one a line")
    asked = parser.parse_args(arguments)
    known = {run.key for run in read(asked.json) if asked.no_refit or run.test is not None}
    for key in product(asked.data, asked.variants, range(asked.seeds)):
        if key not in known:
            try:
                run = play(*key, refit=not asked.no_refit)
            except MissingData as error:
                print(error, file=sys.stderr)
                return 2
            with asked.json.open("a") as opened:
                opened.write(json.dumps(asdict(run)) + "\n")
    print(table(read(asked.json)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
