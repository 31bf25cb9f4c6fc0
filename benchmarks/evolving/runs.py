"""Runs kept as they come, one JSON line each, so that what was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.evolving.graphs import GRAPHS, WEEKS
from benchmarks.evolving.methods import Learner
from benchmarks.evolving.night import Night

EVERY = GRAPHS | WEEKS


@dataclass(frozen=True)
class Run:
    """What one method came to on one night with one seed; `digest` is that of all that defines the method.

    mrr, warm and cold are mean reciprocal ranks of the test edges, of those whose ends both had an edge by the cut, and
    of the others. cpu is CPU seconds of learning, what it reads included; scoring is apart. ranks and ends, of a judged
    week alone, are each test edge's reciprocal rank and the ids of its two nodes.
    """

    data: str
    method: str
    seed: int
    digest: str
    edges: int
    mrr: float
    hits10: float
    warm: float
    cold: float
    cpu: float
    ranks: tuple[float, ...] = ()
    ends: tuple[tuple[int, int], ...] = ()

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What a run is found by."""
        return self.data, self.method, self.seed, self.digest


def digest_of(method: str) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of what defines a method."""
    return hashlib.sha256(json.dumps(Learner(method).definition(), sort_keys=True).encode()).hexdigest()[:16]


def play(data: str, method: str, seed: int) -> Run:
    """Learn and answer one night, on one thread."""
    torch.set_num_threads(1)
    dated = EVERY[data]()
    night = Night.of(dated)
    started = time.process_time()
    score = Learner(method).learnt(night, seed)
    cpu = time.process_time() - started
    ranks = night.ranks(score)
    shown = {"mrr": ranks, "warm": ranks[night.warm], "cold": ranks[~night.warm]}
    kept = data in WEEKS
    return Run(
        data=data,
        method=method,
        seed=seed,
        digest=digest_of(method),
        edges=ranks.numel(),
        hits10=round(float((ranks >= 0.1).double().mean()), 5),
        cpu=round(cpu, 2),
        ranks=tuple(round(one, 6) for one in ranks.tolist()) if kept else (),
        ends=tuple((int(u), int(v)) for u, v in dated.ids[night.test.T.numpy()]) if kept else (),
        **{name: round(float(one.mean()), 5) for name, one in shown.items()},
    )


def read_runs(file: Path) -> list[Run]:
    """Return the runs of a file, none where there is no file; a last line cut short is left out."""
    if not file.is_file():
        return []
    runs = []
    for line in file.read_text().split("\n")[:-1]:
        content = json.loads(line)
        content["ends"] = tuple(tuple(pair) for pair in content["ends"])
        runs.append(Run(**content | {"ranks": tuple(content["ranks"])}))
    return runs


def append_run(file: Path, run: Run) -> None:
    """Add a run to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        opened.write(json.dumps(asdict(run)) + "\n")
