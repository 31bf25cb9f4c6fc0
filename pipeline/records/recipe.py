"""The words for the recipe of a training: which model it is, who chose it, and why."""

from __future__ import annotations

from pipeline.records.chain import TrainedModel

CHOSEN_BY = {
    "auto": "chosen for tonight's graph (train.recipe: auto)",
    "given": "as params.yaml gives it (train.recipe: given)",
}


def recipe_sentences(trained: TrainedModel) -> tuple[str, ...]:
    """Say which model was trained, by which recipe, and why; nothing for a record of before this was kept."""
    if not trained.predictor:
        return ()
    by = CHOSEN_BY.get(trained.recipe, f"by the published recipe {trained.recipe} (train.recipe: {trained.recipe})")
    return (f"The model is {trained.predictor}, {by}.", *trained.recipe_reasons)
