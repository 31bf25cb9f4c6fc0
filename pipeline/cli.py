"""The command line: one argv that the person, `dvc.yaml` and Airflow run.

Exit codes: 0 done, 2 the input is wrong, 66 not delivered yet, 75 trouble outside, 99 nothing to do. The last line on
standard output is one JSON object; errors go to standard error.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Annotated

import typer

from pipeline.commands.audits import audits, verifications
from pipeline.commands.models import models, recommendations
from pipeline.commands.nights import nights
from pipeline.commands.pins import pins
from pipeline.commands.promotions import promotions
from pipeline.commands.refresh import refreshing
from pipeline.commands.registry import registry
from pipeline.commands.retraction import snapshots_retract
from pipeline.commands.snapshots import snapshots, snapshots_check
from pipeline.commands.steps import steps
from pipeline.commands.trial import trials
from pipeline.commands.tune import tuning
from pipeline.errors import InvalidInput, StepError
from pipeline.local_trouble import local_trouble
from pipeline.plain_text import plain, plain_lines
from pipeline.stopping import Stopped, end_with, stop_at_sigterm
from pipeline.terminal import log_to_messages

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
_add("The seven steps of a night", steps, refreshing)
_add("Recommend links", recommendations)
_add("Tune the model", tuning)
snapshots.command(name="check")(snapshots_check)
snapshots.command(name="retract")(snapshots_retract)


@app.callback()
def options(
    log_level: Annotated[str, typer.Option(envvar="NCNC_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
    runner: Annotated[
        int | None, typer.Option(envvar="NCNC_RUNNER_PID", hidden=True, help="End when this process, the parent, ends.")
    ] = None,
) -> None:
    """Retrain a link-prediction model every night; promote it only when it is provably better."""
    if log_level.upper() not in logging.getLevelNamesMapping():
        raise InvalidInput(f"NCNC_LOG_LEVEL is {log_level!r}, but must be DEBUG, INFO, WARNING or ERROR. Correct it.")
    log_to_messages(log_level.upper())
    if runner is not None:
        end_with(runner)


def main() -> None:
    """Run the command line and end with the contract's exit code."""
    stop_at_sigterm()
    try:
        app()
    except (StepError, Stopped) as error:
        print(f"ncnc: {plain_lines(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        if trouble := local_trouble(error):
            print(f"ncnc: {plain_lines(str(trouble))}", file=sys.stderr)
            sys.exit(trouble.exit_code)
        print(plain(traceback.format_exc()), file=sys.stderr, end="")  # a bug; its message may hold anything too
        sys.exit(1)


if __name__ == "__main__":
    main()
