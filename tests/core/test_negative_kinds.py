from __future__ import annotations

from typing import get_args

from ncnc_core.negative_kinds import EvaluationNegative, NegativeKind


def test_what_can_be_drawn_to_train_against_can_be_ranked_against_as_well() -> None:
    assert set(get_args(NegativeKind)) < set(get_args(EvaluationNegative))
