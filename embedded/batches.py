"""The batches of recommendations that the demo's promotions made, read from their files."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from embedded.layout import Layout
from pipeline.doors import Doors
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.recommend.plan import RecommendationPlan

COMPLETE = "SHA256SUMS"  # written last


@dataclass(frozen=True)
class Batch:
    """One complete batch: which model's, for how many nodes, and how many links."""

    folder: Path
    model: str
    nodes: int
    links: int


def read_batches(layout: Layout) -> list[Batch]:
    """Return every complete batch of a stack, the oldest first."""
    return [_read(path.parent) for path in sorted(layout.recommendations.glob(f"*/{COMPLETE}"))]


def served_edges(batch: Batch, doors: Doors) -> set[frozenset[object]]:
    """Return the edges of the snapshot whose graph a batch's version serves, as pairs of ids."""
    graph, _, number = batch.model.partition("@")
    tag = doors.registry.versions.get(graph, int(number)).snapshot_tag
    with tempfile.TemporaryDirectory() as scratch:
        tables = read_graph(doors.snapshots.fetch(tag, Path(scratch) / "snapshot")).tables
    return {frozenset(pair) for pair in tables.node_ids[tables.edges[:, tables.living]].T.tolist()}


def known_links(batch: Batch, edges: set[frozenset[object]]) -> int:
    """Return how many links of a batch are among some edges; of the graph that its version serves there are none."""
    held = 0
    for part in batch.folder.glob("part-*.parquet"):
        links = pq.read_table(part, columns=["source", "target"]).to_pydict()
        held += sum(frozenset(pair) in edges for pair in zip(links["source"], links["target"], strict=True))
    return held


def _read(folder: Path) -> Batch:
    plan = RecommendationPlan.read(folder)
    links = sum(pq.read_metadata(part).num_rows for part in folder.glob("part-*.parquet"))
    return Batch(folder, plan.model, plan.num_nodes, links)
