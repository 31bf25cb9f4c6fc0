from __future__ import annotations

from collections.abc import Callable

from mlflow.tracking import MlflowClient

from pipeline.doors import Doors
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
