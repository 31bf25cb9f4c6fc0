"""NCN and NCNC on the graphs without features, for which no hyper-parameters are published."""

from __future__ import annotations

from typing import Any

from benchmarks.quality.choice import Candidate
from ncnc_core.config.model import ModelConfig, PredictorName
from ncnc_core.config.training import TrainingConfig

# What did best on the validation edges of splits with seeds from 100 up, which the tables do not use: a random search
# over encoders, layers, widths, dropouts, batches and rates. Batches are small where the graph is: target link removal
# takes a whole batch away at once, and 1,024 of USAir's 1,489 training edges would leave a third of the graph.
_COMMON: dict[str, Any] = {  # Any: field values, which pydantic checks
    "encoder": "puregcn",
    "num_layers": 2,
    "hidden_channels": 128,
    "node_embedding": "only",  # one learnable vector a node
    "standardize_features": False,  # there are none
    "encoder_dropout": 0.5,
    "predictor_dropout": 0.5,
    "predictor_edge_dropout": 0.1,
}
_MODELS: dict[str, dict[str, Any]] = {
    "usair": {"predictor_dropout": 0.3},
    "pb": {"hidden_channels": 64, "encoder_dropout": 0.0},
    "yeast": {"jumping_knowledge": False},
    # A power grid is nearly a plane: its links are among nodes several steps apart, and few pairs share a neighbour.
    "power": {
        "encoder": "puresum",
        "num_layers": 4,
        "hidden_channels": 256,
        "jumping_knowledge": False,
        "neighbor_transform": False,
        "encoder_dropout": 0.2,
        "predictor_dropout": 0.3,
        "predictor_edge_dropout": 0.0,
        "encoder_edge_dropout": 0.2,
    },
}
_BATCH_SIZES = {"usair": 256, "pb": 2048, "yeast": 1024, "power": 256}
FEATURELESS_DATA = tuple(_MODELS)


def featureless(data: str, predictor: PredictorName, **model: Any) -> Candidate:  # Any: as above
    """Return a predictor on node embeddings; `model` are further fields."""
    fields = {"predictor": predictor, **_COMMON, **_MODELS[data], **model}
    training = TrainingConfig(
        epochs=100,
        patience=20,
        batch_size=_BATCH_SIZES[data],
        encoder_learning_rate=0.01,
        predictor_learning_rate=0.003,
    )
    return Candidate(predictor, ModelConfig(**fields), training)
