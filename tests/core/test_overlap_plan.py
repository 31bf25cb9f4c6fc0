from __future__ import annotations

from typing import Any

import pytest

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_network import LinkNetwork
from ncnc_core.model_config import ModelConfig
from ncnc_core.overlap_plan import OverlapPlan


def plan(training: bool = False, **changes: Any) -> OverlapPlan:
    return OverlapPlan.of(LinkNetwork(ModelConfig(hidden_channels=4, **changes), num_features=3).train(training))


@pytest.mark.parametrize(
    ("changes", "common", "depth", "completes", "keep"),
    [
        ({"predictor": "gae"}, False, 0, False, None),
        ({"predictor": "gae", "pair_structure": True}, True, 0, False, None),
        ({"predictor": "gae_cn"}, True, 0, False, None),
        ({"predictor": "ncn"}, True, 0, False, None),
        ({"predictor": "ncn_diff"}, True, 1, False, None),
        ({"predictor": "ncnc", "completion_depth": 2, "completion_max_neighbors": 5}, True, 2, True, 5),
        ({"predictor": "ncnc", "completion_alpha": 0.0}, True, 0, True, 16),  # switched off: nothing to complete
    ],
)
def test_plan_holds_what_the_predictor_asks_for(
    changes: dict[str, Any], common: bool, depth: int, completes: bool, keep: int | None
) -> None:
    found = plan(**changes)
    assert (found.common, found.one_sided_depth, found.completes, found.keep) == (common, depth, completes, keep)


def test_edges_are_dropped_in_training_alone() -> None:
    dropping = {"predictor": "ncn", "predictor_edge_dropout": 0.25, "symmetric_edge_dropout": True}
    assert plan(training=True, **dropping).edge_dropout == 0.25
    assert plan(training=True, **dropping).symmetric_edge_dropout
    assert plan(**dropping).edge_dropout == 0.0


@pytest.mark.parametrize("as_published", [False, True])
def test_known_edge_completes_itself_only_as_published(as_published: bool) -> None:
    assert plan(score_known_edges_as_published=as_published).skip_other is not as_published


def test_two_step_neighborhoods_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"predictor ncn2 has no sampled mode.*Set predictor: ncnc or ncn"):
        plan(predictor="ncn2")
