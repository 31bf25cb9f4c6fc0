from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.checks.data_checks import DataChecks
from pipeline.doors import Doors
from pipeline.ledger.entries import AliasObserved, NightEntry
from pipeline.records.chain import EdgeSplit, PromotionDecision
from pipeline.report.night_story import read_story
from pipeline.runs.folder import RunFolder
from tests.fixtures.night_stories import change, checks
from tests.fixtures.refresh_entries import refreshed
from tests.pipeline.conftest import AS_OF


def test_a_decided_night_is_gathered_on_a_machine_that_has_none_of_it(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    made = make_decided_run(doors, graph, champion_version=2)
    run_id = made.require_mlflow_run()
    doors.registry.runs.put_file(run_id, made.path / "params.yaml", "params.yaml")
    doors.registry.runs.put_file(run_id, checks().write(tmp_path), DataChecks.file_name)
    story = read_story(RunFolder(tmp_path / "elsewhere" / made.name, doors.registry), doors)
    assert story.decision == made.get(PromotionDecision)
    assert story.checks == checks()
    assert story.params is not None
    assert (story.outcome, story.last_step, story.faults) == ("passed", "decide", ())
    assert story.as_of == AS_OF


def test_a_refused_night_has_its_entry_and_its_checks_alone(doors: Doors, graph: str, run_name: str) -> None:
    folder = RunFolder(doors.environment.home / "runs" / run_name, doors.registry)
    checks("too few edges").write(folder.path)
    change().write(folder.path)
    assert read_story(folder, doors).outcome == "refused"  # even before the ledger says so
    entry = {"graph": graph, "run_name": run_name, "as_of": AS_OF, "at": AS_OF, "outcome": "refused"}
    doors.ledger.append(NightEntry.model_validate(entry | {"reason": "too few edges", "completed": False}))
    story = read_story(folder, doors)
    assert (story.outcome, story.snapshot, story.last_step) == ("refused", None, None)
    assert story.checks is not None
    assert story.checks.reasons == ("too few edges",)
    assert [(night.outcome, night.drift["edge_ratio"]) for night in story.trend] == [("refused", 1.006)]


def test_a_record_that_was_changed_here_and_in_mlflow_is_a_fault_and_the_rest_is_gathered(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder = make_decided_run(doors, graph)
    path = folder.path / EdgeSplit.file_name
    path.write_text(path.read_text().replace("hashed", "random "))
    assert read_story(folder, doors).faults == ()  # MLflow has a good copy
    path.write_text("{}")
    artifacts = Path(doors.registry.server.run(folder.require_mlflow_run()).info.artifact_uri.removeprefix("file://"))
    next(artifacts.rglob(EdgeSplit.file_name)).write_text("{}")
    story = read_story(RunFolder(folder.path, doors.registry), doors)
    assert story.split is None
    assert story.decision is not None
    assert len(story.faults) == 1
    assert "edge_split.json" in story.faults[0]


def test_a_move_without_the_ledger_is_told_of_the_night_that_found_it(doors: Doors, graph: str, run_name: str) -> None:
    move = {"graph": graph, "alias": "champion", "version": 1, "previous": 2, "at": AS_OF, "who": f"run {run_name}"}
    doors.ledger.append(AliasObserved.model_validate(move))
    story = read_story(RunFolder(doors.environment.home / "runs" / run_name, doors.registry), doors)
    assert [item.command for item in story.moved] == [f"ncnc rollback --graph {graph} --to 2 --reason ..."]


def test_a_run_that_left_nothing_is_unfinished(doors: Doors, graph: str) -> None:
    story = read_story(RunFolder(doors.environment.home / "runs" / f"{graph}-local1", doors.registry), doors)
    assert (story.outcome, story.as_of, story.trend) == ("unfinished", None, ())


def test_refresh_of_the_night_is_told_and_that_of_a_person_is_not(doors: Doors, graph: str, run_name: str) -> None:
    by_the_night = refreshed(2, 1, weights_of=1).model_copy(update={"graph": graph, "who": f"run {run_name}"})
    by_hand = refreshed(3, 2, weights_of=1).model_copy(update={"graph": graph, "who": "ann"})
    for entry in (by_the_night, by_hand):
        doors.ledger.append(entry)
    story = read_story(RunFolder(doors.environment.home / "runs" / run_name, doors.registry), doors)
    assert story.refresh == by_the_night
