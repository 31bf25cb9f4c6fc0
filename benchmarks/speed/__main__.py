"""`python -m benchmarks.speed [--json FILE] [--only NAME ...]`: a table of seconds and ratios, and the same as JSON.

Every case runs in a process of its own. Seconds are those of the quickest round by the clock: run it on a quiet
machine. The ratios to the plain way and to the floor are taken within one run and hold on any.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.speed.cases import CASES, Figures, run_case

COLUMNS = {
    "seconds": "seconds",
    "cpu_seconds": "CPU seconds",
    "plain_seconds": "plain way",
    "times_as_fast_as_plain": "times as fast",
    "published_seconds": "published",
    "times_as_fast_as_published": "times as fast",
    "floor_seconds": "floor",
    "peak_gb": "peak GB",
    "largest_logit_difference": "logits differ by",
}


def main() -> None:
    """Measure the cases asked for, print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path(".ncnc/bench/speed.json"), help="where the figures go")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--threads", type=int, help="of a case's process; all of the machine's by default")
    parser.add_argument("--here", metavar="NAME", choices=list(CASES), help="one case, in this process")
    asked = parser.parse_args()
    if asked.here:
        torch.set_num_threads(asked.threads or torch.get_num_threads())
        print(json.dumps(CASES[asked.here]()))
        return
    figures = {name: run_case(name, asked.threads) for name in asked.only or CASES}
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    machine = {"processor": platform.processor() or platform.machine(), "torch": torch.__version__}
    asked.json.write_text(json.dumps({"machine": machine, "cases": figures}, indent=2) + "\n")
    console = Console(width=160)
    console.print(table(figures))
    console.print(f"written to {asked.json}")


def table(figures: dict[str, Figures]) -> Table:
    """Return the figures with a row a case; what a case does not have stays empty."""
    used = [key for key in COLUMNS if any(key in one for one in figures.values())]
    result = Table("case", *(COLUMNS[key] for key in used))
    for name, one in figures.items():
        result.add_row(name, *(f"{one[key]:.3g}" if key in one else "" for key in used))
    return result


if __name__ == "__main__":
    main()
