"""Nights of which the truth is known: two models' ranks on test edges that share nodes, and their evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import ndtr
from torch import Tensor

from ncnc_core.evaluation.ranking import reciprocal_ranks
from pipeline.evaluation.comparison import paired_comparison
from pipeline.params.decide import DecideParams
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult, LeakInvariant
from pipeline.records.scores import Interval, ModelScores, PairedComparison, SliceScores

CONFIDENCE = 0.95
NEGATIVES = 50
CHAMPION_MRR = 0.5
IN_COMMON = 0.9  # of a score's variance; the rest is each model's own, and gives edge differences a deviation of 0.26
SLICE_SHARES = {
    "degree": {"0": 0.1, "1-2": 0.3, "3-9": 0.3, "10-99": 0.2, "100+": 0.1},
    "node_age": {"cold": 0.1, "new": 0.2, "established": 0.7},
}
CERTAIN = Interval(value=0.4, low=0.3, high=0.5)
FAR_ABOVE = PairedComparison(
    metric="mrr", difference=CERTAIN, p_value=0.0, resampled_by="edge", by_edge=CERTAIN, by_node=CERTAIN,
    num_edges=1, num_nodes=2,
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """Which shares of the test edges the hubs hold, and which share of a model's own luck falls on each end's node."""

    name: str
    hubs: tuple[float, ...]
    on_node: float


class NightRanks(NamedTuple):
    """The reciprocal ranks [edges] of both models on one night's test edges [2, edges]."""

    challenger: Tensor
    champion: Tensor
    edges: Tensor


@cache
def strength(mrr: float) -> float:
    """Return where a positive's score must lie, above negatives of mean 0 and deviation 1, for an expected MRR.

    E[1 / (1 + Binomial(k, p))] = (1 - (1 - p)^(k + 1)) / ((k + 1) p), averaged over the positive's own deviation.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)

    def expected(at: float) -> float:
        beaten = ndtr(-(at + nodes))
        values = (1 - (1 - beaten) ** (NEGATIVES + 1)) / ((NEGATIVES + 1) * beaten)
        return float((weights * values).sum() / weights.sum())

    return float(brentq(lambda at: expected(at) - mrr, -4.0, 6.0))


def drawn_edges(count: int, hubs: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """Draw test edges [2, count]: the hubs hold their shares, the others' first ends follow a power law."""
    held = torch.tensor([round(share * count) for share in hubs], dtype=torch.int64)
    others, middle = count - int(held.sum()), count // 2
    weights = torch.arange(1, middle + 1).double() ** -0.8
    first = torch.zeros(0, dtype=torch.int64)
    if others:
        first = torch.multinomial(weights, others, replacement=True, generator=generator) + len(hubs)
    second = torch.randint(count + middle, (count,), generator=generator) + len(hubs) + middle
    edges = torch.stack([torch.cat([torch.repeat_interleave(torch.arange(len(hubs)), held), first]), second])
    return edges[:, torch.randperm(count, generator=generator)]


def drawn_night(
    count: int,
    setting: Setting,
    gains: float | Tensor,
    generator: torch.Generator,
    *,
    models: int | None = None,
) -> NightRanks:
    """Draw a night on which the challenger's expected MRR exceeds the champion's by `gains`, of all or of each edge.

    Each model's luck at a node is new, as that of tonight's training is. With `models`, the seed of two models that
    stay the same over nights of one size, it is what they had at that node on every other night.
    """

    def noise(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator)

    edges = drawn_edges(count, setting.hubs, generator)
    kept = None if models is None else torch.Generator().manual_seed(models)
    shared, shared_negatives = noise(count), noise(count, NEGATIVES)

    def ranks(at: Tensor) -> Tensor:
        # Of all nodes that there could be: which number a node gets does not depend on the others of the night.
        node = noise(int(edges.max()) + 1) if kept is None else torch.randn(3 * count, generator=kept)
        own = math.sqrt(1 - 2 * setting.on_node) * noise(count)
        own += math.sqrt(setting.on_node) * (node[edges[0]] + node[edges[1]])
        negative = math.sqrt(IN_COMMON) * shared_negatives + math.sqrt(1 - IN_COMMON) * noise(count, NEGATIVES)
        return reciprocal_ranks(at + math.sqrt(IN_COMMON) * shared + math.sqrt(1 - IN_COMMON) * own, negative)

    gain = torch.as_tensor(gains).expand(count)
    at = torch.tensor([strength(CHAMPION_MRR + round(value, 6)) for value in gain.tolist()])
    return NightRanks(ranks(at), ranks(torch.full((count,), strength(CHAMPION_MRR))), edges)


def report_of(paired: PairedComparison, slices: tuple[SliceScores, ...] = ()) -> EvaluationRecord:
    """Return the evaluation of a night on which nothing but the comparison can keep the champion."""
    own = ModelScores(name="challenger", metrics={"mrr": Interval(value=CHAMPION_MRR, low=0.4, high=0.6)})
    low = {"mrr": Interval(value=0.1, low=0.1, high=0.1)}
    return EvaluationRecord(
        trained_model_sha256="0" * 64,
        num_test_edges=paired.num_edges,
        num_seen_by_champion=0,
        num_negatives=paired.num_edges * NEGATIVES,
        challenger=own,
        champion=own.model_copy(update={"name": "champion", "version": 1}),
        champion_note="",
        floor=tuple(ModelScores(name=name, metrics=low) for name in DecideParams().floor),
        paired_metric="mrr",
        paired=paired,
        over_floor=dict.fromkeys(DecideParams().floor, FAR_ABOVE),
        slices=slices,
        certificate=(LeakInvariant(name="drawn", checked=1, violations=0),),
        snapshot_checks=(CheckResult(name="drawn", level="refuse", threshold="", observed="", passed=True),),
        seconds=0.0,
    )


def sliced_night(count: int, setting: Setting, gains: float | Tensor, generator: torch.Generator) -> EvaluationRecord:
    """Draw a night with slices; the edges are in no order, so the first of them are a slice's for every kind."""
    night = drawn_night(count, setting, gains, generator)
    slices = []
    for kind, shares in SLICE_SHARES.items():
        ends = torch.tensor([0.0, *shares.values()]).cumsum(0).mul(count).round().long().tolist()
        for name, start, end in zip(shares, ends, ends[1:], strict=False):
            part = (night.challenger[start:end], night.champion[start:end], night.edges[:, start:end])
            found = paired_comparison(*part, confidence=CONFIDENCE).difference
            slices.append(
                SliceScores.model_validate(
                    {"kind": kind, "name": name, "num_edges": end - start, "metric": "mrr", "challenger": None}
                    | {"difference": found}
                )
            )
    return report_of(paired_comparison(*night, confidence=CONFIDENCE), tuple(slices))
