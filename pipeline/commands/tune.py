"""Searching for better hyper-parameters, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import RunDir, open_doors, print_line

if TYPE_CHECKING:  # the command's help loads neither
    from pipeline.terminal import Terminal
    from pipeline.training.search import Tuned

tuning = typer.Typer()


@tuning.command()
def tune(
    run_dir: RunDir,
    trials: Annotated[int, typer.Option(min=1, help="How many trials in all; those of earlier calls count.")] = 30,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Stop after this many seconds, at the end of the running epoch.")
    ] = None,
    space: Annotated[Path | None, typer.Option(help="A search space; the defaults are in docs/training.md.")] = None,
) -> None:
    """Search for better hyper-parameters on a run's training and validation edges.

    The test edges are not touched. If a search is killed, the same command continues it.
    """
    import yaml

    from pipeline.commands.search_progress import search_progress
    from pipeline.runs.folder import RunFolder
    from pipeline.terminal import Terminal
    from pipeline.training.search import tune as search
    from pipeline.training.search_space import fragment, load_space

    doors, console = open_doors(), Terminal(stderr=True)
    folder = RunFolder(run_dir, doors.registry)
    with search_progress(console, trials) as on_trial:
        found = search(
            folder,
            folder.frozen_params(),
            None if space is None else load_space(space),
            trials=trials,
            seconds=timeout,
            doors=doors,
            on_trial=on_trial,
        )
    _tell(found, console)
    console.print(yaml.safe_dump(fragment(found.values, found.recipe), sort_keys=False))
    line = {name: value for name, value in vars(found).items() if name not in ("values", "params_file")}
    print_line(**line, params=found.values, file=found.params_file)


def _tell(found: Tuned, console: Terminal) -> None:
    """Say what a search came to, and where its values go."""
    gain = "" if found.baseline is None else f", {found.best - found.baseline:+.4f} to the present parameters"
    counted = f"{found.trials} trials, {found.pruned} of them stopped early"
    beside = f", beside train.recipe {found.recipe}, which is {found.predictor} here"
    console.print(f"{counted}: {found.metric} {found.best:.4f} on validation{gain}{beside}")
    console.print(f"Put this into params.yaml (it is also in {found.params_file}):\n")
