from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from pipeline.evaluation.anchor import anchor_scores
from pipeline.evaluation.compared_models import ComparedModels
from pipeline.evaluation.comparison import Comparison, FreshPairs, compare
from pipeline.evaluation.shadow import Edges
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import AnchorScores
from pipeline.registry.facts import ModelVersion
from pipeline.runs.anchor import Anchor
from pipeline.runs.incumbent import Incumbent
from tests.fixtures.house import FIRST_NIGHT

# Node 5 has no edge, so that the last positive is cold.
GRAPH = Adjacency.from_edges(torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]]), 6)
PAIRS = FreshPairs(
    torch.tensor([[0, 1, 0, 5], [2, 3, 3, 0]]), torch.tensor([[0, 1, 2, 5], [4, 4, 4, 1]]), torch.zeros(4), 4, 0, ""
)


def version(number: int) -> ModelVersion:
    return ModelVersion("small", number, "run", "model", "5" * 64, "small-x", FIRST_NIGHT, (), {})


@pytest.fixture
def models(make_model: Callable[..., Path]) -> Callable[[Anchor | None], ComparedModels]:
    model = LinkModel.load(make_model([10, 20, 30, 40]))
    champion = Incumbent(version(2), model, "")
    return lambda anchor: ComparedModels(model, champion, None, None, anchor)


def outcome(*wrong: str) -> Comparison:
    """Score positives above negatives, and the other way round by those who are wrong."""

    def ranking(sign: float) -> Callable[[torch.Tensor], torch.Tensor]:
        good = {tuple(pair) for pair in PAIRS.positives.T.tolist()}
        return lambda pairs: torch.tensor([sign * (tuple(pair) in good) for pair in pairs.T.tolist()])

    names = ("challenger", "champion", "anchor")
    return compare(PAIRS, {name: ranking(-1.0 if name in wrong else 1.0) for name in names}, EvaluateParams())


def measured(models: ComparedModels, edges: Edges = "all", *wrong: str) -> AnchorScores | None:
    return anchor_scores(models, PAIRS, outcome(*wrong), GRAPH, EvaluateParams(), edges)


def test_the_challenger_is_held_against_the_anchor_on_the_edges_that_the_gate_reads(
    models: Callable[[Anchor | None], ComparedModels],
) -> None:
    before = models(Anchor(1, Incumbent(version(1), models(None).challenger, "")))
    found = [measured(before, edges, "challenger") for edges in ("all", "warm")]
    assert [one.paired.num_edges for one in found if one is not None and one.paired is not None] == [4, 3]
    assert all(one is not None and one.paired is not None and one.paired.difference.value == -0.5 for one in found)
    assert all(one is not None and one.scores is not None and one.scores.version == 1 for one in found)


def test_where_the_champion_is_the_anchor_it_is_scored_once(
    models: Callable[[Anchor | None], ComparedModels],
) -> None:
    asked = models(None)
    assert measured(asked) is None
    own = models(None)
    own = ComparedModels(own.challenger, own.champion, None, None, Anchor(2, own.champion))
    assert list(own.by_name) == ["challenger", "champion"]
    found = measured(own, "all", "champion")
    assert found is not None
    assert (found.version, found.scores) == (2, None)
    assert found.paired is not None
    assert found.paired.difference.value == 0.5


@pytest.mark.parametrize(
    ("anchor", "note"),
    [
        (Anchor(1, None, "The registry has no version 1"), "The registry has no version 1"),
        (
            Anchor(1, Incumbent(version(1), None, "it takes 3 node features")),
            "it takes 3 node features",
        ),
    ],
)
def test_an_anchor_that_cannot_be_scored_says_why(
    models: Callable[[Anchor | None], ComparedModels], anchor: Anchor, note: str
) -> None:
    without = compare(PAIRS, {"challenger": lambda pairs: pairs[0].double()}, EvaluateParams())
    found = anchor_scores(models(anchor), PAIRS, without, GRAPH, EvaluateParams(), "all")
    assert found == AnchorScores(version=1, note=note)
