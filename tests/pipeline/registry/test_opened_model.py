from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput
from pipeline.records.digests import digests_of_folder, folder_digest
from pipeline.registry.model_registry import ModelRegistry
from pipeline.registry.opened_model import opened_model
from tests.fixtures.registered_model import register


def no_registry() -> ModelRegistry:
    raise AssertionError("a folder needs no registry")


def test_a_folder_is_opened_without_a_registry(make_model: Callable[..., Path]) -> None:
    folder = make_model()
    opened = opened_model(str(folder), no_registry)
    assert opened.name == str(folder)
    assert opened.sha256 == folder_digest(digests_of_folder(folder))
    assert opened.node_id("10") == 10
    with pytest.raises(InvalidInput, match=r"whole numbers, not 'anna'; for example 10\. Correct the id"):
        opened.node_id("anna")


def test_an_alias_opens_the_version_it_points_at_under_that_versions_name(
    make_model: Callable[..., Path], tracking_uri: str, graph: str
) -> None:
    registry, folder = ModelRegistry(tracking_uri), make_model(["anna", "bert", "carl", "dora"])
    register(registry, graph, folder)
    opened = opened_model(f"{graph}@champion", lambda: registry)
    assert opened.name == f"{graph}@1"
    assert opened.sha256 == opened_model(str(folder), no_registry).sha256
    assert opened.node_id("10") == "10"


def test_a_name_without_a_version_is_refused_with_an_example() -> None:
    with pytest.raises(InvalidInput, match=r"not 'nowhere'\. For example nowhere@champion"):
        opened_model("nowhere", no_registry)
