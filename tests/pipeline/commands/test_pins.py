from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pipeline.doors import Doors
from pipeline.ledger.entries import NightEntry
from pipeline.params.params import Params
from pipeline.runs.folder import RunFolder
from pipeline.steps import register
from tests.pipeline.conftest import AS_OF

Call = Callable[..., tuple[int, dict[str, object]]]


def test_pinned_champion_stays_while_nights_go_on_and_say_by_whom(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder], call: Call
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    where = ("--graph", graph, "--who", "ann", "--reason", "complaints")
    assert call("registry", "pin", "7", *where)[0] == 2  # not the champion
    code, said = call("registry", "pin", "1", *where, "--until", "2999-01-01")
    assert (code, said["pinned"], said["until"]) == (0, 1, "2999-01-01T00:00:00+00:00")
    better = make_decided_run(doors, graph, as_of=AS_OF + timedelta(days=1), run_key="4" * 64, champion_version=1)
    run_dir = str(better.path)

    code, said = call("register", "--run-dir", run_dir)
    assert code == 99
    assert "version 1 is pinned as champion by ann until 2999-01-01 00:00 UTC: complaints. The gate" in str(said)
    [night] = [item for item in doors.ledger.entries(graph) if isinstance(item, NightEntry)][1:]
    assert (night.outcome, night.version) == ("kept", None)
    assert night.reason.startswith("version 1 is pinned as champion by ann")
    assert [item.version for item in doors.registry.contents.versions(graph)] == [1]
    assert call("promote", "--run-dir", run_dir, "--reason", "all the same")[0] == 2
    assert call("promote", "--run-dir", run_dir, "--reason", "all the same", "--override")[0] == 2
    assert call("registry", "resume", *where)[0] == 2  # it is not paused
    [stopped] = call("status", "--graph", graph)[1]["stopped"]  # type: ignore[misc]
    assert str(stopped).startswith("Version 1 is pinned as champion by ann")

    assert call("registry", "unpin", *where)[0] == 0
    assert call("status", "--graph", graph)[1]["stopped"] == []
    assert call("promote", "--run-dir", run_dir, "--reason", "it is better")[0] == 0
    assert doors.registry.aliases.of(graph)["champion"] == 2


def test_pause_holds_a_night_that_would_be_put_before_a_person_and_no_rollback(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder], call: Call
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    second = make_decided_run(doors, graph, as_of=AS_OF + timedelta(days=1), run_key="4" * 64, champion_version=1)
    register.run(second, Params(), doors=doors)
    assert call("registry", "pause", "--graph", graph, "--reason", "backup", "--who", "ann")[0] == 0
    third = make_decided_run(doors, graph, as_of=AS_OF + timedelta(days=2), run_key="5" * 64, champion_version=2)
    assert call("nominate", "--run-dir", str(third.path))[0] == 99
    assert call("rollback", "--graph", graph, "--to", "1", "--reason", "wrong")[0] == 0
    last = call("registry", "history", "--graph", graph, "--last", "2")[1]
    assert last["champion"] == 1
    nights = [item for item in doors.ledger.entries(graph) if isinstance(item, NightEntry)]
    assert (nights[-1].outcome, nights[-1].run_name) == ("kept", third.name)
    assert nights[-1].reason.startswith("promotions are paused by ann: backup. The gate: ")

    assert call("registry", "resume", "--graph", graph, "--reason", "backed up")[0] == 0
    assert call("registry", "pin", "1", "--graph", graph, "--reason", "complaints")[0] == 0
    assert call("rollback", "--graph", graph, "--to", "2", "--reason", "no")[0] == 2
    assert doors.registry.aliases.of(graph)["champion"] == 1
