"""The validation edges that choose an epoch: all of them, or where these cost too much a sample drawn by the seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.ranking import metric_values
from ncnc_core.training.data import TrainingData


@dataclass(frozen=True)
class SampledChoice:
    """That `edges` of the `of` validation edges chose the epoch, and what came of it.

    `standard_error` is that of the best epoch's value on the sample, see `ValidSample.standard_error`; `whole_value` is
    that of the network as it is returned, on all validation edges.
    """

    edges: int
    of: int
    standard_error: float | None
    whole_value: float


@dataclass(frozen=True, eq=False)
class ValidSample:
    """`data` with the validation pairs that are scored between epochs; `of` is how many validation edges there are."""

    data: TrainingData
    of: int

    @property
    def edges(self) -> int:
        """The number of validation edges that are scored."""
        return self.data.valid_edges.shape[1]

    @property
    def pairs(self) -> int:
        """The number of pairs that are scored, negatives included."""
        return self.edges + self.data.valid_negatives.shape[1]

    @property
    def is_whole(self) -> bool:
        """Whether all validation edges are."""
        return self.edges == self.of

    @classmethod
    def of_training(cls, data: TrainingData, training: TrainingConfig, metric: SelectionMetric) -> ValidSample:
        """Draw as many validation edges as `valid_pairs` lets be scored, each with its own negatives.

        Where negatives are not the same number for each edge, the same share of both is drawn. All are taken where they
        are no more than that, and for hits@K: the K-th largest of all negatives is not to be had from some of them.
        The draw has a generator of its own, so that batches and negatives are those of a training without a bound.
        """
        count, negatives = data.valid_edges.shape[1], data.valid_negatives.shape[1]
        most, each = training.valid_pairs, data.negatives_per_valid_edge
        if most is None or count + negatives <= most or metric.startswith("hits@"):
            return cls(data, count)
        wanted = max(1, count * most // (count + negatives))
        generator = torch.Generator().manual_seed(training.seed)
        chosen = _drawn(count, wanted, generator).to(data.valid_edges.device)
        if each is not None:
            own = data.valid_negatives.view(2, count, each)[:, chosen].flatten(1)
        else:
            drawn = _drawn(negatives, max(1, negatives * wanted // count), generator)
            own = data.valid_negatives[:, drawn.to(data.valid_negatives.device)]
        return cls(replace(data, valid_edges=data.valid_edges[:, chosen], valid_negatives=own), count)

    def standard_error(self, positive: Tensor, negative: Tensor, metric: SelectionMetric) -> float | None:
        """Return by how much a metric of the sample's logits strays from that of all edges; None where all are scored.

        It is that of a mean over edges that are drawn without replacement: s / sqrt(n) * sqrt(1 - n / all), from the
        edges' own values. None also where edges have no negatives of their own, or there is one edge.
        """
        each = self.data.negatives_per_valid_edge
        if self.is_whole or each is None or self.edges < 2:
            return None
        value = metric_values(positive, negative.view(-1, each))[metric]
        return float(value.std() / self.edges**0.5 * (1 - self.edges / self.of) ** 0.5)


def _drawn(count: int, wanted: int, generator: torch.Generator) -> Tensor:
    """Return `wanted` different numbers below `count`, ascending."""
    return torch.randperm(count, generator=generator)[:wanted].sort().values
