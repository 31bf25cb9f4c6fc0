"""How a model is trained: optimiser, batches, loss, stopping rule and sampling."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LossName = Literal["bce", "auc", "hinge_auc", "log_rank", "listwise"]
TargetLinkRemoval = Literal["batch", "pair", "off"]
Precision = Literal["float32", "bfloat16"]

# temporal_ncn learns so many positives of a window; of a graph of many edges more, as it has more to say.
POSITIVES, POSITIVES_OF_MANY, MANY_EDGES = 1500, 4000, 100_000


class TrainingConfig(BaseModel):
    """The training recipe; every field changes the weights.

    Raises:
        pydantic.ValidationError: a field is unknown, of another type, or out of its bounds, or completion is to be
            calibrated in sampled mode.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=1024, ge=1)  # positives; target link removal removes the whole batch at once
    # Of the edges: a small graph must not lose them all. It bounds the batch, where others would warn (Cora was tuned
    # at 0.31); drop_last_as_published is not bound by it.
    max_batch_fraction: float = Field(default=0.35, gt=0, le=1)
    pairs_per_epoch: int | None = Field(default=None, ge=1)  # positives drawn anew each epoch; null: every edge
    encoder_learning_rate: float = Field(default=0.005, ge=0)  # 0 freezes the encoder, as where it comes from another
    predictor_learning_rate: float = Field(default=0.003, gt=0)
    loss: LossName = "bce"  # all others compare each positive with its own negatives
    negatives_per_positive: int = Field(default=1, ge=1)  # resampled every epoch; the paper uses 1
    # batch: the encoder and the overlaps see the graph without the whole batch. pair: they see every edge, and only a
    # pair's own one is hidden from its own overlap, as it is for gae, ncn and ncn_diff anyhow, and cannot be for ncn2
    # and ncnc; the encoder sees it. off: nothing is hidden.
    target_link_removal: TargetLinkRemoval = "batch"
    # The published code scores positives and negatives apart, each with a dropout of its own: a third slower.
    separate_node_dropout_as_published: bool = False
    # The published loader drops the last, incomplete batch: up to a whole batch an epoch is not trained on.
    drop_last_as_published: bool = False
    gradient_clip_norm: float | None = Field(default=None, gt=0)  # of encoder and predictor apart
    precision: Precision = "float32"  # bfloat16: matrix products of training only; weights, sums and loss stay float32
    patience: int = Field(default=8, ge=1)  # evaluations without improvement before stopping
    evaluate_every: int = Field(default=1, ge=1)  # epochs
    # Between epochs so many validation pairs are scored, a sample of the edges with their own negatives, drawn by the
    # seed; what it chose is measured on all of them in the end. null: all, always. hits@K always takes all.
    valid_pairs: int | None = Field(default=None, ge=1)
    calibrate_completion: bool = False  # fit completion scale, offset and alpha (off included) on validation at the end
    # Sampled mode: at most so many neighbours a node, one number per encoder layer, the one nearest to the pair first;
    # null: every neighbour, exact.
    neighbor_fan_out: tuple[int, ...] | None = None
    overlap_limit: int | None = Field(default=None, ge=1)  # sampled mode: entries walked of a pair's shorter list
    # temporal_ncn: how many windows before the cut it learns from, each with as many new edges as validation has; and
    # whether it is trained once more, from the start, with the validation window as the last one.
    windows: int = Field(default=6, ge=1)
    refit: bool = True
    seed: int = Field(default=0, ge=0, lt=2**63)  # what torch and the records take

    @model_validator(mode="after")
    def _calibrates_on_what_it_trains_on(self) -> TrainingConfig:
        if self.calibrate_completion and self.neighbor_fan_out is not None:
            raise ValueError(
                f"calibrate_completion reads the whole graph, but neighbor_fan_out {list(self.neighbor_fan_out)} "
                "trains on samples of it. Set calibrate_completion: false, or neighbor_fan_out: null."
            )
        return self

    @classmethod
    def as_published(cls, **overrides: Any) -> TrainingConfig:  # Any: field values, which pydantic checks
        """Return the recipe of the published code: every switch its way, no early stopping, batches of any share.

        Learning rates, epochs and batch size are the data set's own; give them as overrides.
        """
        published: dict[str, Any] = {
            "loss": "bce",
            "negatives_per_positive": 1,
            "target_link_removal": "batch",
            "separate_node_dropout_as_published": True,
            "drop_last_as_published": True,
            "max_batch_fraction": 1.0,
            "patience": 2**31,
            "evaluate_every": 1,
        }
        return cls.model_validate(published | overrides)


def positives_of_window(edges: int) -> int:
    """Return how many positives temporal_ncn learns of a window at most, by the edges that had come by its end."""
    return POSITIVES if edges < MANY_EDGES else POSITIVES_OF_MANY
