from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from embedded.batches import Batch, known_links, read_batches
from embedded.layout import Layout
from pipeline.recommend.plan import RecommendationPlan

PLAN = RecommendationPlan(
    model="demo@2",
    model_sha256="a" * 64,
    code_version="b" * 64,
    k=2,
    candidates_per_node=None,
    prior=None,
    num_nodes=3,
    nodes_sha256=None,
    shard_nodes=2,
)


def test_a_batch_counts_once_its_manifest_is_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for name in ("demo-1", "demo-2"):
        folder = layout.recommendations / name
        folder.mkdir(parents=True)
        PLAN.write(folder)
        for shard, rows in enumerate((4, 2)):
            pq.write_table(pa.table({"source": list(range(rows))}), folder / f"part-{shard:05d}.parquet")
    (layout.recommendations / "demo-2" / "SHA256SUMS").write_text("")
    (batch,) = read_batches(layout)
    assert (batch.folder.name, batch.model, batch.nodes, batch.links) == ("demo-2", "demo@2", 3, 6)


def test_a_stack_without_batches_has_none(tmp_path: Path) -> None:
    assert read_batches(Layout(tmp_path)) == []


def test_links_that_the_served_graph_has_are_counted(tmp_path: Path) -> None:
    pq.write_table(pa.table({"source": [10, 20, 40, 10], "target": [30, 10, 10, 40]}), tmp_path / "part-00000.parquet")
    path = {frozenset(pair) for pair in ((10, 20), (20, 30), (30, 40))}
    assert known_links(Batch(tmp_path, "demo@1", nodes=4, links=4), path) == 1
    assert known_links(Batch(tmp_path, "demo@1", nodes=4, links=4), set()) == 0
