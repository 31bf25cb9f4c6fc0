"""How far a search is, for a person: a bar on a terminal, a line for each trial in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.terminal import Terminal


@contextmanager
def search_progress(console: Terminal, trials: int) -> Iterator[Callable[[int, FrozenTrial], None]]:
    """Yield a callback that takes how many trials have ended and the last of them."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # each trial is told here
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[best]}", markup=False))
    with Progress(TextColumn("tuning"), *columns, console=console, disable=not console.is_terminal) as progress:
        bar, values = progress.add_task("tuning", total=trials, best=""), list[float]()

        def on_trial(count: int, trial: FrozenTrial) -> None:
            value = trial.value if trial.state == TrialState.COMPLETE else None
            values.extend([] if value is None else [value])
            best = f"best {max(values):.4f}" if values else ""
            progress.update(bar, completed=count, best=best)
            if not console.is_terminal:
                came_to = trial.state.name.lower() if value is None else f"{value:.4f}"
                console.print(f"trial {count} of {trials}: {came_to}, {best or 'none completed yet'}")

        yield on_trial
