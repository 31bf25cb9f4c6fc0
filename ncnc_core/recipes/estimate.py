"""About what a training costs, told before it begins."""

from __future__ import annotations

from dataclasses import dataclass

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.durations import spoken_seconds
from ncnc_core.recipes.graph_traits import GraphTraits

# Measured on one core with AVX-512 at 64 channels, see docs/benchmarks.md; another machine differs by a factor.
PAIR_SECONDS = 10e-6
COMPLETED_SECONDS = 2e-6  # of each neighbour that completion scores
EDGE_SECONDS = 0.5e-6  # of each edge and layer in a step, there and back: the encoder reads the whole graph
VALIDATION_PAIRS = 51 / 9  # to a training edge: a tenth of the edges validates, each with 50 negatives


@dataclass(frozen=True)
class CostEstimate:
    """Pairs that are trained on and scored if nothing stops the training early, and about the seconds of one core."""

    trained: int
    scored: int
    seconds: float

    @classmethod
    def of(cls, traits: GraphTraits, model: ModelConfig, training: TrainingConfig) -> CostEstimate:
        """Estimate from the graph's size and degrees; no validation edges are known yet, so a tenth is assumed."""
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

    @staticmethod
    def epochs_within(seconds: float, traits: GraphTraits, model: ModelConfig, training: TrainingConfig) -> int:
        """Return the most epochs of a training that are estimated to take so long; one at the least."""
        for epochs in range(training.epochs, 1, -1):
            shorter = training.model_copy(update={"epochs": epochs})
            if CostEstimate.of(traits, model, shorter).seconds <= seconds:
                return epochs
        return 1

    def __str__(self) -> str:
        """Return one sentence."""
        return (
            f"At most {self.trained:,} pairs are trained on and about {self.scored:,} scored: "
            f"some {spoken_seconds(self.seconds)} of one core."
        )
