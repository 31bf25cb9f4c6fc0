from __future__ import annotations

from mlflow.tracking import MlflowClient

from pipeline.ledger.alias_history import AliasState
from pipeline.registry.model_registry import ModelRegistry


def test_graph_without_a_model_has_no_alias(tracking_uri: str, graph: str) -> None:
    registry = ModelRegistry(tracking_uri)
    assert registry.aliases.of(graph) == {}
    state = registry.aliases.state(graph)
    assert (state.made_at, state.versions, state.num_entries) == (None, {}, None)
    assert set(state.aliases.values()) == {AliasState(None, None)}


def test_alias_and_when_it_was_settled_come_back(tracking_uri: str, graph: str) -> None:
    registry, client = ModelRegistry(tracking_uri), MlflowClient(tracking_uri)
    made = client.create_registered_model(graph)
    client.create_model_version(graph, source="file:///nowhere")
    client.create_model_version(graph, source="file:///nowhere", tags={"ncnc.run_key": "3" * 64})
    registry.aliases.point(graph, "champion", 1)
    registry.aliases.mark_settled(graph, "champion", 3)
    registry.aliases.mark_settled(graph, "champion", 4)
    registry.aliases.mark_entries(graph, 7)
    state = registry.aliases.state(graph)
    assert state.aliases["champion"] == AliasState(1, 4)
    assert (state.versions, state.num_entries) == ({1: None, 2: "3" * 64}, 7)
    assert state.made_at is not None
    assert round(state.made_at.timestamp() * 1000) == made.creation_timestamp
    registry.aliases.point(graph, "champion", None)
    assert registry.aliases.state(graph).aliases["champion"] == AliasState(None, 4)


def test_address_of_the_server_is_told_without_its_password(tracking_uri: str, graph: str) -> None:
    registry = ModelRegistry(tracking_uri.replace("sqlite:///", "sqlite://ann:secret@/"))
    registry.server.__dict__["client"] = MlflowClient(tracking_uri)
    assert registry.aliases.state(graph).where == tracking_uri
