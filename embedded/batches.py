"""The batches of recommendations that the demo's promotions made, read from their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from embedded.layout import Layout
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


def _read(folder: Path) -> Batch:
    plan = RecommendationPlan.read(folder)
    links = sum(pq.read_metadata(part).num_rows for part in folder.glob("part-*.parquet"))
    return Batch(folder, plan.model, plan.num_nodes, links)
