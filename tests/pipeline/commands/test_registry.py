from __future__ import annotations

from collections.abc import Callable, Mapping

from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.doors import Doors
from pipeline.errors import StepError
from pipeline.params.params import Params
from pipeline.promotion.nomination import nominate
from pipeline.runs.folder import RunFolder
from pipeline.steps import register
from tests.pipeline.conftest import AS_OF

Call = Callable[..., tuple[int, dict[str, object]]]


def test_registry_is_shown_told_and_collected(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder], call: Call
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    waiting = make_decided_run(doors, graph, as_of=AS_OF.replace(day=3), run_key="4" * 64, champion_version=1)
    nominate(waiting, doors=doors)
    code, shown = call("registry", "show", "--graph", graph)
    assert code == 0
    assert shown == {
        "graph": graph,
        "versions": [1],
        "aliases": {"challenger": 1, "champion": 1},
        "ledger": {"challenger": 1, "champion": 1},
        "agree": True,
        "weights": {"1": 1},
        "awaiting": [waiting.name],
    }
    MlflowClient(doors.environment.tracking_uri).delete_registered_model_alias(graph, "champion")
    assert call("registry", "show", "--graph", graph)[1]["agree"] is False
    assert call("registry", "history", "--graph", graph, "--last", "1")[1] == {
        "graph": graph,
        "events": 2,  # the promotion with its night, and the night that waits
        "champion": 1,
    }
    code, planned = call("registry", "gc", "--graph", graph, "--keep-versions", "1", "--folder-days", "0")
    assert (code, planned["applied"], planned["versions"]) == (0, False, [])
    assert call("registry", "gc", "--graph", graph, "--apply")[1]["applied"] is True
    last = call("registry", "history", "--graph", graph)[1]  # the collection looked, and saw the alias gone
    assert (last["events"], last["champion"]) == (3, None)


def test_command_with_a_wrong_mlflow_writes_nothing_and_the_doctor_says_what_is_wrong(
    doors: Doors, other_mlflow: Doors, graph: str, make_decided_run: Callable[..., RunFolder], call: Call
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    second = make_decided_run(doors, graph, as_of=AS_OF.replace(day=3), run_key="4" * 64, champion_version=1)
    register.run(second, Params(), doors=doors)
    entries, aliases = doors.ledger.entries(graph), doors.registry.aliases.of(graph)
    wrong = other_mlflow.environment.values
    rollback = ("rollback", "--graph", graph, "--to", "1", "--reason", "complaints")
    assert invoked(wrong, *rollback) == 2
    assert invoked(wrong, "registry", "doctor", "--graph", graph) == 2
    assert invoked(wrong, "registry", "doctor", "--graph", graph, "--adopt", "--reason", "to see") == 2
    assert (doors.ledger.entries(graph), doors.registry.aliases.of(graph)) == (entries, aliases)
    assert call(*rollback)[0] == 0  # with the right one
    assert doors.registry.aliases.of(graph)["champion"] == 1
    assert call("registry", "doctor", "--graph", graph, "--apply")[0] == 2


def test_doctor_lets_the_ledger_follow_a_registry_that_lost_its_model(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder], call: Call
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    MlflowClient(doors.environment.tracking_uri).delete_registered_model(graph)
    code, said = call("registry", "doctor", "--graph", graph)
    assert (code, said["served"], said["champion"], said["agree"]) == (2, None, 1, False)
    reason = ("--reason", "somebody deleted the model", "--who", "ann")
    assert call("registry", "doctor", "--graph", graph, "--adopt", *reason)[0] == 2
    assert call("status", "--graph", graph)[1]["stopped"] != []
    call("registry", "doctor", "--graph", graph, "--adopt", *reason, "--apply")
    assert call("status", "--graph", graph)[1]["stopped"] == []
    assert call("registry", "history", "--graph", graph, "--last", "1")[1]["champion"] is None


def invoked(values: Mapping[str, str], *argv: str) -> int:
    result = CliRunner().invoke(app, list(argv), standalone_mode=False, env=dict(values))
    assert isinstance(result.exception, StepError)
    return result.exception.exit_code
