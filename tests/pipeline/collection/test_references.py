from datetime import UTC, datetime

import pytest
from mlflow.tracking import MlflowClient

from pipeline.collection.references import references_from
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.ledger.alias_history import Move
from pipeline.ledger.entries import AliasEntry, NightEntry

AT = datetime(2026, 1, 2, tzinfo=UTC)


def register(doors: Doors, graph: str, tag: str) -> int:
    client = MlflowClient(doors.environment.tracking_uri)
    if not client.search_registered_models(f"name = '{graph}'"):
        client.create_registered_model(graph)
    return int(client.create_model_version(graph, source="file:///x", tags={"ncnc.snapshot_tag": tag}).version)


def night(graph: str, version: int, tag: str) -> NightEntry:
    return NightEntry(
        graph=graph, run_name=f"{graph}-{version}", as_of=AT, at=AT, outcome="promoted", reason="better",
        completed=True, snapshot_tag=tag, version=version,
    )  # fmt: skip


def alias(graph: str, version: int | None) -> AliasEntry:
    return AliasEntry(graph=graph, alias="champion", version=version, previous=None, at=AT, who="gate", why="better")


def test_graph_that_nobody_trained_on_is_referred_to_by_nobody(doors: Doors, graph: str) -> None:
    assert references_from(doors)([graph]) == {}


def test_versions_aliases_and_open_runs_are_told(doors: Doors, graph: str, run_name: str) -> None:
    for tag in ("snap/a", "snap/b"):
        register(doors, graph, tag)
    doors.aliases.move("champion", 2, Move(graph, "gate", "better", AT))
    run_id = doors.registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    MlflowClient(doors.environment.tracking_uri).set_tag(run_id, "ncnc.snapshot_tag", "snap/b")
    assert references_from(doors)([graph]) == {
        "snap/a": "version 1 was made from it",
        "snap/b": f"version 2 (champion) was made from it, run {run_name} has not ended",
    }


def test_alias_that_only_the_ledger_has_yet_is_told(doors: Doors, graph: str) -> None:
    for tag in ("snap/a", "snap/b"):
        register(doors, graph, tag)
    doors.aliases.move("champion", 1, Move(graph, "gate", "better", AT))
    moved = alias(graph, 2).model_copy(update={"previous": 1})
    for entry in (night(graph, 1, "snap/one"), night(graph, 2, "snap/two"), moved):
        doors.ledger.append(entry)
    assert references_from(doors)([graph]) == {
        "snap/a": "version 1 (champion) was made from it",
        "snap/b": "version 2 was made from it",
        "snap/two": "the ledger's champion was made from it",
    }


def test_registry_that_knows_less_than_the_ledger_is_not_believed(doors: Doors, graph: str) -> None:
    doors.ledger.append(alias(graph, 3))
    with pytest.raises(InvalidInput, match=r"has no registered model of this graph.*MLFLOW_TRACKING_URI"):
        references_from(doors)([graph])


def test_registry_of_others_that_has_a_model_of_this_name_is_not_believed(
    doors: Doors, graph: str, other_mlflow: Doors
) -> None:
    register(doors, graph, "snap/a")
    doors.aliases.move("champion", 1, Move(graph, "gate", "better", AT))
    register(other_mlflow, graph, "snap/of-staging")
    with pytest.raises(InvalidInput, match=r"was made on .*names another MLflow than the nights use"):
        references_from(other_mlflow)([graph])


def test_registry_that_does_not_answer_is_not_taken_for_an_empty_one(
    doors: Doors, graph: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    values = {**doors.environment.values, "MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}
    with pytest.raises(OutsideTrouble):
        references_from(Doors(Environment(values)))([graph])
