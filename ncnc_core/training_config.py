"""How a model is trained: what the optimiser, the batches and the stopping rule are told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrainingConfig(BaseModel):
    """The training recipe; every field changes the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=1024, ge=1)  # positives; target link removal removes the whole batch at once
    max_batch_fraction: float = Field(default=0.35, gt=0, le=1)  # of the edges: a small graph must not lose them all
    encoder_learning_rate: float = Field(default=0.005, gt=0)
    predictor_learning_rate: float = Field(default=0.003, gt=0)
    negatives_per_positive: int = Field(default=1, ge=1)  # resampled every epoch; the paper uses 1
    target_link_removal: bool = True
    # The published code draws the dropout of the node transform for positives and negatives apart: a third slower.
    separate_node_dropout_as_published: bool = False
    gradient_clip_norm: float | None = Field(default=None, gt=0)
    patience: int = Field(default=8, ge=1)  # evaluations without improvement before stopping
    evaluate_every: int = Field(default=1, ge=1)  # epochs
    seed: int = Field(default=0, ge=0, lt=2**63)  # what torch and the records take
