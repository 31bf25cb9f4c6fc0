from __future__ import annotations

from collections.abc import Callable

import pytest
from mlflow.tracking import MlflowClient

from ncnc_core.errors import InvalidGraph
from pipeline import night
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo, OutsideTrouble, StepError
from pipeline.ledger.alias_history import Move
from pipeline.ledger.entries import AliasObserved, NightEntry, NightOutcome
from pipeline.ledger.registry_agreement import RegistriesDisagree
from pipeline.origin.git import GitOrigin
from pipeline.params.params import Params
from pipeline.params.snapshot import SnapshotParams
from pipeline.records.chain import GraphSnapshot
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version
from pipeline.snapshots.journal import append
from pipeline.snapshots.journal_entries import Retracted
from pipeline.steps import evaluate, register, split
from tests.pipeline.conftest import AS_OF


@pytest.fixture
def folder(doors: Doors, run_name: str, make_snapshot: Callable[..., GraphSnapshot]) -> RunFolder:
    """A run whose snapshot was made by this code."""
    run = RunFolder(doors.environment.home / run_name)
    run.put(make_snapshot(code_version=code_version()))
    return run


def params_of(folder: RunFolder) -> Params:
    return Params(snapshot=SnapshotParams(graph=folder.graph))


def failing(error: Exception) -> Callable[..., None]:
    def run(*_: object, **__: object) -> None:
        raise error

    return run


def entries(doors: Doors, folder: RunFolder) -> list[NightEntry]:
    return [entry for entry in doors.ledger.entries(folder.graph) if isinstance(entry, NightEntry)]


@pytest.mark.parametrize(
    ("error", "raised", "reason"),
    [
        (InvalidInput("no edges"), InvalidInput, "no edges"),
        (InvalidGraph("the loss became nan"), InvalidInput, "split: the loss became nan"),  # the core's becomes ours
    ],
)
def test_night_refused_at_any_step_is_entered_with_its_reason(
    doors: Doors,
    folder: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    raised: type[StepError],
    reason: str,
) -> None:
    monkeypatch.setattr(split, "run", failing(error))
    for _ in range(2):  # a retry enters nothing twice
        with pytest.raises(raised):
            night.run_step("split", folder, params_of(folder), doors=doors)
    (entry,) = entries(doors, folder)
    assert (entry.outcome, entry.reason, entry.completed) == ("refused", reason, False)


def test_mlflow_run_of_a_refused_night_does_not_stay_running(
    doors: Doors, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = doors.registry.runs.open(folder.graph, folder.name, run_key="3" * 64, params={})
    monkeypatch.setattr(split, "run", failing(InvalidInput("no edges")))
    with pytest.raises(InvalidInput):
        night.run_step("split", RunFolder(folder.path, doors.registry), params_of(folder), doors=doors)
    closed = MlflowClient(doors.environment.tracking_uri).get_run(run_id)
    assert (closed.info.status, closed.data.tags["ncnc.outcome"]) == ("FAILED", "refused")


@pytest.mark.parametrize("error", [OutsideTrouble("MLflow is away"), NothingToDo("nothing to promote")])
def test_trouble_outside_and_a_later_steps_skip_are_no_outcome(
    doors: Doors, folder: RunFolder, monkeypatch: pytest.MonkeyPatch, error: StepError
) -> None:
    monkeypatch.setattr(split, "run", failing(error))
    with pytest.raises(type(error)):
        night.run_step("split", folder, params_of(folder), doors=doors)
    assert entries(doors, folder) == []


def test_worker_with_other_code_is_refused(
    doors: Doors, run_name: str, make_snapshot: Callable[..., GraphSnapshot]
) -> None:
    run = RunFolder(doors.environment.home / run_name)
    run.put(make_snapshot(code_version="9" * 64))
    with pytest.raises(InvalidInput, match=r"started by code 999999999999, .* Deploy one version"):
        night.run_step("split", run, Params(), doors=doors)


def test_refusal_after_the_decision_does_not_undo_the_night(
    doors: Doors, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = NightEntry(
        graph=folder.graph,
        run_name=folder.name,
        as_of=doors.clock(),
        at=doors.clock(),
        outcome="kept",
        reason="not better",
        completed=True,
    )
    doors.ledger.append(decided)
    monkeypatch.setattr(split, "run", failing(InvalidInput("other parameters")))
    with pytest.raises(InvalidInput):
        night.run_step("split", folder, params_of(folder), doors=doors)
    assert entries(doors, folder) == [decided]


def test_night_that_awaited_a_person_and_then_failed_is_entered(
    doors: Doors, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaiting = NightEntry(
        graph=folder.graph, run_name=folder.name, as_of=AS_OF, at=AS_OF, outcome="awaiting", reason="asked",
        completed=True,
    )  # fmt: skip
    doors.ledger.append(awaiting)
    monkeypatch.setattr(split, "run", failing(InvalidInput("another promotion came first")))
    with pytest.raises(InvalidInput):
        night.run_step("split", folder, params_of(folder), doors=doors)
    assert [entry.outcome for entry in entries(doors, folder)] == ["awaiting", "refused"]


def test_alias_changed_without_the_ledger_is_entered_before_the_night_compares(
    doors: Doors, folder: RunFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = MlflowClient(doors.environment.tracking_uri)
    client.create_registered_model(folder.graph)
    for _ in range(2):
        client.create_model_version(folder.graph, source="file:///nowhere")
    doors.aliases.crown(2, Move(folder.graph, "ann", "better", AS_OF), instead_of=None)
    client.set_registered_model_alias(folder.graph, "champion", "1")
    monkeypatch.setattr(evaluate, "run", failing(NothingToDo("looked")))
    with pytest.raises(NothingToDo, match="looked"):
        night.run_step("evaluate", folder, params_of(folder), doors=doors)
    last = doors.ledger.entries(folder.graph)[-1]
    assert isinstance(last, AliasObserved)
    assert (last.previous, last.version, last.who) == (2, 1, f"run {folder.name}")
    assert "was changed in MLflow without the ledger, from version 2 to 1" in caplog.text


def test_nothing_is_registered_from_a_snapshot_that_was_retracted_meanwhile(
    doors: Doors, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = folder.get(GraphSnapshot).tag
    taken_back = Retracted(tag=tag, at=AS_OF, who="ann@here", reason="half of the rows")
    append(GitOrigin(doors.environment.data_repository, doors.environment.home), lambda _: taken_back)
    monkeypatch.setattr(register, "run", failing(AssertionError("it was run")))
    with pytest.raises(InvalidInput, match=rf"{tag}, which was retracted on .* by ann@here \(half.*another as-of"):
        night.run_step("register", folder, params_of(folder), doors=doors)
    (entry,) = entries(doors, folder)
    assert entry.outcome == "refused"


def test_night_that_no_step_entered_ends_as_failed_with_what_was_said_last(doors: Doors, folder: RunFolder) -> None:
    run_id = doors.registry.runs.open(folder.graph, folder.name, run_key="3" * 64, params={})
    for _ in range(2):  # the report is written again
        night.end_night(RunFolder(folder.path, doors.registry), "train: MLflow is away", doors=doors)
    (entry,) = entries(doors, folder)
    assert (entry.outcome, entry.reason, entry.completed) == ("failed", "train: MLflow is away", False)
    closed = MlflowClient(doors.environment.tracking_uri).get_run(run_id)
    assert (closed.info.status, closed.data.tags["ncnc.outcome"]) == ("FAILED", "failed")


def test_night_that_was_ended_before_a_step_spoke_is_listed_too(doors: Doors, folder: RunFolder) -> None:
    night.end_night(folder, "", doors=doors)
    (entry,) = entries(doors, folder)
    assert (entry.outcome, entry.reason) == ("failed", "it was ended before a step said why; the logs of its tasks may")


@pytest.mark.parametrize(
    ("outcome", "completed", "why", "after"),
    [
        ("promoted", True, "report: git was away", []),  # decided
        ("awaiting", True, "", []),  # a person may still answer
        ("refused", False, "snapshot: no edges", []),  # entered by the step that refused it
        ("skipped", False, "", []),
        ("skipped", False, "snapshot: git is away", ["failed"]),  # cleared, and failed then
    ],
)
def test_night_that_came_to_an_outcome_keeps_it(
    doors: Doors, folder: RunFolder, outcome: NightOutcome, completed: bool, why: str, after: list[str]
) -> None:
    doors.ledger.append(
        NightEntry(
            graph=folder.graph, run_name=folder.name, as_of=AS_OF, at=AS_OF, outcome=outcome, reason="told",
            completed=completed,
        )
    )  # fmt: skip
    night.end_night(folder, why, doors=doors)
    assert [entry.outcome for entry in entries(doors, folder)] == [outcome, *after]


def test_run_named_by_hand_is_no_night(doors: Doors) -> None:
    night.end_night(RunFolder(doors.environment.home / "runs" / "demo-local"), "train: killed", doors=doors)
    assert doors.ledger.entries("demo") == ()


def test_night_with_a_wrong_mlflow_is_refused_and_not_entered_in_the_ledger(
    doors: Doors, other_mlflow: Doors, folder: RunFolder
) -> None:
    client = MlflowClient(doors.environment.tracking_uri)
    client.create_registered_model(folder.graph)
    client.create_model_version(folder.graph, source="file:///nowhere")
    doors.aliases.crown(1, Move(folder.graph, "ann", "better", AS_OF), instead_of=None)
    before = doors.ledger.entries(folder.graph)
    for step in ("snapshot", "split", "train", "evaluate", "decide", "register"):
        with pytest.raises(RegistriesDisagree, match="MLFLOW_TRACKING_URI names another MLflow"):
            night.run_step(step, folder, params_of(folder), doors=other_mlflow)
    night.end_night(RunFolder(folder.path, other_mlflow.registry), "snapshot: another MLflow", doors=other_mlflow)
    assert doors.ledger.entries(folder.graph) == before
