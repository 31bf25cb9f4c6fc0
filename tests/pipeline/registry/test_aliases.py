from __future__ import annotations

import pytest
from mlflow.tracking import MlflowClient

from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import AliasState
from pipeline.registry.model_registry import ModelRegistry


def test_graph_without_a_model_has_no_alias(tracking_uri: str, graph: str) -> None:
    registry = ModelRegistry(tracking_uri)
    assert registry.aliases.of(graph) == {}
    assert set(registry.aliases.states(graph).values()) == {AliasState(None, None)}


def test_alias_and_when_it_was_settled_come_back(tracking_uri: str, graph: str) -> None:
    registry, client = ModelRegistry(tracking_uri), MlflowClient(tracking_uri)
    client.create_registered_model(graph)
    client.create_model_version(graph, source="file:///nowhere")
    registry.aliases.point(graph, "champion", 1)
    registry.aliases.mark_settled(graph, "champion", 3)
    registry.aliases.mark_settled(graph, "champion", 4)
    assert registry.aliases.states(graph)["champion"] == AliasState(1, 4)
    registry.aliases.point(graph, "champion", None)
    assert registry.aliases.states(graph)["champion"] == AliasState(None, 4)


def test_version_that_is_not_there_is_no_target(tracking_uri: str, graph: str) -> None:
    MlflowClient(tracking_uri).create_registered_model(graph)
    with pytest.raises(InvalidInput, match=r"champion of .* at version 7.*ncnc rollback --graph"):
        ModelRegistry(tracking_uri).aliases.point(graph, "champion", 7)
