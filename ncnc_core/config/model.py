"""The architecture of a model: predictor, encoder, widths, dropouts and completion."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

PredictorName = Literal["gae", "gae_cn", "ncn", "ncn2", "ncn_diff", "ncnc", "temporal_ncn"]
EncoderName = Literal["puregcn", "puresum", "puremean", "gcn", "sage", "gin", "none"]
NodeEmbedding = Literal["off", "only", "added"]
READ_BY_TEMPORAL_NCN = {
    "predictor", "hidden_channels", "predictor_dropout",
    "standardize_features", "spectral_proximity", "edge_directions",
}  # fmt: skip


class ModelConfig(BaseModel):
    """The architecture of an encoder and a predictor; every field changes the model.

    The defaults are the recommended ones. Where the published code behaves differently there is a switch, and
    `as_published` sets all switches. `recipes.published_flags` maps the published command-line flags to these fields.

    Raises:
        pydantic.ValidationError: a field is unknown, of another type, or out of its bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    predictor: PredictorName = "ncnc"
    encoder: EncoderName = "puregcn"
    num_layers: int = Field(default=1, ge=0, le=8)  # encoder none has none, whatever stands here
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
    # Dense features are brought to mean 0 and deviation 1 by the statistics of training. Bags of words (mostly zeros)
    # stay as they are. Models that were saved before there was a choice, and recipes, read features raw.
    standardize_features: bool = True
    # One learnable orthogonal vector a node. only: instead of features; added: on top of the input stage's output.
    # A node the table does not know has the zero vector and lives from its neighbours, so new nodes can be scored.
    node_embedding: NodeEmbedding = "off"
    # The encoder propagates the weights of the edges, where the graph has them. The overlap uses the support alone.
    edge_weights: bool = False
    # temporal_ncn alone: paths are also told apart by which way their edges go. Links are predicted undirected still.
    edge_directions: bool = False
    # Beside what the nodes are, what the counts around the pair say: see PairStructure. It also works without features.
    pair_structure: bool = False
    completion_depth: int = Field(default=1, ge=0, le=3)
    completion_scale: float = 2.5
    completion_offset: float = 3.0  # with the published prior folded in: offset - ln(prior) / scale
    completion_alpha: float = Field(default=0.5, ge=0)  # 0: no completion, NCN bit for bit
    # One-sided neighbours completed a side, spaced along an order of their embeddings and weighted up; null: all, as
    # published (d^2 work at a hub).
    completion_max_neighbors: int | None = Field(default=16, ge=1)
    completion_precision: Literal["float32", "bfloat16"] = "float32"  # of the inner pass, which has no gradients
    completion_chunk: int = Field(default=32768, ge=1)  # inner entries scored at a time: bounds memory, not the result
    # temporal_ncn alone: where two nodes lie along the leading eigenvectors. No gain, and it depends on how nodes are
    # numbered (decision 34); models that were saved before there was a choice read it.
    spectral_proximity: bool = False
    # The published recursion is handed g where the outer call takes h, so that endpoints are transformed once more at
    # each depth; the tuned scale and offset belong to that. True: every depth compares the very embeddings h.
    completion_reads_raw_embeddings: bool = False
    # The published code drops (u, v) and (v, u) apart, which leaves a directed graph. True: an edge goes whole.
    symmetric_edge_dropout: bool = False
    # The published code lets a pair that is an edge complete itself through the inner pair (j, j). Only for parity.
    score_known_edges_as_published: bool = False
    # The published inner pass runs with dropout and drops edges once more. Only for parity: noise, and twice the time.
    noisy_completion_as_published: bool = False

    @model_validator(mode="after")
    def _sets_what_is_read(self) -> ModelConfig:
        if self.predictor != "temporal_ncn":
            if self.edge_directions:
                raise ValueError(
                    f"{self.predictor} reads no directions of edges. Set edge_directions: false, or choose the "
                    "predictor temporal_ncn."
                )
            return self
        fields = type(self).model_fields
        idle = sorted(
            name for name in self.model_fields_set - READ_BY_TEMPORAL_NCN if getattr(self, name) != fields[name].default
        )
        if idle:
            raise ValueError(
                f"temporal_ncn reads {', '.join(sorted(READ_BY_TEMPORAL_NCN))}, and not {idle[0]}. Leave it out, or "
                "choose the predictor ncnc."
            )
        return self

    @field_validator("node_embedding", mode="before")
    @classmethod
    def _off_as_yaml_reads_it(cls, value: object) -> object:
        return "off" if value is False else value  # YAML 1.1 reads a bare off as false

    @classmethod
    def as_published(cls, **overrides: Any) -> ModelConfig:  # Any: field values, which pydantic checks
        """Return a configuration that computes what the published code does, every switch its way."""
        switches: dict[str, Any] = {
            "structural_features": False,
            "standardize_features": False,
            "pair_structure": False,
            "edge_weights": False,
            "completion_max_neighbors": None,
            "completion_reads_raw_embeddings": False,
            "symmetric_edge_dropout": False,
            "score_known_edges_as_published": True,
            "noisy_completion_as_published": True,
        }
        return cls(**{**switches, **overrides})
