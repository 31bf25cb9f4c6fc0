"""Searching for better hyper-parameters, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import RunDir, open_doors, print_line

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


tuning = typer.Typer()


@tuning.command()
def tune(
    run_dir: RunDir,
    trials: Annotated[int, typer.Option(min=1, help="How many trials in all, those of earlier calls counted.")] = 30,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds; the trial that runs then is ended after its epoch.")
    ] = None,
    space: Annotated[Path | None, typer.Option(help="A search space; by default that of docs/training.md.")] = None,
) -> None:
    """Search hyper-parameters on a run's training and validation edges; a killed search goes on where it was."""
    import optuna
    import yaml
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from pipeline.runs.folder import RunFolder
    from pipeline.training.search import tune as search
    from pipeline.training.search_space import fragment, load_space

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what ends a trial is said by us
    doors, console = open_doors(), Console(stderr=True, highlight=False)
    folder = RunFolder(run_dir, doors.registry)
    ends = (TextColumn("tuning"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    columns = (*ends, TextColumn("{task.fields[best]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar, values = progress.add_task("tuning", total=trials, best=""), list[float]()

        def on_trial(count: int, trial: FrozenTrial) -> None:
            values.extend([trial.value] if trial.value is not None and trial.state.name == "COMPLETE" else [])
            best = f"best {max(values):.4f}" if values else ""
            progress.update(bar, completed=count, best=best)
            if not console.is_terminal:  # into a log a line a trial, in place of the bar
                came_to = f"{trial.value:.4f}" if trial.state.name == "COMPLETE" else trial.state.name.lower()
                console.print(f"trial {count} of {trials}: {came_to}, {best or 'none ended yet'}")

        params = folder.frozen_params()
        found = search(
            folder, params, load_space(space), trials=trials, seconds=timeout, doors=doors, on_trial=on_trial
        )
    gain = "" if found.baseline is None else f", {found.best - found.baseline:+.4f} to the present parameters"
    counted = f"{found.trials} trials, {found.pruned} of them cut short"
    console.print(f"{counted}: {found.metric} {found.best:.4f} on validation{gain}")
    console.print(f"put into params.yaml (also in {found.params_file}):\n", markup=False)
    console.print(yaml.safe_dump(fragment(found.values), sort_keys=False), markup=False)
    print_line(
        study=found.study,
        metric=found.metric,
        trials=found.trials,
        pruned=found.pruned,
        best=found.best,
        baseline=found.baseline,
        params=found.values,
        file=found.params_file,
    )
