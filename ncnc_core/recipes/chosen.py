"""The settings of a training: those of a recipe that is named, or chosen for the graph."""

from __future__ import annotations

from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.recipes.automatic import AutomaticConfig, automatic_config
from ncnc_core.recipes.recipe import Recipe
from ncnc_core.recipes.recipe import recipe as named_recipe


def chosen_config(
    adjacency: Adjacency, features: Tensor | None, *, recipe: str | None, model: ModelConfig | None, new_nodes: bool
) -> Recipe | AutomaticConfig:
    """Return the settings of a recipe by its name, or those that fit the graph and what is said of it.

    Raises:
        InvalidGraph: new nodes are expected, and the model is not chosen here; or there is no such recipe.
    """
    if new_nodes and (recipe or model):
        raise InvalidGraph(
            "expects_new_nodes is for the automatic choice of a model, but recipe or model was given. Leave it out, or "
            "leave them out."
        )
    if recipe:
        return named_recipe(recipe)
    return automatic_config(adjacency, features, model=model, expects_new_nodes=new_nodes)
