"""What recommending to every node costs, and what its shortlist misses: `python -m benchmarks.recommendation`.

Trains the model of `make demo DATA=as_caida` on the week of 2007-11-05 (26,475 nodes, one of degree 2,628), or takes a
saved one with --model; recommends 20 links to every node by `ncnc recommend`, in a process of its own, and
counts seconds and memory; then ranks nodes of all degrees, as many of each stratum, against every other node too, and
counts how many of those 20 best the shortlist led to. Minutes on two cores. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from embedded.as_caida import dumps, find_archive, links
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.serving.ranked_links import ranked_links, ranking_parts
from ncnc_core.serving.shortlist import CANDIDATES_PER_NODE

K = 20
WEEK = "2007-11-05"  # the largest of the archive
MODEL = ModelConfig(predictor="ncnc", hidden_channels=64, predictor_dropout=0.1, completion_max_neighbors=16)
TRAINING = TrainingConfig(epochs=6, batch_size=2048)
STRATA = (1, 2, 3, 5, 9, 17, 65)  # the lowest degree of each

Figures = dict[str, Any]  # a name to a number or a text, as the JSON holds it


def trained_model(folder: Path, predictor: str) -> Path:
    """Train on the week with the recipe that was chosen on the demo's first week, save, and return the folder."""
    text = next(text for date, text in dumps(find_archive()) if f"{date:%Y-%m-%d}" == WEEK)
    edges = pd.DataFrame(links(text), columns=["source", "target"])
    LinkModel.fit(edges, model=MODEL.model_copy(update={"predictor": predictor}), training=TRAINING).save(folder)
    return folder


def measure_all(folder: Path, candidates: int, workers: int) -> Figures:
    """Recommend to every node in a process of its own."""
    with tempfile.TemporaryDirectory() as output:
        argv = ["recommend", str(folder), "--k", str(K), "--output", output, "--workers", str(workers)]
        argv += ["--candidates-per-node", str(candidates)]
        started = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", *argv], stdout=subprocess.PIPE, text=True
        ) as child:
            line = child.stdout.read() if child.stdout else ""
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if child.returncode:
            raise SystemExit(f"ncnc recommend ended {child.returncode}; its reason stands above.")
        size = sum(path.stat().st_size for path in Path(output).iterdir())
    return {
        **{name: value for name, value in json.loads(line).items() if name in ("nodes", "shards")},
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_gib": round(used.ru_maxrss / 2**20, 2),
        "megabytes": round(size / 1e6, 1),
    }


def stratified(degree: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Draw nodes, as many of each stratum of degree; where one has too few, all of it and more of the others."""
    rng = np.random.default_rng(seed)
    strata = [rng.permutation(np.flatnonzero(stratum_of(degree) == stratum)) for stratum in range(len(STRATA))]
    turns = [nodes[turn] for turn in range(len(degree)) for nodes in strata if turn < len(nodes)]
    return np.sort(np.array(turns[:count], dtype=np.int64))


def stratum_of(degree: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the stratum of each degree; -1 for a node without links."""
    return np.searchsorted(STRATA, degree, side="right") - 1


def measure_recall(model: LinkModel, nodes: NDArray[np.int64], candidates: int, workers: int) -> Figures:
    """Return which share of the K best of all other nodes the shortlist leads to, by stratum, and both means.

    `sampled` counts every node alike, which is the large degrees above their share; `graph` weighs the strata as the
    graph has them.
    """
    best = [_best(model, nodes, size, workers) for size in (None, candidates)]
    degree = model.adjacency.degree.numpy()
    found = np.array([len(best[0][node] & best[1][node]) / max(1, len(best[0][node])) for node in nodes.tolist()])
    share = np.bincount(stratum_of(degree)[degree > 0], minlength=len(STRATA)) / max(1, (degree > 0).sum())
    stratum = stratum_of(degree[nodes])
    means = {row: float(found[stratum == row].mean()) for row in range(len(STRATA)) if (stratum == row).any()}
    names = [f"{low}-{high - 1}" if high - low > 1 else f"{low}" for low, high in pairwise(STRATA)]
    names.append(f"{STRATA[-1]}+")
    return {
        "nodes": len(nodes),
        "by_degree": {names[row]: round(mean, 4) for row, mean in means.items()},
        "sampled": round(float(found.mean()), 4),
        "graph": round(sum(share[row] * mean for row, mean in means.items()) / sum(share[row] for row in means), 4),
    }


def _best(model: LinkModel, nodes: NDArray[np.int64], candidates: int | None, workers: int) -> dict[int, set[int]]:
    asked = torch.from_numpy(nodes)
    parts = ranking_parts(model.adjacency, asked, candidates=candidates, exclude_known=True)
    found: dict[int, set[int]] = {node: set() for node in nodes.tolist()}
    for part in ranked_links(
        lambda pairs: model.score_pairs(Positions(pairs)),
        model.adjacency,
        parts,
        K,
        candidates=candidates,
        exclude_known=True,
        workers=workers,
    ):
        for source, target in zip(part.source.tolist(), part.target.tolist(), strict=True):
            found[source].add(target)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write JSON; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommendation", description=__doc__)
    parser.add_argument("--model", type=Path, help="the folder of a saved model; by default one is trained")
    parser.add_argument("--predictor", choices=["ncn", "ncnc"], default="ncnc")
    parser.add_argument("--nodes", type=int, default=1000, help="ranked against all others, for the recall")
    parser.add_argument("--candidates", type=int, nargs="+", default=[CANDIDATES_PER_NODE])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.model or trained_model(Path(scratch) / "model", asked.predictor)
        model = LinkModel.load(folder)
        nodes = stratified(model.adjacency.degree.numpy(), asked.nodes, asked.seed)
        for candidates in asked.candidates:
            figures[str(candidates)] = {
                "predictor": model.config.predictor,
                "cost": measure_all(folder, candidates, asked.workers),
                "recall": measure_recall(model, nodes, candidates, asked.workers),
            }
    Console().print(_table(figures))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _table(figures: Figures) -> Table:
    table = Table(title=f"the best {K} links of every node", title_justify="left")
    columns = ("candidates", "seconds", "CPU seconds", "peak GiB", "recall, sampled", "recall, graph", "by degree")
    for name in columns:
        table.add_column(name, justify="right")
    for candidates, found in figures.items():
        cost, recall = found["cost"], found["recall"]
        by_degree = "  ".join(f"{name}: {value:.3f}" for name, value in recall["by_degree"].items())
        row = [cost["seconds"], cost["cpu_seconds"], cost["peak_gib"], recall["sampled"], recall["graph"], by_degree]
        table.add_row(candidates, *map(str, row))
    return table


if __name__ == "__main__":
    raise SystemExit(main())
