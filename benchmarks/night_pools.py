"""Pools of nights whose truth is known, judged by the real comparison, of which many years are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.drawn_nights import CONFIDENCE, Setting, drawn_night
from pipeline.evaluation.comparison import paired_comparison
from pipeline.records.evidence import log_e_value, normal_score

Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pool:
    """Nights as a year is made of them: the normal score of each night's p-value, and its edges."""

    score: Scores
    edges: Scores

    def years(self, count: int, nights: int, generator: np.random.Generator) -> Pool:
        """Return nights at random, [count, nights]."""
        chosen = generator.integers(self.score.size, size=(count, nights))
        return Pool(self.score[chosen], self.edges[chosen])

    @property
    def strongest(self) -> Scores:
        """The largest evidence on any night, as the logarithm of the mixture, [count]."""
        totals = (np.sqrt(self.edges) * self.score).cumsum(-1)
        return np.asarray(log_e_value(totals, self.edges.cumsum(-1)).max(-1), dtype=np.float64)

    @property
    def pooled(self) -> Scores:
        """The score of all nights together, looked at once, on the last, [count]."""
        return np.asarray((np.sqrt(self.edges) * self.score).sum(-1) / np.sqrt(self.edges.sum(-1)))


@cache
def drawn_pool(setting: Setting, sizes: tuple[int, ...], gain: float, nights: int, seed: int) -> Pool:
    """Draw nights and compare them; equal models in both directions."""
    generator = torch.Generator().manual_seed(seed)
    score, edges = [], []
    for number in range(nights):
        count = sizes[number % len(sizes)]
        night = drawn_night(count, setting, gain, generator)
        paired = paired_comparison(*night, confidence=CONFIDENCE)
        score.append(normal_score(paired.difference.value, paired.p_value))
        edges.append(float(count))
    one_way, of_edges = np.array(score), np.array(edges)
    if gain != 0:
        return Pool(one_way, of_edges)
    return Pool(np.concatenate([one_way, -one_way]), np.concatenate([of_edges, of_edges]))


def kind_of(setting: Setting, sizes: Sequence[int]) -> str:
    """Return what the nights are like."""
    return f"{setting.name}, {sizes[0] if len(sizes) == 1 else f'{sizes[0]} to {sizes[-1]}'} edges"
