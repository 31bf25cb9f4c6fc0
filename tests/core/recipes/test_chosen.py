from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.recipes.chosen import chosen_config
from ncnc_core.recipes.recipe import recipe

RING = Adjacency.from_edges(torch.stack([torch.arange(20), (torch.arange(20) + 1) % 20]), 20)


def test_a_recipe_that_is_named_is_taken() -> None:
    assert chosen_config(RING, None, recipe="cora", model=None, new_nodes=False) == recipe("cora")


def test_without_a_word_the_graph_chooses() -> None:
    assert chosen_config(RING, None, recipe=None, model=None, new_nodes=True) == automatic_config(
        RING, None, expects_new_nodes=True
    )


@pytest.mark.parametrize(("name", "model"), [("cora", None), (None, ModelConfig())])
def test_new_nodes_are_expected_only_where_the_model_is_chosen(name: str | None, model: ModelConfig | None) -> None:
    with pytest.raises(InvalidGraph, match=r"expects_new_nodes is for the automatic choice.*Leave it out, or"):
        chosen_config(RING, None, recipe=name, model=model, new_nodes=True)
