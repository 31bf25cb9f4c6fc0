"""The recommendations of many nodes: planned once, made shard by shard, published with a manifest."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pipeline.errors import TamperedRecord
from pipeline.recommend.folder import RecommendationFolder
from pipeline.recommend.plan import NODES_PER_SHARD, RecommendationPlan, nodes_digest, shard_size
from pipeline.recommend.shard import require_calibration, write_shard
from pipeline.registry.opened_model import OpenedModel, refused_as_input
from pipeline.runs.key import code_version

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchRequest:
    """What is asked for of each node: the best k of so many candidates (None: all), probabilities where a prior is."""

    k: int
    candidates_per_node: int | None
    prior: float | None = None
    nodes_per_shard: int = NODES_PER_SHARD


@dataclass(frozen=True)
class MadeBatch:
    """A complete batch: its plan, how many of its shards were made just now, and the digest of its manifest."""

    plan: RecommendationPlan
    made: int
    manifest_sha256: str


def make_batch(
    folder: RecommendationFolder,
    opened: OpenedModel,
    request: BatchRequest,
    nodes: Sequence[str] | None,
    *,
    workers: int,
) -> MadeBatch:
    """Plan a batch, make every shard, and publish it; shards that were made before are left as they are.

    Raises:
        InvalidInput: another request was planned here, a node is unknown, or the model gives no probabilities.
        TamperedRecord: the model or the code is not the one that was planned with.
    """
    plan = plan_batch(folder, opened, request, nodes)
    rows = [make_shard(folder, opened, shard, workers=workers) for shard in plan.shards]
    return MadeBatch(plan, sum(count is not None for count in rows), folder.publish())


def plan_batch(
    folder: RecommendationFolder,
    opened: OpenedModel,
    request: BatchRequest,
    nodes: Sequence[str] | None,
    *,
    any_model: bool = False,
) -> RecommendationPlan:
    """Fix what will be made, or go on with what was fixed here before; the model's version is fixed with it.

    Raises:
        InvalidInput: another request was planned here, a node is unknown, or the model gives no probabilities.
    """
    require_calibration(opened.model, request.prior)
    ids = None if nodes is None else _in_order(opened, nodes)
    count = opened.model.num_nodes if ids is None else len(ids)
    wanted = RecommendationPlan(
        model=opened.name,
        model_sha256=opened.sha256,
        code_version=code_version(),
        k=request.k,
        candidates_per_node=request.candidates_per_node,
        prior=request.prior,
        num_nodes=count,
        nodes_sha256=None if ids is None else nodes_digest(ids),
        shard_nodes=shard_size(count, request.nodes_per_shard),
    )
    folder.begin(wanted, ids, any_model=any_model)
    return folder.plan


def make_shard(folder: RecommendationFolder, opened: OpenedModel, shard: int, *, workers: int) -> int | None:
    """Make a shard and return how many rows it has; None where it was made before.

    Raises:
        TamperedRecord: the model is not the one that was planned with.
    """
    plan = folder.plan
    part = plan.nodes_of(shard)
    if folder.is_finished(shard):
        return None
    if opened.sha256 != plan.model_sha256 or code_version() != plan.code_version:
        raise TamperedRecord(
            f"{folder.path} was planned with {plan.model} (files {plan.model_sha256[:12]}, code "
            f"{plan.code_version[:12]}), and here are files {opened.sha256[:12]}, code {code_version()[:12]}. Restore "
            f"the model and the code, or plan again in another folder."
        )
    ids = folder.node_ids()
    model, started = opened.model, time.monotonic()
    nodes = torch.arange(model.num_nodes)[part] if ids is None else model.positions(ids[part])
    rows = folder.finish(shard, lambda path: write_shard(model, nodes, plan, path, workers=workers))
    logger.info("shard %d of %d: %d rows, seconds %.1f", shard, len(plan.shards), rows, time.monotonic() - started)
    return rows


def _in_order(opened: OpenedModel, nodes: Sequence[str]) -> list[int | str]:
    """Return the ids as the model has them, each once, in the order of its nodes."""
    with refused_as_input():
        positions = opened.model.positions([opened.node_id(one) for one in nodes])
    return [opened.model.node_ids[place] for place in positions.unique().tolist()]
