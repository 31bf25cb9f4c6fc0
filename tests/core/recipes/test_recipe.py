from __future__ import annotations

import pytest
import yaml

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.networks.completion import fold_prior
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.recipes.recipe import FOLDER, recipe, recipe_names

FILES = sorted(file.name for file in FOLDER.iterdir() if file.name.endswith(".yaml"))


def test_there_is_a_recipe_for_each_published_data_set() -> None:
    assert recipe_names() == ["citation2", "citeseer", "collab", "cora", "ddi", "ppa", "pubmed"]


@pytest.mark.parametrize("as_published", [False, True])
@pytest.mark.parametrize("predictor", ["gae", "gae_cn", "ncn", "ncn2", "ncn_diff", "ncnc"])
@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_loads_for_every_predictor(name: str, predictor: str, as_published: bool) -> None:
    loaded = recipe(name, predictor=predictor, as_published=as_published)
    assert loaded.model.predictor == predictor
    assert loaded.model.noisy_completion_as_published is as_published
    assert loaded.training.drop_last_as_published is as_published


# The acceptance counts of the published configurations (NCN); ppa and ddi are on the OGB leaderboard too.
@pytest.mark.parametrize(
    ("name", "num_features", "num_ids", "count"),
    [
        ("cora", 1433, 0, 764_163),
        ("citeseer", 3703, 0, 1_411_587),
        ("pubmed", 500, 0, 525_315),
        ("collab", 128, 0, 33_922),
        ("ppa", 0, 58, 33_538),
        ("citation2", 128, 0, 33_794),
        ("ddi", 0, 4268, 1_412_098),  # 4,267 drugs, and the row more that the published table has
    ],
)
def test_published_configurations_have_the_published_parameter_counts(
    name: str, num_features: int, num_ids: int, count: int
) -> None:
    network = LinkNetwork(recipe(name, predictor="ncn").model, num_features=num_features, num_ids=num_ids)
    assert network.num_parameters == count


# the published scale, offset and prior of NCNC
@pytest.mark.parametrize(
    ("name", "scale", "offset", "prior"),
    [
        ("cora", 4.3, 2.8, 0.75),
        ("citeseer", 6.5, 4.4, 0.75),
        ("pubmed", 5.3, 0.5, 0.5),
        ("collab", 2.5, 6.0, 0.1),
        ("ppa", 4.0, 8.5, 0.1),
        ("citation2", 1.4, -0.3, 0.25),
        ("ddi", 10.0, 3.0, 0.1),
    ],
)
def test_completion_offset_is_the_published_one_with_the_prior_folded(
    name: str, scale: float, offset: float, prior: float
) -> None:
    model = recipe(name).model
    assert model.completion_scale == scale
    assert model.completion_offset == pytest.approx(fold_prior(scale, offset, prior), abs=1e-6)


def test_ncnc_of_ddi_takes_the_weights_of_ncn() -> None:
    """It starts from a trained NCN and freezes the encoder: the two must have the same parameters."""
    networks = [LinkNetwork(recipe("ddi", predictor=one).model, num_features=0, num_ids=9) for one in ("ncn", "ncnc")]
    networks[1].load_state_dict(networks[0].state_dict())
    assert recipe("ddi").training.encoder_learning_rate == 0


@pytest.mark.parametrize("file", FILES)
def test_recipe_file_has_a_comment_and_two_sections_and_says_no_field_that_is_none(file: str) -> None:
    text = (FOLDER / file).read_text()
    assert text.startswith("# ")
    content = yaml.safe_load(text)
    assert set(content) == {"model", "training"}
    assert set(content["model"]) <= set(ModelConfig.model_fields)
    assert set(content["training"]) <= set(TrainingConfig.model_fields)


def test_misspelt_recipe_is_refused_and_the_nearest_named() -> None:
    with pytest.raises(InvalidGraph, match=r"no recipe 'citeser'\. Did you mean 'citeseer'\? There are: citation2,"):
        recipe("citeser")
