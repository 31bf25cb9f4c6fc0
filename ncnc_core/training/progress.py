"""A progress bar for a person at a terminal; elsewhere nothing is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ncnc_core.durations import spoken_seconds
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.work import Listener as WorkListener
from ncnc_core.training.work import WorkDone

Stream = Any  # whatever stands where standard error does: a notebook's, say
Listener = Callable[[EpochResult], None]


@dataclass(frozen=True)
class Listeners:
    """What is to be called after each epoch, and what after each batch; None: nothing."""

    on_epoch: Listener | None = None
    on_work: WorkListener | None = None


@contextmanager
def training_progress(
    epochs: int, metric: str, then: Listener | None = None, *, shown: bool = True, stream: Stream = None
) -> Iterator[Listeners]:
    """Show a bar of pairs with epoch, loss, the metric that chooses the epoch and its best, and the time that remains.

    Yields what is to be called; after each epoch that calls `then` in turn. Nothing is shown where `stream` (standard
    error) is no terminal.
    """
    stream = stream or sys.stderr
    if not (shown and stream.isatty()):
        yield Listeners(then)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    best, epoch, measured = float("-inf"), 0, ""
    columns = [TextColumn("{task.percentage:3.0f} %"), BarColumn(), TextColumn("{task.description}")]
    with Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("", total=None)

        def advance(work: WorkDone) -> None:
            left = "" if work.seconds_left is None else f", {spoken_seconds(work.seconds_left)} left at most"
            text = f"{work.part} {work.done:,}/{work.total:,} {work.unit}{left}  epoch {epoch}/{epochs}{measured}"
            bar.update(task, completed=work.done, total=work.total, description=text)

        def hear(result: EpochResult) -> None:
            nonlocal best, epoch, measured
            epoch, measured = result.epoch, f"  loss {result.loss:.4f}"
            if metric in result.metrics:
                best = max(best, result.metrics[metric])
                measured += f"  {metric} {result.metrics[metric]:.4f} (best {best:.4f})"
            bar.update(task, description=f"epoch {epoch}/{epochs}{measured}")
            if then is not None:
                then(result)

        yield Listeners(hear, advance)
