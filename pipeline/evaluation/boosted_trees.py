"""Gradient-boosted trees on pair features: what a practitioner builds in an afternoon, and so what a model must beat.

They learn as the temporal model does, on the same kind of windows, drawn for them, and read the same pair features. So
they are as strong as this data makes them. They stay out of ncnc_core: what it imports, every served model installs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor

from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.temporal.pair_features import pair_features
from ncnc_core.temporal.timed_graph import TimedGraph
from ncnc_core.training.data import TemporalData
from ncnc_core.training.windows import draw_pairs, training_windows

WINDOWS, NEGATIVES, SEED = 6, 8, 0
PAIRS_AT_ONCE = 2**16  # scored at a time: bounds memory, not the result


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Trees fitted for one night; `timed` works out what they read of a graph, and remembers the last one.

    `directed`: they read which way events went, as the model does where the history says it.
    """

    trees: HistGradientBoostingClassifier
    timed: Callable[[Adjacency], TimedGraph]
    num_pairs: int
    directed: bool

    @classmethod
    def fitted(cls, data: TemporalData) -> BoostedTrees:
        """Fit on up to WINDOWS windows, the last one that of validation, NEGATIVES a positive; deterministic.

        Nothing later than `data.cut_valid` is read. Source of the trees: Ke et al., LightGBM, 2017, as scikit-learn
        has them.

        Raises:
            InvalidGraph: there is no window to learn from.
        """
        history, size = data.history, data.window
        directed = history.first_forward is not None
        timed = lru_cache(maxsize=1)(lambda graph: TimedGraph.of(graph, float(size)))
        recipe, generator = TrainingConfig(negatives_per_positive=NEGATIVES), torch.Generator().manual_seed(SEED)
        values, truth = [], []
        for window in training_windows(history, data.cut_valid, size, WINDOWS):
            if not history.fresh(window.start, window.end).numel():
                continue  # what came in it is gone
            drawn = draw_pairs(history, window, recipe, generator, data.negative_kinds)
            graph = timed(history.graph_at(window.start))
            values.append(pair_features(graph, drawn.pairs, directed=directed).values)
            truth.append(torch.arange(drawn.pairs.shape[1]) % drawn.each == 0)
        if not values:
            raise InvalidGraph("No edge that came before the test is still there. Wait for more nights.")
        trees = HistGradientBoostingClassifier(
            max_iter=200,
            learning_rate=0.05,
            min_samples_leaf=60,  # beside 8 negatives a positive: some 7 positives a leaf
            early_stopping=False,
            random_state=SEED,
        )
        with threadpool_limits(limits=1, user_api="openmp"):  # several threads add up in any order
            trees.fit(torch.cat(values).numpy(), torch.cat(truth).numpy())
        return cls(trees, timed, sum(one.numel() for one in truth), directed)

    def score(
        self,
        pairs: Tensor,
        graph: Adjacency,
        features: Tensor | None = None,
        *,
        did: Callable[[int], None] | None = None,
    ) -> Tensor:
        """Return the log-odds of each pair on a graph with times, float64; node features play no part.

        `did` hears of the pairs that are scored, a part after the other.
        """
        timed, scores = self.timed(graph), [torch.zeros(0, dtype=torch.float64)]
        for part in pairs.split(PAIRS_AT_ONCE, dim=1):
            if part.shape[1]:
                values = pair_features(timed, part, directed=self.directed).values
                scores.append(torch.from_numpy(self.trees.decision_function(values.numpy())))
                if did is not None:
                    did(part.shape[1])
        return torch.cat(scores)
