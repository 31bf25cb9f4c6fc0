"""Results kept as they come, one JSON line a run, so that what was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

SEEDS = 10  # of a complete row


@dataclass(frozen=True)
class Run:
    """What one method came to on one data set with one seed; `digest` is that of all that defines the run.

    test is Hits@K as a share, valid the metric that chose the epoch, None where nothing was chosen. `chosen` is
    the candidate that validation preferred, `epoch` its best epoch. seconds covers the choice and the grading.
    most_epochs is where trainings were cut short for want of time, None where none was.
    """

    data: str
    method: str
    seed: int
    digest: str
    test: float
    valid: float | None
    chosen: str | None
    epoch: int | None
    seconds: float
    device: str
    most_epochs: int | None = None

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What a run is found by."""
        return self.data, self.method, self.seed, self.digest


@dataclass(frozen=True)
class Summary:
    """One method on one data set over its seeds: percentages, spread unbiased (n - 1), None for a single seed."""

    mean: float
    spread: float | None
    seeds: int
    seconds: float
    most_epochs: int | None = None

    @property
    def text(self) -> str:
        """The figure as it stands in a table, with what it lacks of a complete one."""
        figure = f"{self.mean:.2f}" if self.spread is None else f"{self.mean:.2f} ± {self.spread:.2f}"
        lacks = [] if self.seeds >= SEEDS else [f"{self.seeds} {'seed' if self.seeds == 1 else 'seeds'}"]
        lacks += [] if self.most_epochs is None else [f"{self.most_epochs} epochs"]
        return f"{figure} ({', '.join(lacks)})" if lacks else figure


def summary(runs: Iterable[Run]) -> Summary:
    """Summarise the runs, at least one, of one method on one data set."""
    listed = list(runs)
    tests = [100 * run.test for run in listed]
    spread = statistics.stdev(tests) if len(tests) > 1 else None
    seconds = statistics.fmean(run.seconds for run in listed)
    return Summary(statistics.fmean(tests), spread, len(tests), seconds, listed[0].most_epochs)


def digest(definition: object) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of a definition's canonical JSON."""
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_runs(file: Path) -> list[Run]:
    """Return the runs of a file, none where there is no file; a last line cut short by an interruption is left out."""
    if not file.is_file():
        return []
    lines = file.read_text().split("\n")
    complete = lines[:-1]  # every line is written with its newline: what follows the last one was cut short
    return [Run(**json.loads(line)) for line in complete if line]


def append_run(file: Path, run: Run) -> None:
    """Add a run to a file, on a line of its own even after one cut short."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _end_line(file)
    with file.open("a") as opened:
        opened.write(json.dumps(asdict(run)) + "\n")


def _end_line(file: Path) -> None:
    """Drop an unfinished last line."""
    if file.is_file():
        text = file.read_text()
        if text and not text.endswith("\n"):
            file.write_text(text[: text.rfind("\n") + 1])
