"""What evaluation and training negatives cost: `python -m benchmarks.negatives [--json FILE]`.

Uniform pairs on a graph of millions of nodes and as many forbidden edges, degree-matched ones by the million, and hard
ones (resource allocation and PageRank) on the last dump of as_caida, which has a hub of thousands. Each kind in a
process of its own; seconds are wall-clock, beside whatever else the machine does; memory is the largest resident set
while drawing, the forbidden keys included. Linux only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.large_graph import generated_edges
from embedded.as_caida import MAXIMUM_NIGHTS, AsCaida, find_archive
from embedded.nights import edges_file
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.splits.evaluation_negatives import hard_negatives
from ncnc_core.splits.negatives import corrupted_negatives, uniform_pairs

NODES, DRAWS_A_NODE = 3_000_000, 12.3  # some draws are repeats: about 30 million edges remain
UNIFORM = 30_000_000
POSITIVES, PER_POSITIVE = 20_000, 50
HARD_POSITIVES = 1_000

Figures = dict[str, Any]  # a name to a number or a text, as the JSON holds it


def large_graph(num_nodes: int) -> Adjacency:
    """Return a generated graph with a heavy tail of degrees."""
    edges = generated_edges(num_nodes, DRAWS_A_NODE, np.random.default_rng(0))
    return Adjacency.from_edges(edges, num_nodes)


def measure_uniform(num_nodes: int, count: int) -> Figures:
    """Draw uniform pairs beside as many forbidden keys as the graph has edges."""
    graph = large_graph(num_nodes)
    keys = pair_keys(graph.edges(), num_nodes)
    del graph
    generator = torch.Generator().manual_seed(0)
    return _weighed(lambda: uniform_pairs(count, keys, num_nodes, generator), keys)


def measure_degree_matched(num_nodes: int, positives: int) -> Figures:
    """Draw degree-matched negatives of some of a large graph's edges."""
    graph = large_graph(num_nodes)
    edges = graph.edges()
    keys, generator = pair_keys(edges, num_nodes), torch.Generator().manual_seed(0)
    chosen = edges[:, torch.randint(edges.shape[1], (positives,), generator=generator)]
    return _weighed(
        lambda: corrupted_negatives(
            chosen, PER_POSITIVE, keys, generator, num_nodes=num_nodes, kind="degree_matched", degree=graph.degree
        ),
        keys,
    )


def measure_hard(edges: Tensor, positives: int) -> Figures:
    """Rank the hard negatives of some edges on the graph of the others."""
    num_nodes = int(edges.max()) + 1
    generator = torch.Generator().manual_seed(0)
    held_out = torch.zeros(edges.shape[1], dtype=torch.bool)
    held_out[torch.randperm(edges.shape[1], generator=generator)[:positives]] = True
    graph, keys = Adjacency.from_edges(edges[:, ~held_out], num_nodes), pair_keys(edges, num_nodes).unique()
    hard_negatives(edges[:, held_out][:, :1], 2, keys, generator, adjacency=graph)  # compiles, or loads what is cached
    figures = _weighed(lambda: hard_negatives(edges[:, held_out], PER_POSITIVE, keys, generator, adjacency=graph), keys)
    return figures | {"largest_degree": int(graph.degree.max())}


def last_dump() -> Tensor:
    """Return the edges of the last weekly dump of as_caida, [2, edges], nodes numbered by their ids."""
    source = AsCaida(find_archive(), MAXIMUM_NIGHTS)
    as_of = source.nights[-1].as_of
    with tempfile.TemporaryDirectory() as folder:
        source.deliver(as_of, Path(folder))
        table = pd.read_parquet(edges_file(Path(folder), as_of))
    codes = np.unique(table.to_numpy(), return_inverse=True)[1]
    return torch.from_numpy(codes.reshape(-1, 2).T.astype(np.int64))


MEASURES: dict[str, Callable[[int], Figures]] = {
    "uniform": lambda shrink: measure_uniform(NODES // shrink, UNIFORM // shrink),
    "degree_matched": lambda shrink: measure_degree_matched(NODES // shrink, POSITIVES // shrink),
    "hard": lambda shrink: measure_hard(last_dump(), HARD_POSITIVES // shrink),
}


def _weighed(draw: Callable[[], Tensor], forbidden: Tensor) -> Figures:
    """Return what drawing took: seconds, and the largest resident memory meanwhile beside that before."""
    # Linux forgets the largest resident set so far where 5 is written here: making the graph took more than drawing.
    Path("/proc/self/clear_refs").write_text("5")
    before, started = _resident_gib("VmRSS"), time.perf_counter()
    found = draw()
    return {
        "forbidden": forbidden.numel(),
        "negatives": found.shape[1],
        "seconds": round(time.perf_counter() - started, 2),
        "gib_before": before,
        "peak_gib": _resident_gib("VmHWM"),
        "threads": torch.get_num_threads(),
    }


def _resident_gib(name: str) -> float:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return round(int(lines[name].split()[0]) / 2**20, 2)


def _in_a_process_of_its_own(kind: str, shrink: int) -> Figures:
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.negatives", "--one", kind, "--shrink", str(shrink)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures: Figures = json.loads(child.stdout)
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Measure each kind, print a table, and write JSON where asked; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.negatives", description=__doc__)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    parser.add_argument("--shrink", type=int, default=1, help="divide every size by this")
    parser.add_argument("--one", choices=list(MEASURES), help="measure one kind in this very process")
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(MEASURES[asked.one](asked.shrink)), flush=True)
        return 0
    found = {kind: _in_a_process_of_its_own(kind, asked.shrink) for kind in asked.only}
    table = Table(
        "kind", "negatives", "forbidden", "seconds", "GiB before", "peak GiB", title=f"torch {torch.__version__}"
    )
    for kind, figures in found.items():
        sizes = (f"{figures[name]:,}" for name in ("negatives", "forbidden"))
        table.add_row(kind, *sizes, *(str(figures[name]) for name in ("seconds", "gib_before", "peak_gib")))
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
