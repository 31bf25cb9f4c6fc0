"""One step of one night: run it, and enter a night that ends with it, or without an outcome, in the ledger."""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import Protocol, cast

from ncnc_core.errors import InvalidGraph
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.approvals import Answer, last_night
from pipeline.ledger.entries import NightEntry, NightOutcome
from pipeline.ledger.night import broken_off_night
from pipeline.ledger.registry_agreement import RegistriesDisagree
from pipeline.params.params import Params
from pipeline.records.chain import GraphSnapshot, RegisteredModel
from pipeline.records.record import Record
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version

FIRST_STEP = "snapshot"
AFTER_THE_DECISION = "refresh"  # which changes no outcome of the night, whatever becomes of it
LOOK_AT_THE_ALIASES = (FIRST_STEP, "evaluate")

Argument = datetime | Answer | None


class Step(Protocol):
    """A module of `pipeline.steps`."""

    def run(self, folder: RunFolder, params: Params, *, doors: Doors, **arguments: Argument) -> Record:
        """Do the step's work, or return the record of it where it is done."""
        ...


def run_step(step: str, folder: RunFolder, params: Params, *, doors: Doors, **arguments: Argument) -> Record:
    """Run a step by its name.

    Before the first step, and before `evaluate` compares with the champion, each alias that was changed in MLflow
    without the ledger is recorded and reported. `register` does this itself.

    A night that a step refuses, or that the first step skips, is entered in the ledger, so that the outcome of every
    night can be read there. Trouble outside, such as a server that does not answer, is no outcome and is not entered;
    nor is a ledger and an MLflow that do not belong together.

    Raises:
        StepError: as the step raised it; what the core found wrong becomes InvalidInput.
    """
    made = step == "register" and folder.has(RegisteredModel)  # it is not made again, by whatever code
    if step not in (FIRST_STEP, AFTER_THE_DECISION) and not made:
        _require_same_code(folder.get(GraphSnapshot))
    module = cast(Step, importlib.import_module(f"pipeline.steps.{step}"))
    try:
        if step in LOOK_AT_THE_ALIASES:
            doors.aliases.look(folder.graph, who=f"run {folder.name}", at=doors.clock())
        else:  # any step may end the night in the ledger
            doors.aliases.expect_agreement(folder.graph)
        if _begins_or_ends(step, folder):
            _require_standing(folder.get(GraphSnapshot), doors)
        return module.run(folder, params, doors=doors, **arguments)
    except InvalidGraph as error:
        _enter_refused(step, folder, params, f"{step}: {error}", doors)
        raise InvalidInput(f"{step} of run {folder.name}: {error}") from error
    except RegistriesDisagree:
        raise  # not entered: whoever asked the wrong MLflow does not write in everybody's ledger
    except InvalidInput as error:
        _enter_refused(step, folder, params, str(error), doors)
        raise
    except NothingToDo as error:
        if step == FIRST_STEP:
            _enter(folder, params, "skipped", str(error), doors)
        raise


def _enter_refused(step: str, folder: RunFolder, params: Params, reason: str, doors: Doors) -> None:
    if step != AFTER_THE_DECISION:
        _enter(folder, params, "refused", reason, doors)


def _begins_or_ends(step: str, folder: RunFolder) -> bool:
    """Return whether a step begins a run again, or is about to make a version of it."""
    if step == FIRST_STEP:
        return folder.has(GraphSnapshot)
    return step == "register" and not folder.has(RegisteredModel)


def end_night(folder: RunFolder, why: str, *, doors: Doors) -> None:
    """Enter a night that is over, and that no step has entered, as failed; `why` is what its last step said.

    A night that failed and is cleared later gets the outcome that it then comes to.
    """
    as_of = folder.as_of
    if as_of is None:
        return  # named by hand, as `dvc repro` does
    try:
        doors.aliases.expect_agreement(folder.graph)
    except RegistriesDisagree:
        return  # as no step of it was entered: whoever asked the wrong MLflow does not write in everybody's ledger
    last = last_night(doors.ledger.entries(folder.graph), folder.name)
    if last is not None and (last.completed or last.outcome == "refused" or not why):
        return
    if run_id := folder.mlflow_run():
        doors.registry.runs.close(run_id, "failed", succeeded=False)
    reason = why or "it was ended before a step said why; the logs of its tasks may"
    doors.ledger.append(broken_off_night(folder.graph, folder.name, as_of, "failed", reason, at=doors.clock()))


def _require_same_code(snapshot: GraphSnapshot) -> None:
    """Refuse to go on with a run under other code than it was started with: its record would name the wrong code."""
    if snapshot.code_version != code_version():
        raise InvalidInput(
            f"Run {snapshot.run_name} was started by code {snapshot.code_version[:12]}, but this machine has "
            f"{code_version()[:12]}. Deploy one version to every worker, or start a run of another as-of."
        )


def _require_standing(snapshot: GraphSnapshot, doors: Doors) -> None:
    """Refuse to begin again with a snapshot that was retracted, and to register a model of it."""
    if (taken_back := doors.snapshots.journal().retracted.get(snapshot.tag)) is not None:
        raise InvalidInput(
            f"Run {snapshot.run_name} was made from {snapshot.tag}, which was {taken_back.in_words}. It does not go "
            f"on, and nothing is registered from it: run a night of another as-of."
        )


def _enter(folder: RunFolder, params: Params, outcome: NightOutcome, reason: str, doors: Doors) -> None:
    as_of = folder.as_of
    if as_of is None or folder.graph != params.snapshot.graph:
        return  # not a night of this graph: the run folder was named by hand, as `dvc repro` does, or wrongly
    entries = doors.ledger.entries(folder.graph)
    nights = [entry for entry in entries if isinstance(entry, NightEntry) and entry.run_name == folder.name]
    if any(night.completed and night.outcome != "awaiting" for night in nights):
        return  # the night is decided, and a later refusal of a step does not change that
    if outcome == "refused" and (run_id := folder.mlflow_run()):
        doors.registry.runs.close(run_id, outcome, succeeded=False)
    doors.ledger.append(broken_off_night(folder.graph, folder.name, as_of, outcome, reason, at=doors.clock()))
