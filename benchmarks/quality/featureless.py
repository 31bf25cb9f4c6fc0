"""NCN and NCNC on the graphs without features, for which no hyper-parameters are published."""

from __future__ import annotations

from typing import Any

from benchmarks.quality.choice import Candidate
from ncnc_core.model_config import ModelConfig, PredictorName
from ncnc_core.training_config import TrainingConfig

# What did best on the validation edges of splits with seeds from 100 up, which the tables do not use. Batches are
# small: target link removal takes a whole batch away at once, and 1,024 of USAir's 1,489 training edges would leave
# the encoder a third of the graph it is tested on.
_MODELS: dict[str, dict[str, Any]] = {  # Any: field values, which pydantic checks
    "usair": {"encoder": "puregcn", "num_layers": 2, "hidden_channels": 256},
    "pb": {"encoder": "puregcn", "num_layers": 1, "hidden_channels": 128},
    "yeast": {"encoder": "puregcn", "num_layers": 2, "hidden_channels": 256},
    "power": {"encoder": "puresum", "num_layers": 4, "hidden_channels": 256, "jumping_knowledge": False},
}
_TRAININGS: dict[str, dict[str, Any]] = {
    "usair": {"batch_size": 256, "encoder_learning_rate": 0.01, "predictor_learning_rate": 0.001},
    "pb": {"batch_size": 1024, "encoder_learning_rate": 0.01, "predictor_learning_rate": 0.003},
    "yeast": {"batch_size": 512, "encoder_learning_rate": 0.01, "predictor_learning_rate": 0.003},
    "power": {"batch_size": 256, "encoder_learning_rate": 0.01, "predictor_learning_rate": 0.003},
}
FEATURELESS_DATA = tuple(_MODELS)


def featureless(data: str, predictor: PredictorName, **model: Any) -> Candidate:  # Any: as above
    """Return a predictor on node embeddings, one learnable vector a node; `model` are further fields."""
    fields = {"predictor": predictor, "node_embedding": "only", **_MODELS[data], **model}
    return Candidate(predictor, ModelConfig(**fields), TrainingConfig(epochs=100, patience=20, **_TRAININGS[data]))
