"""Dated graphs: `python -m benchmarks.evolving --data collegemsg fb_forum --methods boosted_trees temporal --seeds 3`.

Runs what is missing, keeps every run as it comes, and goes on where it was stopped. `--render` writes the tables into
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.datasets import MissingData
from benchmarks.evolving.graphs import GRAPHS
from benchmarks.evolving.methods import METHODS, SEEDED
from benchmarks.evolving.page import cells_of, render, tables
from benchmarks.evolving.runs import EVERY, append_run, digest_of, play, read_runs

RUNS = Path(__file__).with_name("runs.jsonl")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for and not yet kept; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.render:
            render(asked.page, cells_of(read_runs(asked.json)))
            return 0
        known = {run.key for run in read_runs(asked.json)}
        for data in asked.data:
            for method in asked.methods:
                for seed in range(asked.seeds if method in SEEDED else 1):
                    if (data, method, seed, digest_of(method)) in known:
                        continue
                    run = play(data, method, seed)
                    append_run(asked.json, run)
                    print(f"{data} {method} seed {seed}: MRR {run.mrr:.4f}, {run.cpu} CPU s", flush=True)
        print(tables(cells_of(read_runs(asked.json))))
    except MissingData as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evolving", description=__doc__)
    parser.add_argument("--data", nargs="+", choices=list(EVERY), default=list(GRAPHS), metavar="NAME")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0 to N - 1, of methods that draw")
    parser.add_argument("--json", type=Path, default=RUNS, help="the runs kept, one a line")
    parser.add_argument("--render", action="store_true", help="run nothing, write the tables into the page")
    parser.add_argument("--page", type=Path, default=PAGE)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
