"""The validation window of a temporal training: a sample that is scored between epochs, and all of it in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.temporal.timed_graph import TimedGraph
from ncnc_core.training.data import TemporalData, TrainingData
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.valid_sample import ValidSample
from ncnc_core.training.window_pairs import WindowPairs

PAIRS_AT_ONCE = 2**16  # scored at a time: bounds memory, not the result
PAIRS_READ = 2**20  # read at a time; in smaller parts a node's neighbours would be walked over more often


@dataclass(frozen=True, eq=False)
class WindowValidation:
    """The validation edges, each with its own negatives, on the graph as of the training cut.

    `held` is what the network reads of the sample, worked out once; rows [nodes, width]: what the encoder reads. What
    else is to be scored is read when it is, in parts, so that memory does not grow with the window.
    """

    data: TrainingData
    sample: ValidSample
    graph: TimedGraph
    rows: Tensor
    held: WindowPairs

    @classmethod
    def begun(
        cls,
        network: TemporalNetwork,
        data: TrainingData,
        times: TemporalData,
        training: TrainingConfig,
        metric: SelectionMetric,
    ) -> WindowValidation:
        """Draw the sample, and read it.

        Raises:
            InvalidGraph: the validation edges have no negatives of their own.
        """
        if data.negatives_per_valid_edge is None:
            raise InvalidGraph(
                f"A temporal model ranks each of the {data.valid_edges.shape[1]} validation edges among its own "
                f"negatives, but there are {data.valid_negatives.shape[1]}. Give the same number for each."
            )
        sample = ValidSample.of_training(data, training, metric)
        graph = network.timed(times.history.graph_at(times.cut_train))
        with torch.no_grad():
            rows = network.propagated(graph, data.features)
        return cls(data, sample, graph, rows, WindowPairs.read(network, graph, rows, *_groups(sample.data)))

    @property
    def pairs(self) -> tuple[int, int]:
        """The number of pairs that are scored between epochs, and in the end."""
        return self.sample.pairs, self.data.valid_edges.shape[1] + self.data.valid_negatives.shape[1]

    def scores(self, network: TemporalNetwork, did: Callable[[int], None]) -> tuple[Tensor, Tensor]:
        """Return the logits of the sample, positives [v] and negatives [v * k]; `did` hears how many were scored."""
        return _apart(_logits(self.held, network, did))

    def scores_of_all(self, network: TemporalNetwork, did: Callable[[int], None]) -> tuple[Tensor, Tensor]:
        """Return the logits of all validation edges and of their negatives."""
        if self.sample.is_whole:
            return self.scores(network, did)
        pairs, each = _groups(self.data)
        ranks = Ranks.here()
        heard = ranks.counting(did)

        def score(own: Tensor) -> Tensor:
            parts = own.transpose(1, 2).flatten(1).split(max(1, PAIRS_READ // each) * each, 1)
            return torch.cat([self._read_and_scored(network, part, each, heard) for part in parts]).T

        return _apart(ranks.scored(score, pairs.view(2, -1, each).transpose(1, 2)).T)

    def _read_and_scored(self, network: TemporalNetwork, part: Tensor, each: int, did: Callable[[int], None]) -> Tensor:
        """Return the logits of a part [groups, each]; `did` hears of it once, for reading it takes longest."""
        logits = _logits(WindowPairs.read(network, self.graph, self.rows, part, each), network, lambda _: None)
        did(logits.numel())
        return logits


def _groups(data: TrainingData) -> tuple[Tensor, int]:
    """Return pairs [2, v * each], each positive before its negatives, and how many a group has."""
    k = data.valid_negatives.shape[1] // data.valid_edges.shape[1]
    return torch.cat([data.valid_edges.unsqueeze(2), data.valid_negatives.view(2, -1, k)], 2).flatten(1), 1 + k


def _logits(pairs: WindowPairs, network: TemporalNetwork, did: Callable[[int], None]) -> Tensor:
    found = []
    with torch.no_grad():
        for groups in torch.arange(pairs.groups).split(max(1, PAIRS_AT_ONCE // pairs.each)):
            found.append(pairs.chosen(groups).logits(network))
            did(found[-1].numel())
    return torch.cat(found)


def _apart(logits: Tensor) -> tuple[Tensor, Tensor]:
    return logits[:, 0].contiguous(), logits[:, 1:].flatten()
