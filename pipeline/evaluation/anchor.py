"""The anchor beside the champion: how much has been lost since the last model that was provably better."""

from __future__ import annotations

import torch

from ncnc_core.graph.adjacency import Adjacency
from pipeline.evaluation.compared_models import ComparedModels
from pipeline.evaluation.comparison import Comparison, FreshPairs
from pipeline.evaluation.shadow import Edges
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import AnchorScores


def anchor_scores(
    models: ComparedModels,
    pairs: FreshPairs,
    outcome: Comparison,
    graph: Adjacency,
    params: EvaluateParams,
    edges: Edges,
) -> AnchorScores | None:
    """Return challenger minus anchor on the edges that the gate reads; None where no anchor is asked for."""
    anchor = models.anchor
    if anchor is None:
        return None
    name = "anchor" if models.beside_champion is not None else "champion"
    if anchor.incumbent is None or name not in outcome.scored:
        reason = anchor.note or (anchor.incumbent.reason if anchor.incumbent is not None else "")
        return AnchorScores(version=anchor.version, note=reason)
    asked = torch.ones(pairs.positives.shape[1], dtype=torch.bool)
    if edges == "warm":
        asked = (graph.degree[pairs.positives] > 0).all(0)
    paired = outcome.difference("challenger", name, asked, pairs.positives, params)
    scores = outcome.scores[name].model_copy(update={"name": "anchor", "version": anchor.version})
    note = "" if paired is not None else "none of the test edges is warm"
    return AnchorScores(version=anchor.version, scores=scores if name == "anchor" else None, paired=paired, note=note)
