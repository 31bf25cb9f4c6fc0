from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.recommend.batch import BatchRequest, make_batch, make_shard, plan_batch
from pipeline.recommend.folder import RecommendationFolder, shard_file
from pipeline.records.digests import sha256_of_file
from pipeline.registry.model_registry import ModelRegistry
from pipeline.registry.opened_model import OpenedModel, opened_model

REQUEST = BatchRequest(k=2, candidates_per_node=None, nodes_per_shard=3)


def no_registry() -> ModelRegistry:
    raise AssertionError("a folder needs no registry")


@pytest.fixture
def opened(make_model: Callable[..., Path]) -> OpenedModel:
    return opened_model(str(make_model([10, 20, 30, 40, 50, 60, 70, 80])), no_registry)


def test_every_node_has_its_links_in_the_shard_that_holds_it(opened: OpenedModel, tmp_path: Path) -> None:
    folder = RecommendationFolder(tmp_path / "out")
    plan = plan_batch(folder, opened, REQUEST, None)
    assert list(plan.shards) == [0, 1, 2]
    assert [make_shard(folder, opened, shard, workers=1) for shard in plan.shards] == [6, 6, 4]
    assert [make_shard(folder, opened, shard, workers=1) for shard in plan.shards] == [None, None, None]
    sources = [pq.read_table(folder.path / shard_file(shard))["source"].to_pylist() for shard in plan.shards]
    assert sources == [[10, 10, 20, 20, 30, 30], [40, 40, 50, 50, 60, 60], [70, 70, 80, 80]]


def test_a_batch_is_made_and_published_in_one_go_and_goes_on_where_it_stood(
    opened: OpenedModel, tmp_path: Path
) -> None:
    folder = RecommendationFolder(tmp_path / "out")
    plan_batch(folder, opened, REQUEST, None)
    make_shard(folder, opened, 1, workers=1)
    batch = make_batch(folder, opened, REQUEST, None, workers=1)
    assert (batch.made, batch.plan) == (2, folder.plan)
    assert batch.manifest_sha256 == sha256_of_file(folder.path / "SHA256SUMS")


def test_chosen_nodes_are_made_once_each_in_the_models_order(opened: OpenedModel, tmp_path: Path) -> None:
    folder = RecommendationFolder(tmp_path / "out")
    plan = plan_batch(folder, opened, REQUEST, ["70", "20", "70"])
    assert plan.num_nodes == 2
    assert folder.node_ids() == [20, 70]
    assert make_shard(folder, opened, 0, workers=1) == 4
    assert pq.read_table(folder.path / shard_file(0))["source"].to_pylist() == [20, 20, 70, 70]


def test_unknown_nodes_and_missing_calibration_are_refused_before_anything_is_planned(
    opened: OpenedModel, tmp_path: Path
) -> None:
    folder = RecommendationFolder(tmp_path / "out")
    with pytest.raises(InvalidInput, match=r"1 of 2 node ids are unknown to the model \(first: 99\)"):
        plan_batch(folder, opened, REQUEST, ["20", "99"])
    with pytest.raises(InvalidInput, match=r"prior of 0\.5 need a calibrated model"):
        plan_batch(folder, opened, replace(REQUEST, prior=0.5), None)
    assert not folder.path.exists()


def test_a_shard_of_another_model_or_code_is_refused(
    opened: OpenedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RecommendationFolder(tmp_path / "out")
    plan_batch(folder, opened, REQUEST, None)
    with pytest.raises(TamperedRecord, match=r"here are files dddddddddddd.*plan again in another folder"):
        make_shard(folder, replace(opened, sha256="d" * 64), 0, workers=1)
    monkeypatch.setattr("pipeline.recommend.batch.code_version", lambda: "e" * 64)
    with pytest.raises(TamperedRecord, match=r"code eeeeeeeeeeee\. Restore the model and the code"):
        make_shard(folder, opened, 0, workers=1)
