from __future__ import annotations

import pytest

from benchmarks.quality.featureless import FEATURELESS_DATA, featureless
from benchmarks.quality.protocol import FEATURELESS, PROTOCOLS


def test_every_graph_without_features_has_a_configuration() -> None:
    assert list(FEATURELESS_DATA) == [name for name, protocol in PROTOCOLS.items() if protocol is FEATURELESS]


@pytest.mark.parametrize("data", FEATURELESS_DATA)
def test_predictors_of_one_graph_differ_in_the_predictor_alone(data: str) -> None:
    plain, completed = featureless(data, "ncn"), featureless(data, "ncnc")
    assert plain.model.node_embedding == "only"
    assert completed.model.model_copy(update={"predictor": "ncn"}) == plain.model
    assert completed.training == plain.training
    assert featureless(data, "ncn", beta=2.0).model == plain.model.model_copy(update={"beta": 2.0})
