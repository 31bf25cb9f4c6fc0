from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.alias_history import Move
from pipeline.ledger.entries import AliasEntry, NightEntry
from pipeline.params.params import Params
from pipeline.records.chain import LineageRecord, RegisteredModel
from pipeline.runs.folder import RunFolder
from pipeline.steps import register

SECOND_NIGHT = datetime(2026, 1, 3, tzinfo=UTC)
MakeRun = Callable[..., RunFolder]


def versions(doors: Doors, graph: str) -> list[int]:
    found = MlflowClient(doors.registry.server.tracking_uri).search_model_versions(f"name = '{graph}'")
    return sorted(int(item.version) for item in found)


def entries(doors: Doors, graph: str) -> list[tuple[str, int | None]]:
    """Return the ledger in short: the alias or outcome of each entry, and its version."""
    return [
        (item.alias if isinstance(item, AliasEntry) else item.outcome, item.version)
        for item in doors.ledger.entries(graph)
        if isinstance(item, AliasEntry | NightEntry)
    ]


def second_night(make_decided_run: MakeRun, doors: Doors, graph: str, *, champion: int | None = 1) -> RunFolder:
    return make_decided_run(doors, graph, as_of=SECOND_NIGHT, run_key="4" * 64, champion_version=champion)


class Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


class Killer:
    """Kills the process right after each distinct call through a door, once each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch, self.killed_after = monkeypatch, list[str]()

    def watch(self, owner: Any, name: str, describe: Callable[..., str]) -> None:
        original = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            call = f"{name} {describe(result, *args, **kwargs)}".strip()
            if call not in self.killed_after:
                self.killed_after.append(call)
                raise Killed
            return result

        self.monkeypatch.setattr(owner, name, watched)


def test_promoted_runs_become_champion_one_after_the_other(
    doors: Doors, graph: str, make_decided_run: MakeRun, tmp_path: Path
) -> None:
    first = register.run(make_decided_run(doors, graph), Params(), doors=doors)
    assert (first.version, first.previous_version) == (1, None)
    assert doors.registry.aliases.of(graph) == {"challenger": 1, "champion": 1}
    folder = second_night(make_decided_run, doors, graph)
    second = register.run(folder, Params(), doors=doors)
    assert (second.version, second.previous_version) == (2, 1)
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "champion": 2, "previous": 1}
    champion = doors.registry.versions.champion(graph)
    assert champion is not None
    assert champion.tags["ncnc.lineage_sha256"] == folder.get(LineageRecord).sha256
    assert champion.as_of == SECOND_NIGHT
    doors.registry.models.fetch(champion, tmp_path / "fetched")
    run = MlflowClient(doors.registry.server.tracking_uri).get_run(champion.run_id)
    assert (run.info.status, run.data.tags["ncnc.outcome"]) == ("FINISHED", "promoted")
    last = doors.ledger.last_completed(graph)
    assert last is not None
    assert (last.outcome, last.version, last.run_key, last.reason) == (
        "promoted",
        2,
        "4" * 64,
        "beats_floor: observed 0.5, needed 0.4",
    )


@pytest.mark.slow
def test_run_killed_after_every_single_call_ends_with_one_version_and_the_aliases_right(
    doors: Doors, graph: str, make_decided_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    folder, killer = second_night(make_decided_run, doors, graph), Killer(monkeypatch)
    killer.watch(doors.registry.models, "log", lambda *_, **__: "")
    killer.watch(doors.registry.versions, "create", lambda *_, **__: "")
    killer.watch(doors.registry.runs, "put_record", lambda *args: args[-1].file_name)
    killer.watch(doors.registry.versions, "tag", lambda *_, **__: "")
    killer.watch(doors.registry.server.client, "set_registered_model_alias", lambda *args: args[2])
    killer.watch(doors.registry.aliases, "mark_settled", lambda *args: args[2])
    killer.watch(doors.ledger, "append_made", lambda made, *_: " ".join(entry.kind for entry in made))
    killer.watch(doors.registry.runs, "close", lambda *_: "")
    for _ in itertools.count():
        try:
            register.run(folder, Params(), doors=doors)
            break
        except Killed:
            continue
    assert len(killer.killed_after) == 15, killer.killed_after
    assert versions(doors, graph) == [1, 2]
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "champion": 2, "previous": 1}
    assert entries(doors, graph) == [
        ("challenger", 1),
        ("champion", 1),
        ("promoted", 1),
        ("challenger", 2),
        ("previous", 1),
        ("champion", 2),
        ("promoted", 2),
    ]
    assert register.run(folder, Params(), doors=doors) == folder.get(RegisteredModel)


def test_another_machine_finishes_what_the_first_began(
    doors: Doors, graph: str, make_decided_run: MakeRun, tmp_path: Path
) -> None:
    folder = make_decided_run(doors, graph)
    first = register.run(folder, Params(), doors=doors)
    elsewhere = RunFolder(tmp_path / "elsewhere" / folder.name, doors.registry)
    assert register.run(elsewhere, Params(), doors=doors) == first
    assert versions(doors, graph) == [1]


def test_two_tries_of_one_run_at_once_make_one_version(
    doors: Doors, graph: str, make_decided_run: MakeRun, tmp_path: Path
) -> None:
    path = make_decided_run(doors, graph).path

    def attempt(number: int) -> RegisteredModel:
        own = Doors(doors.environment, clock=doors.clock)
        return register.run(RunFolder(tmp_path / str(number) / path.name, own.registry), Params(), doors=own)

    with ThreadPoolExecutor(max_workers=2) as pool:
        first, second = pool.map(attempt, (1, 2))
    assert first == second
    assert versions(doors, graph) == [first.version]
    assert doors.registry.aliases.of(graph) == {"challenger": first.version, "champion": first.version}


def test_rejected_model_is_not_registered(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    folder = make_decided_run(doors, graph, promote=False)
    with pytest.raises(NothingToDo, match=r"beats_floor: observed 0.5, needed 0.4"):
        register.run(folder, Params(), doors=doors)
    assert versions(doors, graph) == []
    assert entries(doors, graph) == []


def test_second_run_of_the_same_key_makes_no_version_and_says_whose_it_is(
    doors: Doors, graph: str, make_decided_run: MakeRun
) -> None:
    first = make_decided_run(doors, graph)
    register.run(first, Params(), doors=doors)
    second = make_decided_run(doors, graph, as_of=SECOND_NIGHT)
    with pytest.raises(NothingToDo, match=rf"Version 1 of {graph} already holds .* run {first.name} registered it"):
        register.run(second, Params(), doors=doors)
    assert versions(doors, graph) == [1]


def test_runs_that_died_with_one_key_do_not_stop_a_later_one(
    doors: Doors, graph: str, make_decided_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (3, 4, 5):
        killer = Killer(monkeypatch)
        killer.watch(doors.registry.models, "log", lambda *_, **__: "")
        with pytest.raises(Killed):
            register.run(make_decided_run(doors, graph, as_of=SECOND_NIGHT.replace(day=day)), Params(), doors=doors)
    later = make_decided_run(doors, graph, as_of=SECOND_NIGHT.replace(day=6))
    assert register.run(later, Params(), doors=doors).version == 1
    assert doors.registry.aliases.of(graph)["champion"] == 1


def test_decision_against_a_replaced_champion_promotes_nothing(
    doors: Doors, graph: str, make_decided_run: MakeRun
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    late = second_night(make_decided_run, doors, graph, champion=None)
    with pytest.raises(InvalidInput, match=r"with champion None, but the champion is now 1.*Nothing was promoted"):
        register.run(late, Params(), doors=doors)
    assert doors.registry.aliases.of(graph) == {"challenger": 1, "champion": 1}


def test_late_retry_does_not_undo_a_rollback(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    folder = second_night(make_decided_run, doors, graph)
    register.run(folder, Params(), doors=doors)
    doors.aliases.move("champion", 1, Move(graph, "a person", "it scores badly", SECOND_NIGHT))
    register.run(folder, Params(), doors=doors)
    assert doors.registry.aliases.of(graph)["champion"] == 1
    nights = [item for item in doors.ledger.entries(graph) if isinstance(item, NightEntry)]
    assert len(nights) == 2
