from __future__ import annotations

import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow.tracking import MlflowClient

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.recommend.folder import RecommendationFolder, SharedRun, shard_file
from pipeline.recommend.plan import RecommendationPlan, nodes_digest
from pipeline.records.manifest import MANIFEST
from pipeline.registry.model_registry import ModelRegistry

IDS: list[int | str] = [10, 20, 30, 40, 50]
PLAN = RecommendationPlan(
    model="demo@3", model_sha256="a" * 64, code_version="b" * 64, k=3, candidates_per_node=6, prior=None,
    num_nodes=5, nodes_sha256=nodes_digest(IDS), shard_nodes=2,
)  # fmt: skip


def writer(shard: int, plan: RecommendationPlan = PLAN):  # type: ignore[no-untyped-def]
    """Return what writes a stand-in for a shard."""

    def write(path: Path) -> int:
        table = pa.table({"source": [shard]}).replace_schema_metadata({"ncnc.plan_sha256": plan.sha256})
        pq.write_table(table, path)
        return 1

    return write


def begun(path: Path) -> RecommendationFolder:
    folder = RecommendationFolder(path / "out")
    folder.begin(PLAN, IDS, any_model=False)
    return folder


def test_a_folder_with_all_shards_is_published_and_read_with_sha256sum_alone(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    for shard in PLAN.shards:
        assert not folder.is_finished(shard)
        assert folder.finish(shard, writer(shard)) == 1
        assert folder.is_finished(shard)
    (folder.path / ".part-00000.parquet.of-a-killed-try.partial").write_text("half")
    digest = folder.publish()
    assert sorted(path.name for path in folder.path.iterdir()) == sorted(
        [MANIFEST, "nodes.json", "recommendation_plan.json", *map(shard_file, PLAN.shards)]
    )
    check = subprocess.run(["sha256sum", "-c", "--quiet", MANIFEST], cwd=folder.path, check=False)
    assert check.returncode == 0
    assert all(folder.is_finished(shard) for shard in PLAN.shards)  # now by the manifest
    assert folder.publish() == digest


def test_a_missing_shard_is_named_and_nothing_is_published(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    folder.finish(0, writer(0))
    with pytest.raises(
        InvalidInput, match=r"2 of 3 shards .* missing \(first: 1\)\. Run `ncnc recommend-shard --shard 1`"
    ):
        folder.publish()
    assert not (folder.path / MANIFEST).exists()


def cut_short(folder: RecommendationFolder) -> None:
    path = folder.path / shard_file(0)
    path.write_bytes(path.read_bytes()[:-1])


def without_digest(folder: RecommendationFolder) -> None:
    (folder.path / f"{shard_file(0)}.sha256").unlink()


def of_another_plan(folder: RecommendationFolder) -> None:
    folder.finish(0, writer(0, PLAN.model_copy(update={"model_sha256": "c" * 64})))


@pytest.mark.parametrize("fault", [cut_short, without_digest, of_another_plan])
def test_a_shard_that_is_not_whole_or_not_this_plans_is_made_again(tmp_path: Path, fault) -> None:  # type: ignore[no-untyped-def]
    folder = begun(tmp_path)
    folder.finish(0, writer(0))
    fault(folder)
    assert not folder.is_finished(0)
    folder.finish(0, writer(0))
    assert folder.is_finished(0)


def test_a_try_that_fails_leaves_no_file(tmp_path: Path) -> None:
    folder = begun(tmp_path)

    def fails(path: Path) -> int:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        folder.finish(0, fails)
    assert sorted(path.name for path in folder.path.iterdir()) == ["nodes.json", "recommendation_plan.json"]


def test_another_request_is_refused_where_one_stands(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    folder.begin(PLAN, IDS, any_model=False)
    with pytest.raises(InvalidInput, match=r"planned with k = 3, and now it is 4"):
        folder.begin(PLAN.model_copy(update={"k": 4}), IDS, any_model=True)


def test_without_a_plan_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no recommendation_plan\.json\. Run `ncnc recommend-plan` first"):
        RecommendationFolder(tmp_path).plan  # noqa: B018


def test_a_changed_list_of_nodes_is_refused(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    assert folder.node_ids() == IDS
    (folder.path / "nodes.json").write_text("[10, 20]\n")
    with pytest.raises(TamperedRecord, match=r"not the list of nodes that was planned .* plan again in another folder"):
        folder.node_ids()


def test_machines_without_a_common_disk_see_each_others_plan_nodes_and_shards(
    tmp_path: Path, tracking_uri: str, graph: str
) -> None:
    def machine(name: str) -> RecommendationFolder:
        shared = SharedRun.of(ModelRegistry(tracking_uri), graph, f"{graph}-20260102T000000Z")
        return RecommendationFolder(tmp_path / name, shared)

    first, second = machine("first"), machine("second")
    assert second.find_plan() is None
    first.begin(PLAN, IDS, any_model=True)
    first.finish(0, writer(0))
    assert second.plan == PLAN
    assert second.node_ids() == IDS
    for name in ("nodes.json", RecommendationPlan.file_name):
        (second.path / name).write_text("cut sho")
    assert second.plan == PLAN
    assert second.node_ids() == IDS
    assert second.is_finished(0)
    assert not second.is_finished(1)
    for shard in (1, 2):
        second.finish(shard, writer(shard))
    assert machine("third").publish() == first.publish() == second.publish()
    found = MlflowClient(tracking_uri).get_run(machine("fourth").shared.run_id)  # type: ignore[union-attr]
    assert (found.info.status, found.data.tags["ncnc.outcome"]) == ("FINISHED", "published")
