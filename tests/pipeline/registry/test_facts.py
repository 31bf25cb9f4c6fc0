from __future__ import annotations

import pytest
from mlflow.tracking import MlflowClient

from pipeline.registry.model_registry import ModelRegistry


@pytest.fixture
def registry(tracking_uri: str) -> ModelRegistry:
    return ModelRegistry(tracking_uri)


def bare_version(tracking_uri: str, graph: str) -> int:
    """Register a version as someone by hand would; no model behind it."""
    client = MlflowClient(tracking_uri)
    if not client.search_registered_models(f"name = '{graph}'"):
        client.create_registered_model(graph)
    return int(client.create_model_version(graph, source="file:///nowhere").version)


def test_version_says_what_it_is(registry: ModelRegistry, tracking_uri: str, graph: str) -> None:
    number = bare_version(tracking_uri, graph)
    registry.versions.tag(graph, number, {"ncnc.lineage_sha256": "7" * 64}, description="nightly")
    found = MlflowClient(tracking_uri).get_model_version(graph, str(number))
    assert found.tags["ncnc.lineage_sha256"] == "7" * 64
    assert found.description == "nightly"
