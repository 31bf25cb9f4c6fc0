"""Every case there is: a name, and the work that returns its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from benchmarks.speed import ddi, planetoid

Figures = dict[str, float]

# Figures a case may have: seconds, cpu_seconds, threads, peak_gb; plain_seconds and times_as_fast_as_plain, the plain
# way measured in the same run; published_seconds and times_as_fast_as_published, the published implementation's
# constants; floor_seconds, the arithmetic at the rate of matrix products, matmul_gflops, measured in the same run.
CASES: dict[str, Callable[[], Figures]] = planetoid.CASES | ddi.CASES


def run_case(name: str, threads: int | None = None) -> Figures:
    """Return a case's figures, measured in a process of its own, whose peak of memory is the case's."""
    command = [sys.executable, "-m", "benchmarks.speed", "--here", name]
    command += [] if threads is None else ["--threads", str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(done.stdout)
    return figures
