"""The command that tries the pipeline on an edge file of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import ParamsFile, print_line
from pipeline.errors import InvalidInput

trials = typer.Typer()


@trials.command(name="try")
def try_(
    edges: Annotated[
        Path,
        typer.Argument(
            help="A file with one row for each edge: Parquet, CSV, another edge list, or a folder of parts."
        ),
    ],
    nodes: Annotated[Path | None, typer.Option(help="A Parquet or CSV file with node features.")] = None,
    split: Annotated[
        Path | None, typer.Option(help="A folder with your own split, for split.method=fixed (docs/splits.md).")
    ] = None,
    params: ParamsFile = Path("params.yaml"),
    settings: Annotated[list[str] | None, typer.Option("--set", help="Change a parameter: section.key=value.")] = None,
    home: Annotated[Path, typer.Option(help="The folder for everything that the trial makes.")] = Path(".ncnc/try"),
) -> None:
    """Check, split, train and evaluate on your own edge file, without Airflow."""
    from pipeline.commands.score_tables import rules_table, scores_table, slices_table
    from pipeline.params.params import Params
    from pipeline.terminal import for_messages, styled
    from pipeline.trial import run_trial, trial_params

    console = for_messages()
    effective = trial_params(Params.load(params), settings or [], edges)
    if effective.split.method == "fixed" and split is None:
        raise InvalidInput(
            "split.method is fixed, and a trial is given no split. Pass --split with the folder of its files; a trial "
            "reads no variable such as NCNC_SOURCE_SPLIT."
        )
    trial = run_trial(edges, nodes, effective, home, lambda step: console.print(styled((step, "bold"), " ...")), split)
    console.print(f"{trial.snapshot.num_nodes} nodes, {trial.snapshot.num_edges} edges")
    console.print(scores_table(trial.evaluation))
    console.print(slices_table(trial.evaluation))
    console.print(rules_table(trial.decision))
    console.print(f"the gate would {'promote' if trial.decision.promote else 'refuse'} it: {trial.decision.reason}")
    print_line(folder=trial.folder, promote=trial.decision.promote, reason=trial.decision.reason)
