"""A progress bar for a person at a terminal; elsewhere nothing is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ncnc_core.training.checkpoint import EpochResult

Stream = Any  # whatever stands where standard error does: a notebook's, say
Listener = Callable[[EpochResult], None]


@contextmanager
def training_progress(
    epochs: int, metric: str, then: Listener | None = None, *, shown: bool = True, stream: Stream = None
) -> Iterator[Listener | None]:
    """Show a bar with epoch, loss, the metric that chooses the epoch and its best, and the time that remains.

    Yields what is to be called after each epoch, which calls `then` in turn. Nothing is shown where `stream` (standard
    error) is no terminal.
    """
    stream = stream or sys.stderr
    if not (shown and stream.isatty()):
        yield then
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    best = float("-inf")
    columns = [TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}")]
    with Progress(*columns, TimeRemainingColumn(), console=Console(file=stream)) as bar:
        task = bar.add_task("", total=epochs)

        def advance(result: EpochResult) -> None:
            nonlocal best
            text = f"loss {result.loss:.4f}"
            if metric in result.metrics:
                best = max(best, result.metrics[metric])
                text += f"  {metric} {result.metrics[metric]:.4f} (best {best:.4f})"
            bar.update(task, completed=result.epoch, description=text)
            if then is not None:
                then(result)

        yield advance
