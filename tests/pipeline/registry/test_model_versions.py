from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from pandas import DataFrame

from pipeline.errors import InvalidInput
from pipeline.records.digests import digests_of_folder
from pipeline.registry.facts import version_tags
from pipeline.registry.model_registry import ModelRegistry

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
PAIRS = DataFrame({"source": [10, 20], "target": [40, 30]})


@pytest.fixture
def registry(tracking_uri: str) -> ModelRegistry:
    return ModelRegistry(tracking_uri)


@pytest.fixture
def make_version(
    registry: ModelRegistry, graph: str, run_name: str, make_model: Callable[..., Path]
) -> Callable[..., int]:
    """Return a maker of registered versions of an untrained model."""

    def make(run_key: str, above: int = 0) -> int:
        folder = make_model()
        run_id = registry.runs.open(graph, run_name, run_key="3" * 64, params={})
        tags = version_tags(
            run_key=run_key, run_name=run_name, as_of=AS_OF, snapshot_tag="snap/x", files=digests_of_folder(folder)
        )
        model_id = registry.models.log(run_id, folder, input_example=PAIRS)
        return registry.versions.create(graph, run_id, model_id, tags, above=above)

    return make


def bare_version(tracking_uri: str, graph: str) -> int:
    """Register a version as someone by hand would; no model behind it."""
    client = MlflowClient(tracking_uri)
    if not client.search_registered_models(f"name = '{graph}'"):
        client.create_registered_model(graph)
    return int(client.create_model_version(graph, source="file:///nowhere").version)


def test_version_comes_back_as_it_was_registered(
    registry: ModelRegistry, graph: str, run_name: str, make_version: Callable[..., int], tmp_path: Path
) -> None:
    assert registry.versions.of_run_key(graph, "5" * 64) is None
    number = make_version("5" * 64)
    found = registry.versions.get(graph, number)
    assert (found.name, found.version, found.run_key, found.run_name) == (graph, 1, "5" * 64, run_name)
    assert found.as_of == AS_OF
    assert registry.versions.of_run_key(graph, "5" * 64) == found
    assert registry.versions.of_run_key(graph, "6" * 64) is None
    assert digests_of_folder(registry.models.fetch(found, tmp_path / "fetched")) == found.files


def test_second_version_of_a_run_key_is_deleted_by_its_maker(
    registry: ModelRegistry, tracking_uri: str, graph: str, make_version: Callable[..., int]
) -> None:
    assert make_version("5" * 64) == 1
    assert make_version("5" * 64) == 1
    assert make_version("6" * 64) == 3
    assert [item.version for item in registry.contents.versions(graph)] == [1, 3]
    experiment = MlflowClient(tracking_uri).get_experiment_by_name(graph).experiment_id
    models = MlflowClient(tracking_uri).search_logged_models([experiment])
    assert {item.model_id for item in models} == {registry.versions.get(graph, number).model_id for number in (1, 3)}


def test_version_that_a_killed_try_left_beside_the_first_is_swept_away(
    registry: ModelRegistry, tracking_uri: str, graph: str, make_version: Callable[..., int]
) -> None:
    first = registry.versions.get(graph, make_version("5" * 64))
    # What a try leaves that is killed between making its version and looking for others.
    MlflowClient(tracking_uri).create_model_version(graph, source="file:///nowhere", tags=dict(first.tags))
    assert [item.version for item in registry.contents.versions(graph)] == [1, 2]
    assert registry.versions.sole_of_run_key(graph, "5" * 64) == first
    assert [item.version for item in registry.contents.versions(graph)] == [1]
    registry.models.observe(first.model_id)  # the model they share stays


def test_graph_without_a_model_has_no_champion(registry: ModelRegistry, graph: str) -> None:
    assert registry.versions.champion(graph) is None


def test_missing_version_and_version_made_by_hand_say_what_to_do(
    registry: ModelRegistry, tracking_uri: str, graph: str
) -> None:
    number = bare_version(tracking_uri, graph)
    with pytest.raises(InvalidInput, match=r"no version 99 of .*ncnc registry show"):
        registry.versions.get(graph, 99)
    with pytest.raises(
        InvalidInput, match=r"not registered by this pipeline.*ncnc\.as_of.*ncnc registry show.*ncnc rollback --graph"
    ):
        registry.versions.get(graph, number)


def test_version_is_found_by_number_and_by_alias(
    registry: ModelRegistry, graph: str, make_version: Callable[..., int]
) -> None:
    number = make_version("5" * 64)
    registry.aliases.point(graph, "champion", number)
    assert (
        registry.versions.named(graph, "champion")
        == registry.versions.named(graph, "1")
        == registry.versions.named(graph, number)
    )
    with pytest.raises(InvalidInput, match=r"no alias 'previous'; it has: champion \(version 1\)\. Name one of these"):
        registry.versions.named(graph, "previous")


def test_number_that_the_ledger_knows_is_never_given_again(
    registry: ModelRegistry, graph: str, make_version: Callable[..., int], tracking_uri: str
) -> None:
    assert make_version("5" * 64) == 1
    MlflowClient(tracking_uri).delete_registered_model(graph)
    assert make_version("6" * 64, above=3) == 4
    assert make_version("7" * 64, above=4) == 5
    assert [item.version for item in registry.contents.versions(graph)] == [4, 5]
