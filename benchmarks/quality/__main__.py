"""The quality benchmark: `python -m benchmarks.quality --data cora usair --models ncn ncnc ours --seeds 10`.

Runs what is missing, keeps every run as it comes, prints the table. `--render` writes it into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.datasets import MissingData
from benchmarks.quality.methods import METHODS, is_played
from benchmarks.quality.page import Cells, MarkersMissing, render, summaries
from benchmarks.quality.play import definition_digest, play
from benchmarks.quality.protocol import PROTOCOLS
from benchmarks.quality.published import published
from benchmarks.quality.results import Run, append_run, read_runs

ROOT = Path(__file__).resolve().parents[2]
RUNS = Path(__file__).with_name("runs.jsonl")
PAGE = ROOT / "docs" / "benchmarks.md"
Task = tuple[str, str, int]


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for and not yet kept; return the exit status."""
    asked = _parser().parse_args(arguments)
    console = Console()
    try:
        if not asked.render:
            tasks = missing(asked.data, asked.models, asked.seeds, read_runs(asked.json), asked.most_epochs)
            settings = Settings(asked.jobs, asked.device, asked.most_epochs)
            run_all(tasks, asked.json, settings, console=console)
        cells = summaries(read_runs(asked.json))
        if asked.render:
            render(asked.page, cells)
            console.print(f"Tables written to {asked.page}.")
        else:
            console.print(_table({cell: one for cell, one in cells.items() if cell[0] in asked.data}))
    except (MissingData, MarkersMissing) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def missing(
    data: list[str], methods: list[str], seeds: int, kept: list[Run], most_epochs: int | None = None
) -> list[Task]:
    """Return the runs that are asked for and not kept, seed by seed, so that an early stop leaves whole rows."""
    known = {run.key for run in kept}
    cells = [(name, method) for name in data for method in methods if is_played(name, method)]
    digests = {cell: definition_digest(*cell, most_epochs) for cell in cells}
    return [(*cell, seed) for seed in range(seeds) for cell in cells if (*cell, seed, digests[cell]) not in known]


@dataclass(frozen=True)
class Settings:
    """How runs are run: in how many processes, where, and for how many epochs at most."""

    jobs: int = 1
    device: str = "cpu"
    most_epochs: int | None = None


def run_all(tasks: list[Task], file: Path, settings: Settings, *, console: Console) -> None:
    """Run tasks and keep each result as it comes; the bar is for a terminal alone."""
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("runs", total=len(tasks))
        for run in _results(tasks, settings):
            append_run(file, run)
            progress.update(bar, advance=1, description=f"{run.data} {run.method} seed {run.seed}: {run.test:.2%}")


def _results(tasks: list[Task], settings: Settings) -> Iterator[Run]:
    """Yield results as they come: from this process, or from several, each with its share of the cores."""
    how: dict[str, Any] = {"device": settings.device, "most_epochs": settings.most_epochs}
    if settings.jobs == 1:
        for task in tasks:
            yield play(*task, **how)
        return
    how["threads"] = max(1, (os.cpu_count() or 1) // settings.jobs)
    with ProcessPoolExecutor(max(1, min(settings.jobs, len(tasks))), mp_context=get_context("spawn")) as pool:
        running = [pool.submit(play, *task, **how) for task in tasks]
        try:
            for done in as_completed(running):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _table(cells: Cells) -> Table:
    table = Table("data", "method", "Hits@K, %", "published", "seeds", "seconds a run")
    for name in PROTOCOLS:
        for method in METHODS:
            if (name, method) not in cells:
                continue
            one, figure = cells[name, method], published(name, method)
            shown = figure.text if figure else ""
            table.add_row(name, METHODS[method], one.text, shown, str(one.seeds), f"{one.seconds:.1f}")
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    quick = [name for name in PROTOCOLS if name != "ogbl_ddi"]  # an epoch of which takes minutes on a CPU
    for option, known, usual in (("--data", PROTOCOLS, quick), ("--models", METHODS, list(METHODS))):
        names = ", ".join(known)
        parser.add_argument(option, nargs="+", choices=list(known), default=usual, metavar="NAME", help=names)
    parser.add_argument("--seeds", type=int, default=10, help="seeds 0 to N - 1")
    parser.add_argument("--jobs", type=int, default=1, help="processes; each has its share of the cores")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--most-epochs", type=int, help="cut longer trainings short; the tables say so")
    parser.add_argument("--json", type=Path, default=RUNS, help="the runs kept, one a line")
    parser.add_argument("--render", action="store_true", help="run nothing, write the tables into the page")
    parser.add_argument("--page", type=Path, default=PAGE)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
