"""The command line: one argv that the person, `dvc.yaml` and Airflow run.

Exit codes: 0 done, 2 the input is wrong, 75 trouble outside, 99 nothing to do. The last line on standard output is
one JSON object; errors go to standard error.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from pipeline.commands.audits import audits, verifications
from pipeline.commands.models import models, recommendations
from pipeline.commands.nights import nights
from pipeline.commands.pins import pins
from pipeline.commands.promotions import promotions
from pipeline.commands.registry import registry
from pipeline.commands.snapshots import snapshots, snapshots_check
from pipeline.commands.steps import steps
from pipeline.commands.trial import trials
from pipeline.commands.tune import tuning
from pipeline.errors import InvalidInput, StepError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _add(panel: str, *verbs: typer.Typer) -> None:
    """Add verbs under a heading of `ncnc --help`."""
    for group in verbs:
        for command in group.registered_commands:
            command.rich_help_panel = panel
        app.add_typer(group)


# `ncnc --help` shows the headings in this order.
LOOK = "Look at what happened"
_add("Try it on your own graph", trials)
_add(LOOK, nights, models, verifications)
registry.add_typer(pins)
app.add_typer(registry, name="registry", rich_help_panel=LOOK)
app.add_typer(snapshots, name="snapshots", rich_help_panel=LOOK)
app.add_typer(audits, name="audit", rich_help_panel=LOOK)
_add("Decide by hand", promotions)
_add("The six steps of a night", steps)
_add("Recommend links", recommendations)
_add("Tune the model", tuning)
snapshots.command(name="check")(snapshots_check)


@app.callback()
def options(
    log_level: Annotated[str, typer.Option(envvar="NCNC_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Retrain a link-prediction model every night; promote it only when it is provably better."""
    if log_level.upper() not in logging.getLevelNamesMapping():
        raise InvalidInput(f"NCNC_LOG_LEVEL is {log_level!r}, but must be DEBUG, INFO, WARNING or ERROR. Correct it.")
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def main() -> None:
    """Run the command line and end with the contract's exit code."""
    try:
        app()
    except StepError as error:
        print(f"ncnc: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
