from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.alias_history import Move
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.ledger_entries import RegistryCollected
from pipeline.nomination import nominate
from pipeline.params import Params
from pipeline.records import NightEntry, RegisteredModel
from pipeline.registry_collection import collect, plan_collection
from pipeline.registry_retention import RegistryPolicy
from pipeline.run_folder import RunFolder
from pipeline.steps import register
from tests.overtaken_runs import overtaken
from tests.pipeline.conftest import AS_OF

MakeRun = Callable[..., RunFolder]
STRICT = RegistryPolicy(keep_versions=1, keep_days=0, checkpoint_days=0, folder_days=0)


def later(doors: Doors) -> Doors:
    """The same doors on a day when everything is old."""
    return Doors(doors.environment, clock=lambda: datetime.now(UTC) + timedelta(days=400))


def test_collection_takes_what_nothing_speaks_for_and_enters_it(
    doors: Doors, graph: str, make_decided_run: MakeRun, tmp_path: Path
) -> None:
    first = make_decided_run(doors, graph)
    register.run(first, Params(), doors=doors)
    (tmp_path / "checkpoint").write_text("weights")
    doors.registry.put_file(first.require_mlflow_run(), tmp_path / "checkpoint", "checkpoint")
    lost = overtaken(make_decided_run, doors, graph, 3)
    third = make_decided_run(doors, graph, as_of=AS_OF.replace(day=4), run_key="5" * 64, champion_version=1)
    register.run(third, Params(), doors=doors)

    then = later(doors)
    plan = plan_collection(graph, STRICT, then)
    assert plan.going[0] == (2,)
    assert plan.versions[1].reasons == ("previous points at it", "was champion: an audit may ask for it")
    assert [plan.run_names[run_id] for run_id in plan.going[1]] == [first.name]
    assert set(plan.going[2]) == {first.name, lost.name, third.name}
    assert [item.version for item in doors.registry.versions(graph)] == [1, 2, 3]  # a plan deletes nothing
    assert first.path.is_dir()

    collect(graph, STRICT, who="ann", reason="routine", doors=then)
    assert [item.version for item in doors.registry.versions(graph)] == [1, 3]
    assert not any(folder.path.exists() for folder in (first, lost, third))
    assert not any(run.has_checkpoint for run in doors.registry.runs(graph))
    (entry,) = [item for item in doors.ledger.entries(graph) if isinstance(item, RegistryCollected)]
    assert (entry.versions, entry.checkpoints, entry.who, entry.reason) == ((2,), (first.name,), "ann", "routine")
    assert entry.policy == str(STRICT)
    assert collect(graph, STRICT, who="ann", reason="again", doors=then).is_empty
    with pytest.raises(InvalidInput, match=r"Version 2 of .* was collected"):
        doors.aliases.crown(2, Move(graph, "ann", "why not", AS_OF), instead_of=3)
    assert RunFolder(first.path, doors.registry).find(RegisteredModel) is not None  # fetched again by need


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
    with pytest.raises(InvalidInput, match=r"knows no run of it\. Nothing is collected.*set MLFLOW_TRACKING_URI"):
        collect(graph, STRICT, who="ann", reason="routine", doors=doors)
