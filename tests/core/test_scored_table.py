from __future__ import annotations

import re

import pandas as pd
import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.scored_table import DEFAULTS, answered

IDS = ["anna", "bert", "carl", "dora", "emil", "fred"]
EDGES = torch.tensor([[0, 1, 2, 3, 0, 4], [1, 2, 3, 4, 2, 5]])


def model(*, features: bool = False, calibrated: bool = False) -> LinkModel:
    given = torch.rand(6, 3, generator=torch.Generator().manual_seed(1)) if features else None
    config = ModelConfig(hidden_channels=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = LinkNetwork(config, num_features=3 if features else 0).eval()
    calibration = ScoreCalibration(2.0, -0.5) if calibrated else None
    return LinkModel(config, network, Adjacency.from_edges(EDGES, 6), given, IDS, calibration)


PAIRS = pd.DataFrame({"source": ["anna", "bert", "emil"], "target": ["dora", "emil", "anna"]}, index=[7, 7, 9])


def test_scores_come_row_for_row_in_the_order_of_the_table() -> None:
    found = answered(model(), PAIRS.assign(other=1))
    assert list(found) == ["source", "target", "score"]
    assert found["score"].dtype == "float32"
    assert found["source"].tolist() == PAIRS["source"].tolist()
    expected = model().score_ids(PAIRS["source"], PAIRS["target"])
    assert found["score"].tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize("task", ["score", "recommend"])
def test_probabilities_are_those_of_the_calibration_at_the_prior(task: str) -> None:
    asked = {"task": task, "probability": True, "prior": 0.02}
    found = answered(model(calibrated=True), PAIRS, asked)
    expected = ScoreCalibration(2.0, -0.5).probability(torch.tensor(found["score"].tolist()), 0.02)
    assert found["probability"].tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    with pytest.raises(InvalidGraph, match=r"no calibration \(None\).*Use scores, or retrain"):
        answered(model(), PAIRS, asked)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("anna", "zoe", "the target 'zoe' is unknown to the model, which has 6 nodes"),
        (None, "anna", "the source is missing"),
        (pd.NA, "anna", "the source is missing"),
        (["anna"], "anna", "the source is ['anna'], which is neither a whole number nor text"),
        ("anna", "anna", "source and target are the same node 'anna'"),
    ],
)
def test_a_row_without_a_score_is_named_or_says_why(source: object, target: object, reason: str) -> None:
    table = pd.DataFrame({"source": ["anna", source], "target": ["dora", target]})
    with pytest.raises(
        InvalidGraph, match=rf"1 of 2 rows have no score \(row 1, .*: {re.escape(reason)}\)\. Leave them out"
    ):
        answered(model(), table)
    found = answered(model(calibrated=True), table, {"unscored": "null", "probability": True})
    assert found["score"].isna().tolist() == found["probability"].isna().tolist() == [False, True]
    assert found["reason"].tolist() == ["", reason]
    assert answered(model(), table.iloc[1:], {"unscored": "null"})["reason"].tolist() == [reason]


def test_an_unknown_node_is_scored_by_the_features_that_come_with_it() -> None:
    table = pd.DataFrame({"source": ["zoe", "anna", "zoe"], "target": ["anna", "dora", "bert"]})
    values = [[0.1, 0.2, 0.3], None, [0.1, 0.2, 0.3]]
    found = answered(model(features=True), table.assign(source_features=values))
    grown = model(features=True).updated(new_nodes=["zoe"], features=[[0.1, 0.2, 0.3]])
    expected = grown.score_ids(table["source"], table["target"])
    assert found["score"].tolist() == pytest.approx(expected.tolist())
    best = answered(
        model(features=True), table.iloc[:1].assign(source_features=values[:1]), {"task": "recommend", "k": 2}
    )
    assert best["target"].tolist() == [row.target for row in grown.recommend("zoe", 2)]
    with pytest.raises(InvalidGraph, match=r"row 0.*'zoe' is unknown.*a column source_features with its 3 numbers"):
        answered(model(features=True), table)
    with pytest.raises(InvalidGraph, match=r"'zoe' comes with two lists of features.*Give it one"):
        answered(model(features=True), table.assign(source_features=[[0.1, 0.2, 0.3], None, [0.0, 0.2, 0.3]]))
    with pytest.raises(InvalidGraph, match=r"new nodes have features of shape \[1, 2\].*Give the same columns"):
        answered(model(features=True), table.iloc[:1].assign(source_features=[[0.1, 0.2]]))


def test_partners_are_recommended_to_each_source_alone() -> None:
    nodes = pd.DataFrame({"source": ["bert", "fred"]})
    found = answered(model(), nodes, {"task": "recommend", "k": 2})
    expected = model().recommend(["bert", "fred"], 2).to_frame()
    assert found["target"].tolist() == expected["target"].tolist()
    assert list(found) == ["source", "target", "rank", "score"]
    short = answered(model(), nodes, {"task": "recommend", "k": 99, "candidates_per_node": 1})
    assert len(short) <= len(answered(model(), nodes, {"task": "recommend", "k": 99}))
    with pytest.raises(InvalidGraph, match=r"1 of 1 rows name no node \(row 0, .*'zoe' is unknown to the model"):
        answered(model(), pd.DataFrame({"source": ["zoe"]}), {"task": "recommend"})


def test_the_parts_of_an_explained_score_add_up_to_it() -> None:
    found = answered(model(), PAIRS, {"task": "explain"})
    assert list(found) == ["source", "target", "score", "role", "node", "weight", "contribution"]
    for (source, target), parts in found.groupby(["source", "target"]):
        score = float(model().score_ids([source], [target]))
        assert parts["score"].tolist() == pytest.approx([score] * len(parts), abs=1e-5)
        assert parts["contribution"].sum() == pytest.approx(score, abs=1e-3)
        assert {"base", "pair"} <= set(parts["role"])
    assert answered(model(), PAIRS.iloc[:0], {"task": "explain"}).empty


@pytest.mark.parametrize(
    ("params", "columns", "message"),
    [
        ({"task": "guess"}, ["source", "target"], r"'score', 'recommend' or 'explain', but it is 'guess'\. Give one"),
        ({"unscored": "drop"}, ["source", "target"], r"'refuse' or 'null', but it is 'drop'\. Give one"),
        (
            {},
            ["source"],
            r"no column 'target', only \['source'\]\. Pass a DataFrame with the columns source and target",
        ),
        ({"task": "recommend"}, ["target"], r"no column 'source', only \['target'\]\. Pass a DataFrame"),
        ({"task": "recommend", "k": 0}, ["source"], r"k is 0\. Ask for k=1 or more"),
    ],
)
def test_what_cannot_be_answered_is_refused(params: dict[str, object], columns: list[str], message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        answered(model(), PAIRS[columns], params)


def test_every_parameter_has_a_default_that_means_the_plain_scores() -> None:
    assert answered(model(), PAIRS, DEFAULTS).equals(answered(model(), PAIRS))
