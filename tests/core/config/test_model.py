from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ncnc_core.config.model import ModelConfig


def test_config_comes_back_from_json_equal() -> None:
    config = ModelConfig(predictor="ncn2", encoder="gcn", completion_max_neighbors=None, structural_features=True)
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "wrong",
    [
        {"predictor": "ncnd"},
        {"hidden_channels": 0},
        {"completion_prior": 0.5},
        {"node_embedding": True},
        {"xdp": 0.1},
        {"beta": None},
        {"beta": float("nan")},
    ],
)
def test_unknown_names_and_values_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ModelConfig.model_validate(wrong)


def test_parity_mode_turns_every_switch_the_published_way_and_leaves_the_rest_to_the_caller() -> None:
    config = ModelConfig.as_published(encoder="gcn", symmetric_edge_dropout=True)
    assert config.score_known_edges_as_published
    assert config.noisy_completion_as_published
    assert config.completion_max_neighbors is None
    assert (config.encoder, config.symmetric_edge_dropout) == ("gcn", True)


def test_off_without_quotes_in_yaml_is_off() -> None:
    assert ModelConfig.model_validate({"node_embedding": False}).node_embedding == "off"


def test_a_temporal_model_sets_only_what_it_reads() -> None:
    config = ModelConfig(
        predictor="temporal_ncn", hidden_channels=32, predictor_dropout=0.2, standardize_features=False
    )
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config  # all other fields at their defaults
    for idle in ({"num_layers": 2}, {"node_embedding": "only"}, {"completion_alpha": 0.25}, {"edge_weights": True}):
        (name,) = idle
        message = (
            r"temporal_ncn reads edge_directions, hidden_channels, predictor, predictor_dropout, spectral_proximity, "
            rf"standardize_features, and not {name}\. Leave it out, or choose the predictor ncnc"
        )
        with pytest.raises(ValidationError, match=message):
            ModelConfig.model_validate({"predictor": "temporal_ncn", **idle})
    assert ModelConfig(predictor="temporal_ncn", edge_directions=True).edge_directions
    with pytest.raises(ValidationError, match=r"ncnc reads no directions of edges\. Set edge_directions: false, or"):
        ModelConfig(edge_directions=True)
