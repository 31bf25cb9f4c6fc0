from __future__ import annotations

import json

import pytest

from pipeline.errors import InvalidInput
from pipeline.recommend.plan import MOST_SHARDS, RecommendationPlan, nodes_digest, nodes_text, shard_size


def plan(**changes: object) -> RecommendationPlan:
    values: dict[str, object] = {
        "model": "demo@3",
        "model_sha256": "a" * 64,
        "code_version": "b" * 64,
        "k": 20,
        "candidates_per_node": 100,
        "prior": None,
        "num_nodes": 25,
        "nodes_sha256": None,
        "shard_nodes": 10,
    }
    return RecommendationPlan.model_validate(values | changes)


def test_shards_cover_every_node_once() -> None:
    parts = [plan().nodes_of(shard) for shard in plan().shards]
    assert parts == [slice(0, 10), slice(10, 20), slice(20, 25)]
    with pytest.raises(InvalidInput, match=r"no shard 3: the plan has 3, of 10 nodes each\. Give a number from 0 to 2"):
        plan().nodes_of(3)


def test_a_large_graph_has_larger_shards_and_not_more_than_can_be_mapped() -> None:
    assert shard_size(26_475, 5_000) == 5_000
    assert plan(num_nodes=30_000_001, shard_nodes=shard_size(30_000_001, 5_000)).shards == range(MOST_SHARDS)


@pytest.mark.parametrize(("field", "value"), [("k", 10), ("candidates_per_node", None), ("model", "demo@4")])
def test_another_request_is_refused_by_the_field_that_differs(field: str, value: object) -> None:
    standing = getattr(plan(), field)
    message = rf"here was planned with {field} = {standing}, and now it is {value}.*or choose another folder"
    with pytest.raises(InvalidInput, match=message):
        plan().require_same_request(plan(**{field: value}), "here", any_model=False)


def test_a_run_that_began_goes_on_with_its_model_wherever_the_alias_points() -> None:
    plan().require_same_request(plan(model="demo@4", model_sha256="c" * 64), "here", any_model=True)


def test_the_nodes_asked_for_have_a_digest() -> None:
    assert json.loads(nodes_text([1, 2])) == [1, 2]
    assert nodes_digest([1, 2]) != nodes_digest([2, 1])
