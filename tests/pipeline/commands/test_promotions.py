from __future__ import annotations

from collections.abc import Callable

import pytest
import typer.testing

from pipeline.cli import app
from pipeline.doors import Doors
from pipeline.ledger.entries import ApprovalEntry
from pipeline.report.index_publishing import publish_index
from pipeline.runs.folder import RunFolder
from tests.fixtures.overtaken_runs import overtaken
from tests.pipeline.conftest import AS_OF

MakeRun = Callable[..., RunFolder]
Call = Callable[..., tuple[int, dict[str, object]]]


def test_night_with_a_person_from_nomination_to_rollback(
    doors: Doors, graph: str, make_decided_run: MakeRun, call: Call
) -> None:
    first, second = (
        make_decided_run(doors, graph),
        make_decided_run(doors, graph, as_of=AS_OF.replace(day=3), run_key="4" * 64, champion_version=1),
    )
    assert call("nominate", "--run-dir", str(first.path))[1]["outcome"] == "awaiting"
    assert call("register", "--run-dir", str(first.path))[0] == 99  # not without an answer
    answered = ("--answer=Approve", "--by=ann", "--at=2026-01-02 03:00:00.5+00:00", "--why=fine")
    assert call("register", "--run-dir", str(first.path), *answered)[0] == 0

    call("nominate", "--run-dir", str(second.path))
    index = publish_index(doors, graph).page
    assert call("reject", "--run-dir", str(second.path), "--reason", "too slow", "--who", "bob")[1]["who"] == "bob"
    assert "too slow" in index.read_text()
    assert call("promote", "--run-dir", str(second.path), "--reason", "no")[0] == 2
    promoted = call("promote", "--run-dir", str(second.path), "--reason", "we must", "--override")[1]
    assert promoted["champion"] == 2
    assert "rejected by bob" in str(promoted["overridden"])
    assert "we must" in index.read_text()
    code, line = call("rollback", "--graph", graph, "--to", "1", "--reason", "complaints", "--who", "")
    assert (code, line) == (0, {"graph": graph, "champion": 1, "previous": 2, "served": 1})  # there is no snapshot
    assert "complaints" in index.read_text()
    answers = [entry for entry in doors.ledger.entries(graph) if isinstance(entry, ApprovalEntry)]
    assert [entry.who for entry in answers[:2]] == ["ann", "bob"]
    assert answers[0].reason == "fine (in Airflow)"
    assert "@" in answers[2].who  # user@machine where nobody is named


def test_time_out_of_the_operator_is_entered_as_nobodys_rejection(
    doors: Doors, graph: str, make_decided_run: MakeRun, call: Call
) -> None:
    folder = make_decided_run(doors, graph)
    argv = ("register", "--run-dir", str(folder.path), "--answer=Reject", "--by=", "--at=2026-01-02T03:00:00+00:00")
    for _ in range(2):
        code, line = call(*argv)
        assert code == 99
        assert "rejected by nobody on 2026-01-02 03:00 UTC: no answer in time" in str(line["reason"])
    assert doors.registry.aliases.of(graph) == {}


def test_registered_version_is_promoted_by_its_number(
    doors: Doors, graph: str, make_decided_run: MakeRun, call: Call
) -> None:
    call("register", "--run-dir", str(make_decided_run(doors, graph).path))
    late = overtaken(make_decided_run, doors, graph, 3)
    winner = make_decided_run(doors, graph, as_of=AS_OF.replace(day=4), run_key="4" * 64, champion_version=1)
    call("register", "--run-dir", str(winner.path))
    argv = ("promote", "--graph", graph, "--version", "2", "--reason", "it was first", "--who", "ann")
    assert call(*argv)[0] == 2
    code, line = call(*argv, "--override")
    assert (code, line["run"], line["champion"]) == (0, late.name, 2)
    assert "compared it with champion 1" in str(line["overridden"])
    assert call(*argv, "--override")[0] == 99
    answers = [entry for entry in doors.ledger.entries(graph) if isinstance(entry, ApprovalEntry)]
    assert [(entry.run_name, entry.who, entry.reason) for entry in answers] == [(late.name, "ann", "it was first")]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ((), "was given neither"),
        (("--run-dir", "runs/x-1", "--version", "2"), "was given --run-dir runs/x-1 --version 2"),
        (("--run-dir", "runs/x-1", "--graph", "x"), "was given --run-dir runs/x-1 --graph x"),
        (("--version", "2"), "was given --version 2"),
        (("--graph", "x"), "was given --graph x"),
    ],
)
def test_promote_takes_a_run_or_a_version(doors: Doors, arguments: tuple[str, ...], given: str) -> None:
    argv = ["promote", "--reason", "why", *arguments]
    result = typer.testing.CliRunner().invoke(app, argv, standalone_mode=False, env=dict(doors.environment.values))
    assert f"{given}. Pass --run-dir RUN alone, or --graph GRAPH --version N." in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--answer=Approve",), "--answer and --at belong together"),
        (("--answer=Approve", "--by=ann", "--at=soon"), "not 'soon'. Correct it"),
        (("--answer=Yes", "--by=ann", "--at=2026-01-02"), "'Yes'. Pass --answer Approve"),
    ],
)
def test_answer_that_cannot_be_read_is_refused(doors: Doors, arguments: tuple[str, ...], message: str) -> None:
    argv = ["register", "--run-dir", "runs/x-1", *arguments]
    result = typer.testing.CliRunner().invoke(app, argv, standalone_mode=False, env=dict(doors.environment.values))
    assert message in str(result.exception)


def test_reason_of_blanks_is_no_reason(doors: Doors, graph: str) -> None:
    argv = ["rollback", "--graph", graph, "--to", "1", "--reason", "  "]
    result = typer.testing.CliRunner().invoke(app, argv, standalone_mode=False, env=dict(doors.environment.values))
    assert "--reason is '  '. Say in a few words why" in str(result.exception)
