"""About what a training costs, told before it begins."""

from __future__ import annotations

from dataclasses import dataclass

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig, positives_of_window
from ncnc_core.durations import spoken_seconds
from ncnc_core.recipes.graph_traits import GraphTraits

# Measured on one core with AVX-512 at 64 channels, see docs/benchmarks.md; another machine differs by a factor.
PAIR_SECONDS = 10e-6
COMPLETED_SECONDS = 2e-6  # of each neighbour that completion scores
EDGE_SECONDS = 0.5e-6  # of each edge and layer in a step, there and back: the encoder reads the whole graph
RANKED = 51  # a validation edge, and its negatives
VALIDATION_PAIRS = RANKED / 9  # to a training edge: a tenth of the edges validates, each with 50 negatives

# Of temporal_ncn at 32 channels: a pair that is learned, one that is scored, and an edge of a graph as of a window.
LEARNED_SECONDS, SCORED_SECONDS, WINDOW_EDGE_SECONDS = 10.5e-6, 6.5e-6, 2e-6


@dataclass(frozen=True)
class CostEstimate:
    """Pairs that are trained on and scored if nothing stops the training early, and about the seconds of one core."""

    trained: int
    scored: int
    seconds: float

    @classmethod
    def of(
        cls, traits: GraphTraits, model: ModelConfig, training: TrainingConfig, *, window: int | None = None
    ) -> CostEstimate:
        """Estimate from the graph's size and degrees; no validation edges are known yet, so a tenth is assumed.

        For temporal_ncn `window` is the number of edges that validate it, after this graph; None: its latest tenth.
        """
        if model.predictor == "temporal_ncn":
            return cls._of_windows(traits, model, training, window)
        positives = min(traits.num_edges, training.pairs_per_epoch or traits.num_edges)
        trained = training.epochs * positives * (1 + training.negatives_per_positive)
        whole = int(traits.num_edges * VALIDATION_PAIRS)
        sample = whole if training.valid_pairs is None else min(whole, training.valid_pairs)
        evaluations = -(-training.epochs // training.evaluate_every) + training.calibrate_completion
        scored = evaluations * sample + whole
        completed = 0.0
        if model.predictor == "ncnc" and model.completion_alpha > 0:
            completed = 2 * min(traits.edge_degree, model.completion_max_neighbors or traits.edge_degree)
        seconds = (trained + scored) * (PAIR_SECONDS + COMPLETED_SECONDS * completed)
        if training.neighbor_fan_out is None and model.encoder != "none":
            steps = training.epochs * -(-positives // training.batch_size)
            seconds += steps * traits.num_edges * model.num_layers * EDGE_SECONDS
        return cls(trained, scored, seconds * model.hidden_channels / 64)

    @classmethod
    def _of_windows(
        cls, traits: GraphTraits, model: ModelConfig, training: TrainingConfig, window: int | None
    ) -> CostEstimate:
        """Estimate two phases over windows of as many edges as validation has, each read once as of its time."""
        size = max(1, traits.num_edges // 10 if window is None else window)
        edges = max(1, traits.num_edges - (size if window is None else 0))
        windows, phases = min(training.windows, max(1, edges // size - 1)), 1 + training.refit
        groups = windows * min(size, positives_of_window(edges))
        trained = phases * training.epochs * groups * (1 + training.negatives_per_positive)
        whole = size * RANKED
        sample = whole if training.valid_pairs is None else min(whole, training.valid_pairs)
        scored = (-(-training.epochs // training.evaluate_every) - 1) * sample + whole
        seconds = (trained * LEARNED_SECONDS + scored * SCORED_SECONDS) * model.hidden_channels / 32
        return cls(trained, scored, seconds + (phases * windows + 1) * edges * WINDOW_EDGE_SECONDS)

    @staticmethod
    def epochs_within(
        seconds: float,
        traits: GraphTraits,
        model: ModelConfig,
        training: TrainingConfig,
        *,
        window: int | None = None,
    ) -> int:
        """Return the most epochs of a training that are estimated to take so long; one at the least."""
        for epochs in range(training.epochs, 1, -1):
            shorter = training.model_copy(update={"epochs": epochs})
            if CostEstimate.of(traits, model, shorter, window=window).seconds <= seconds:
                return epochs
        return 1

    def __str__(self) -> str:
        """Return one sentence."""
        return (
            f"At most {self.trained:,} pairs are trained on and about {self.scored:,} scored: "
            f"some {spoken_seconds(self.seconds)} of one core."
        )
