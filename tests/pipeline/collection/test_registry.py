from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.collection.registry import collect, plan_collection
from pipeline.collection.retention import RegistryPolicy
from pipeline.commands.by_hand import promote_by_hand
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import Move
from pipeline.ledger.entries import NightEntry, RegistryCollected
from pipeline.params.params import Params
from pipeline.promotion.nomination import nominate
from pipeline.records.chain import RegisteredModel, TrainedModel
from pipeline.runs.data import model_folder
from pipeline.runs.folder import RunFolder
from pipeline.steps import register
from tests.fixtures.overtaken_runs import overtaken
from tests.pipeline.conftest import AS_OF

MakeRun = Callable[..., RunFolder]
STRICT = RegistryPolicy(keep_versions=1, keep_days=0, checkpoint_days=0, folder_days=0, model_days=0, keep_models=0)


def later(doors: Doors) -> Doors:
    """The same doors on a day when everything is old."""
    return Doors(doors.environment, clock=lambda: datetime.now(UTC) + timedelta(days=400))


def test_collection_takes_what_nothing_speaks_for_and_enters_it(
    doors: Doors, graph: str, make_decided_run: MakeRun, tmp_path: Path
) -> None:
    first = make_decided_run(doors, graph)
    register.run(first, Params(), doors=doors)
    (tmp_path / "checkpoint").write_text("weights")
    doors.registry.runs.put_file(first.require_mlflow_run(), tmp_path / "checkpoint", "checkpoint")
    lost = overtaken(make_decided_run, doors, graph, 3)
    third = make_decided_run(doors, graph, as_of=AS_OF.replace(day=4), run_key="5" * 64, champion_version=1)
    register.run(third, Params(), doors=doors)

    then = later(doors)
    plan = plan_collection(graph, STRICT, then)
    assert plan.going[0] == (2,)
    assert plan.versions[1].reasons == ("previous points at it", "was champion: an audit may ask for it")
    assert [plan.run_names[run_id] for run_id in plan.going[1]] == [first.name]
    assert set(plan.going[2]) == {first.name, lost.name, third.name}
    assert [plan.run_names[run_id] for run_id in plan.going[3]] == [lost.name]  # its version goes as well
    assert [item.version for item in doors.registry.contents.versions(graph)] == [1, 2, 3]  # a plan deletes nothing
    assert first.path.is_dir()

    collect(graph, STRICT, who="ann", reason="routine", doors=then)
    assert [item.version for item in doors.registry.contents.versions(graph)] == [1, 3]
    assert not any(folder.path.exists() for folder in (first, lost, third))
    assert not any(run.has_checkpoint for run in doors.registry.contents.runs(graph))
    (entry,) = [item for item in doors.ledger.entries(graph) if isinstance(item, RegistryCollected)]
    assert (entry.versions, entry.checkpoints, entry.who, entry.reason) == ((2,), (first.name,), "ann", "routine")
    assert entry.policy == str(STRICT)
    assert collect(graph, STRICT, who="ann", reason="again", doors=then).is_empty
    with pytest.raises(InvalidInput, match=r"Version 2 of .* was collected"):
        doors.aliases.crown(2, Move(graph, "ann", "why not", AS_OF), instead_of=3)
    assert RunFolder(first.path, doors.registry).find(RegisteredModel) is not None  # fetched again by need


def kept(make: MakeRun, doors: Doors, graph: str) -> RunFolder:
    """A run that the gate refused on its merits, with its night entered and its MLflow run ended."""
    folder = make(doors, graph, as_of=AS_OF.replace(day=3), run_key="4" * 64, champion_version=1, promote=False)
    doors.registry.runs.put_file(folder.require_mlflow_run(), folder.path / "params.yaml", "params.yaml")
    doors.registry.runs.close(folder.require_mlflow_run(), "kept")
    doors.ledger.append(
        NightEntry(graph=graph, run_name=folder.name, as_of=AS_OF, at=AS_OF, outcome="kept", reason="r", completed=True)
    )
    return folder


def test_trained_model_of_a_kept_night_goes_and_everyone_who_asks_is_told_by_which_policy(
    doors: Doors, graph: str, make_decided_run: MakeRun
) -> None:
    first = make_decided_run(doors, graph)
    register.run(first, Params(), doors=doors)
    folder, then = kept(make_decided_run, doors, graph), later(doors)
    young = STRICT.model_copy(update={"model_days": 10_000})
    assert plan_collection(graph, young, then).going[3] == ()
    collect(graph, STRICT, who="cron", reason="routine", doors=then)
    trained = folder.get(TrainedModel)
    assert doors.registry.runs.observe_folder(folder.require_mlflow_run(), "model", trained.files) == {}
    champions = first.get(TrainedModel)
    assert doors.registry.runs.observe_folder(first.require_mlflow_run(), "model", champions.files)
    (entry,) = [item for item in doors.ledger.entries(graph) if isinstance(item, RegistryCollected)]
    assert entry.models == (folder.name,)
    assert collect(graph, STRICT, who="cron", reason="again", doors=then).going[3] == ()

    told = (
        rf"trained model of run {folder.name} was collected by cron .*routine \(keep-versions 1, .* keep-refreshes 7\)"
    )
    again = RunFolder(folder.path, doors.registry)
    with pytest.raises(InvalidInput, match=told):  # where bytes that are wrong would be a tampered record
        model_folder(again, doors, again.get(TrainedModel))
    with pytest.raises(InvalidInput, match=told):
        promote_by_hand(again, who="ann", reason="we must", override=True, doors=doors)
    assert doors.registry.aliases.of(graph)["champion"] == 1


def test_a_machine_whose_clock_is_far_ahead_collects_nothing_that_is_young(
    doors: Doors, graph: str, make_decided_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, then, policy = kept(make_decided_run, doors, graph), later(doors), RegistryPolicy(keep_models=0)
    assert plan_collection(graph, policy, then).is_empty
    night = folder.name.rpartition("-")[0] + "-20270101T000000Z"
    ahead = NightEntry(
        graph=graph, run_name=night, as_of=AS_OF, at=then.clock(), outcome="kept", reason="r", completed=True
    )
    doors.ledger.append(ahead)  # by the same machine, so that the ledger seems to agree with its clock
    assert plan_collection(graph, policy, then).going[3]
    monkeypatch.setattr(type(doors.registry.contents), "server_time", lambda _: (AS_OF + timedelta(days=1),))
    assert plan_collection(graph, policy, then).is_empty


def test_collection_that_was_killed_between_ledger_and_deletion_is_finished_by_the_next(
    doors: Doors, graph: str, make_decided_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kept(make_decided_run, doors, graph)
    with monkeypatch.context() as patch:
        patch.setattr(type(doors.registry.contents), "remove_trained", interrupted)
        with pytest.raises(KeyboardInterrupt):
            collect(graph, STRICT, who="cron", reason="routine", doors=later(doors))
    assert doors.registry.contents.runs(graph)[0].has_model
    collect(graph, STRICT, who="cron", reason="again", doors=later(doors))
    assert not doors.registry.contents.runs(graph)[0].has_model
    assert len([item for item in doors.ledger.entries(graph) if isinstance(item, RegistryCollected)]) == 2
    assert not folder.path.exists()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_run_that_awaits_a_person_keeps_everything(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    folder = make_decided_run(doors, graph)
    nominate(folder, doors=doors)
    plan = collect(graph, STRICT, who="ann", reason="routine", doors=later(doors))
    assert plan.is_empty
    assert "its run awaits a person" in plan.folders[folder.name].reasons
    assert folder.path.is_dir()


def test_folder_of_another_graph_is_left_alone(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    folder = make_decided_run(doors, graph)
    register.run(folder, Params(), doors=doors)
    other = folder.path.with_name(f"{graph}-other-20200101T000000Z")
    other.mkdir()
    os.utime(other, (0, 0))
    collect(graph, STRICT, who="ann", reason="routine", doors=later(doors))
    assert other.is_dir()
    assert not folder.path.exists()


def test_nothing_is_collected_on_the_word_of_another_mlflow(doors: Doors, graph: str) -> None:
    doors.ledger.append(
        NightEntry(
            graph=graph, run_name=f"{graph}-1", as_of=AS_OF, at=AS_OF, outcome="kept", reason="r", completed=True
        )
    )
    with pytest.raises(InvalidInput, match=r"knows no run of it\. Nothing was collected\. Set MLFLOW_TRACKING_URI"):
        collect(graph, STRICT, who="ann", reason="routine", doors=doors)
