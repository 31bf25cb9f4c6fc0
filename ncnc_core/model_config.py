"""What a model is: the names of its parts and sizes, in plain terms."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PredictorName = Literal["gae", "ncn", "ncn2", "ncn_diff", "ncnc"]
EncoderName = Literal["puregcn", "puresum", "puremean", "gcn"]


class ModelConfig(BaseModel):
    """The architecture of an encoder and a predictor; every field changes the model.

    The published flags in these terms: xdp feature_dropout, gnndp encoder_dropout, tdp output_dropout, gnnedp
    encoder_edge_dropout, predp predictor_dropout, preedp predictor_edge_dropout, use_xlin neighbor_transform,
    tailact not neighbor_output_linear, twolayerlin two_layer_head, lnnn predictor_layer_norm, ln encoder_layer_norm,
    jk jumping_knowledge, res residual, pt completion_prior.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    predictor: PredictorName = "ncnc"
    encoder: EncoderName = "puregcn"
    num_layers: int = Field(default=1, ge=0, le=8)
    hidden_channels: int = Field(default=64, ge=1)
    jumping_knowledge: bool = True
    residual: bool = False
    encoder_layer_norm: bool = True
    feature_dropout: float = Field(default=0.0, ge=0, lt=1)
    encoder_dropout: float = Field(default=0.0, ge=0, lt=1)
    output_dropout: float = Field(default=0.0, ge=0, lt=1)
    encoder_edge_dropout: float = Field(default=0.0, ge=0, lt=1)
    predictor_dropout: float = Field(default=0.0, ge=0, lt=1)
    predictor_edge_dropout: float = Field(default=0.0, ge=0, lt=1)
    predictor_layer_norm: bool = True
    neighbor_transform: bool = True
    neighbor_output_linear: bool = False
    two_layer_head: bool = False
    beta: float = 1.0
    structural_features: bool | None = None  # None: only where the graph has no features of its own
    id_embedding: bool = False  # learn one vector a node instead of reading features: cannot score unseen nodes
    completion_depth: int = Field(default=1, ge=0, le=3)
    completion_scale: float = 2.5
    completion_offset: float = 3.0
    completion_prior: float = Field(default=0.5, gt=0)
    completion_alpha: float = Field(default=0.5, ge=0)
    # One-sided neighbours completed a side, evenly spaced and weighted up; null: all, as published (d^2 work at a hub).
    completion_max_neighbors: int | None = Field(default=16, ge=1)
    completion_chunk: int = Field(default=32768, ge=1)  # inner entries scored at a time: bounds memory, not the result
    # The published code lets a pair that is an edge complete itself through the inner pair (j, j). Only for parity.
    score_known_edges_as_published: bool = False
    # The published inner pass runs with dropout and drops edges once more. Only for parity: noise, and twice the time.
    noisy_completion_as_published: bool = False
