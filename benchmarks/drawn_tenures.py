"""Tenures of a shadow, night after night: test windows that overlap, and models that keep what they have learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.drawn_nights import CONFIDENCE, NightRanks, drawn_night
from benchmarks.gate_simulation import SETTINGS
from benchmarks.night_pools import Pool
from pipeline.evaluation.comparison import paired_comparison
from pipeline.promotion.shadow import ShadowRule
from pipeline.records.evidence import normal_score

CORRELATED = SETTINGS[2]
WINDOW = 3  # nights whose edges an overlapping test window holds


@dataclass(frozen=True)
class StayingLuck:
    """Of pairs of models of one recipe, how many shadows were promoted, and what they gained over their tenure."""

    tenures: int
    promoted: int
    deviation: float  # of the gains of all pairs
    gain_of_the_promoted: float | None


def overlapping_tenures(rule: ShadowRule, *, tenures: int, edges: int = 150, seed: int = 0) -> tuple[int, int]:
    """Return how many equal shadows are promoted where each edge counts once, and where each window counts whole.

    A night adds edges, and its test window holds those of the last nights as well.
    """
    generator = torch.Generator().manual_seed(seed)
    once, whole = np.zeros((2, tenures, rule.minimum_tenure)), np.zeros((2, tenures, rule.minimum_tenure))
    for tenure in range(tenures):
        drawn: list[NightRanks] = []
        for night in range(rule.minimum_tenure):
            drawn.append(drawn_night(edges, CORRELATED, 0.0, generator))
            for place, window in ((once, drawn[-1:]), (whole, drawn[-WINDOW:])):
                place[:, tenure, night] = _score_and_edges(window)
    level = -np.log(rule.level)
    return (
        int((Pool(once[0], once[1]).strongest >= level).sum()),
        int((Pool(whole[0], whole[1]).strongest >= level).sum()),
    )


def staying_luck(rule: ShadowRule, *, tenures: int, edges: int = 450) -> StayingLuck:
    """Follow pairs of models that are equal on average over trainings, and keep what each has learnt at the nodes."""
    generator = torch.Generator().manual_seed(1)
    scores, gains = np.zeros((tenures, rule.minimum_tenure)), np.zeros((tenures, rule.minimum_tenure))
    for models in range(tenures):
        for night in range(rule.minimum_tenure):
            drawn = drawn_night(edges, CORRELATED, 0.0, generator, models=models)
            paired = paired_comparison(*drawn, confidence=CONFIDENCE)
            gains[models, night] = paired.difference.value
            scores[models, night] = normal_score(paired.difference.value, paired.p_value)
    promoted = Pool(scores, np.full(scores.shape, float(edges))).strongest >= -np.log(rule.level)
    gain = gains.mean(1)
    return StayingLuck(
        tenures=tenures,
        promoted=int(promoted.sum()),
        deviation=round(float(gain.std()), 4),
        gain_of_the_promoted=round(float(gain[promoted].mean()), 4) if promoted.any() else None,
    )


def _score_and_edges(window: Sequence[NightRanks]) -> tuple[float, int]:
    """Compare on the edges of several nights; the luck of each falls on nodes of its own."""
    own = [night.edges + 10_000 * number for number, night in enumerate(window)]
    challenger, champion = (torch.cat([night[side] for night in window]) for side in (0, 1))
    paired = paired_comparison(challenger, champion, torch.cat(own, 1), confidence=CONFIDENCE)
    return normal_score(paired.difference.value, paired.p_value), paired.num_edges
