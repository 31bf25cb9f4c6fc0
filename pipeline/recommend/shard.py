"""One shard of a batch: the recommendations of some nodes as a Parquet file, written as they are found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.networks.scoring import evaluating
from ncnc_core.serving.ranked_links import RankedLinks, ranked_links, ranking_parts
from pipeline.errors import InvalidInput
from pipeline.recommend.plan import PLAN_KEY, RecommendationPlan


def write_shard(model: LinkModel, nodes: Tensor, plan: RecommendationPlan, path: Path, *, workers: int) -> int:
    """Write source, target, score, rank (and probability) of the nodes' best links, and return how many rows.

    The same plan gives the same bytes on the same kind of processor, with any number of workers. Memory: that of
    `ranked_links`, whatever the shard's size.

    Raises:
        InvalidInput: probabilities are asked for, and the model has no calibration.
    """
    require_calibration(model, plan.prior)
    adjacency, rows = model.adjacency, 0
    schema = _schema(model, plan)
    parts = ranking_parts(adjacency, nodes, candidates=plan.candidates_per_node, exclude_known=True)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer, _one_thread_each(), evaluating(model.network):
        found = ranked_links(
            lambda pairs: model.score_pairs(Positions(pairs)),
            adjacency,
            parts,
            plan.k,
            candidates=plan.candidates_per_node,
            exclude_known=True,
            workers=workers,
        )
        for links in found:
            rows += len(links.rank)
            writer.write_table(_table(model, links, plan, schema))
    return rows


def require_calibration(model: LinkModel, prior: float | None) -> None:
    """Refuse to make probabilities of what was never calibrated.

    Raises:
        InvalidInput: a prior is given, and the model has no calibration.
    """
    if prior is not None and model.calibration is None:
        raise InvalidInput(
            f"Probabilities at a prior of {prior} need a calibrated model, and this one has no calibration: it was "
            f"trained by hand, or by an older version. Leave out --probability, or use a version of a later night."
        )


def _schema(model: LinkModel, plan: RecommendationPlan) -> pa.Schema:
    kind = pa.string() if model.node_ids and isinstance(model.node_ids[0], str) else pa.int64()
    fields = [("source", kind), ("target", kind), ("score", pa.float32()), ("rank", pa.int32())]
    if plan.prior is not None:
        fields.append(("probability", pa.float32()))
    return pa.schema(fields, metadata={"ncnc.model": plan.model, PLAN_KEY: plan.sha256})


def _table(model: LinkModel, links: RankedLinks, plan: RecommendationPlan, schema: pa.Schema) -> pa.Table:
    columns = [
        [model.node_ids[place] for place in links.source.tolist()],
        [model.node_ids[place] for place in links.target.tolist()],
        links.score.numpy(force=True),
        links.rank.numpy(force=True).astype("int32"),
    ]
    if plan.prior is not None and model.calibration is not None:
        columns.append(model.calibration.probability(links.score, plan.prior).numpy(force=True))
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let torch use one thread a worker: it gains nothing of more here, and sums would depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
