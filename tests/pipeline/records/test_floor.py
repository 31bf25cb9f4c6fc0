from __future__ import annotations

import pytest

from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.floor import FLOOR_NAMES, best_unbeaten, not_computed, what_suffices
from tests.fixtures.gate_evaluations import evaluation, scores
from tests.fixtures.paired import paired

BEATEN = {name: paired(0.2, 0.16, 0.24) for name in FLOOR_NAMES}


def night(challenger: float, **unbeaten: float) -> EvaluationRecord:
    """Return an evaluation whose challenger is not provably better than these members of the floor."""
    return evaluation(
        challenger=scores("challenger", challenger),
        floor=tuple(scores(name, unbeaten.get(name, 0.1)) for name in FLOOR_NAMES),
        over_floor=BEATEN | {name: paired(challenger - value, -0.05, 0.05) for name, value in unbeaten.items()},
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (night(0.31), ""),
        (
            night(0.31, boosted_trees=0.33),
            "boosted_trees reaches MRR 0.330, the challenger 0.310: gradient boosting on pair features suffices here",
        ),
        (
            night(0.31, recent_common_neighbors=0.32, adamic_adar=0.315),
            "recent_common_neighbors reaches MRR 0.320, the challenger 0.310: a counting rule suffices here",
        ),
        (
            night(0.31, boosted_trees=0.30),
            "boosted_trees reaches MRR 0.300, the challenger 0.310, which is not provably more: nothing shows that "
            "more than gradient boosting on pair features is needed here",
        ),
        (evaluation(over_floor=None), ""),  # a record of before the floor was compared in pairs
    ],
)
def test_what_suffices_is_named_with_both_figures(found: EvaluationRecord, said: str) -> None:
    assert what_suffices(found, FLOOR_NAMES) == said


def test_only_the_members_that_are_asked_for_count_and_the_best_of_them_is_named() -> None:
    found = night(0.31, boosted_trees=0.33, adamic_adar=0.32, last_activity=0.315)
    names = [best_unbeaten(found, asked) for asked in (FLOOR_NAMES, FLOOR_NAMES[:4], ("common_neighbors",))]
    assert [one and one.name for one in names] == ["boosted_trees", "adamic_adar", None]


def test_what_was_not_computed_is_said_once_a_reason() -> None:
    absent = {"last_activity": "no times", "recent_popularity": "no times", "boosted_trees": "too few edges"}
    assert not_computed(absent, FLOOR_NAMES) == (
        "not computed: recent_popularity and last_activity (no times), not computed: boosted_trees (too few edges)"
    )
    assert not_computed(dict.fromkeys(absent, "no times"), FLOOR_NAMES) == (
        "not computed: 3 that read times (no times)"
    )
    assert not_computed(absent, FLOOR_NAMES[:4]) == ""
