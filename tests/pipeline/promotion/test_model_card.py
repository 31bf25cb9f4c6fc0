from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.plain_text import markdown
from pipeline.promotion.model_card import LENGTH, REASONS, model_card
from pipeline.records.chain import Approval, EdgeSplit, PromotionDecision, RegisteredModel, TrainedModel, WarmStart
from pipeline.records.evaluation import EvaluationRecord, SensitivityResult
from pipeline.records.findings import RuleVerdict
from pipeline.records.scores import Interval, ModelScores, PairedComparison, SliceScores
from tests.fixtures.paired import paired
from tests.pipeline.conftest import chain_of, snapshot_record

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
HALF = Interval(value=0.5, low=0.4, high=0.6)
GAIN = Interval(value=0.02, low=0.01, high=0.03)


def card(
    *,
    evaluation: dict[str, Any] | None = None,
    trained: dict[str, Any] | None = None,
    decision: dict[str, Any] | None = None,
    approval: Approval | None = None,
    description: str = "Nightly NCNC link prediction",
) -> str:
    _, split, model, evaluated, decided = chain_of(
        snapshot_record("demo"), run_id="r", model_files=(), split={}, promote=True, champion_version=None
    )
    assert isinstance(split, EdgeSplit)
    assert isinstance(model, TrainedModel)
    assert isinstance(evaluated, EvaluationRecord)
    assert isinstance(decided, PromotionDecision)
    registered = RegisteredModel(
        decision_sha256="1" * 64, name="demo", version=3, model_id="m-1", previous_version=None, run_key="3" * 64,
        files=(),
    )  # fmt: skip
    return model_card(
        description,
        snapshot=snapshot_record("demo"),
        split=split,
        trained=model.model_copy(update=trained or {}),
        evaluation=evaluated.model_copy(update=evaluation or {}),
        decision=decided.model_copy(update=decision or {}),
        registered=registered,
        approval=approval,
        lineage_sha256="7" * 64,
    )


def test_card_says_what_it_is_from_what_how_good_and_how_to_load_it() -> None:
    text = card()
    for said in (
        "# demo version 3",
        "300 test edges that no scorer had seen and 3,000 negatives, the same for every scorer.",
        "Nightly NCNC link prediction",
        "Promoted by the gate alone; no person was asked.",
        "as of 2026-01-02 00:00 UTC: 4 nodes, 3 edges, 0 features",
        "split: hashed, 2 edges to train",
        "| challenger | 0.500 [0.400, 0.600] |",
        "cold start: held against the floor alone",
        "7" * 64,
        "ncnc audit model demo@3",
        'mlflow.pyfunc.load_model("models:/demo/3")',
        "| beats_floor | > 0.4 | 0.5 | yes |",
    ):
        assert said in text
    assert "slice" not in text.lower()  # none was measured
    assert "from random weights" in text


def test_card_shows_what_the_report_holds_more() -> None:
    champion = ModelScores(name="champion", version=2, metrics={"mrr": HALF, "ece": HALF})
    paired = PairedComparison(
        metric="mrr", difference=GAIN, p_value=0.00031, resampled_by="node", by_edge=GAIN, by_node=GAIN, num_edges=300,
        num_nodes=90,
    )  # fmt: skip
    slices = tuple(
        SliceScores(kind="degree", name=name, num_edges=50, metric="mrr", challenger=value, champion=None)
        for name, value in (("1-2", Interval(value=0.1, low=0.0, high=0.2)), ("3-9", HALF), ("empty", None))
    )
    fragile = SensitivityResult(
        scorer="challenger", change="remove", share=0.05, metric="mrr", value=GAIN, unchanged=0.5, rank_correlation=0.9
    )
    warm = WarmStart(version=2, as_of=AT, files=(), known_nodes=3, new_nodes=1, valid_edges_seen=0)
    text = card(
        evaluation={"champion": champion, "paired": paired, "slices": slices, "sensitivity": (fragile,)},
        trained={"warm_start": warm},
        decision={"cold_start": False},
    )
    assert "| scorer | mrr | ece |" in text
    assert "| champion (version 2) | 0.500 [0.400, 0.600] | 0.500 [0.400, 0.600] |" in text
    assert "Challenger minus champion, mrr: +0.0200 [+0.0100, +0.0300], p 0.00031, resampled by node." in text
    assert text.index("degree/1-2") < text.index("degree/3-9")  # the weakest first
    assert "degree/empty" not in text
    assert "remove 5% of the message edges at random, and its mrr goes from 0.500 to 0.020" in text
    assert "from the weights of version 2 (1 new nodes)" in text
    assert "cold start" not in text


def test_card_says_plainly_what_would_do_as_well_and_what_was_not_computed() -> None:
    """As where a person promotes against the gate's word, or the policy leaves a member of the floor out."""
    trees = ModelScores(name="boosted_trees", metrics={"mrr": HALF})
    text = card(
        evaluation={
            "floor": (trees,),
            "over_floor": {"boosted_trees": paired(0.0, -0.02, 0.02)},
            "floor_absent": {"last_activity": "no times divide the edges"},
        }
    )
    reached = "boosted_trees reaches MRR 0.500, the challenger 0.500"
    assert f"- {reached}: gradient boosting on pair features suffices here\n" in text
    assert "- of the floor not computed: last_activity (no times divide the edges)\n" in text
    assert "suffices" not in card()


def test_card_says_which_model_it_is_and_why_and_cuts_what_is_long() -> None:
    kept = {"predictor": "temporal_ncn", "recipe": "auto", "recipe_reasons": ("The edges have times.",)}
    said = "The model is temporal_ncn, chosen for tonight's graph (train.recipe: auto). The edges have times. 3 epochs"
    assert f"## Training\n\n{markdown(said)}" in card(trained={**kept, "epochs": 3})
    long = card(trained={**kept, "recipe_reasons": ("x" * 5000,)})
    assert REASONS - 100 < long.count("x") < REASONS
    assert "ncnc audit model demo@3" in long
    assert "The model is" not in card()  # a record of before this was kept


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        (Approval(who="ann", at=AT, reason="fine."), "Approved by ann on 2026-01-02 03:00 UTC: fine."),
        (
            Approval(who="ann", at=AT, reason="must", overridden="rejected by bob"),
            "**OVERRIDE: ann promoted this on 2026-01-02 03:00 UTC against an objection.** Reason given: must. "
            "Set aside: rejected by bob.",
        ),
    ],
)
def test_card_says_which_person_let_it_pass(approval: Approval, said: str) -> None:
    assert said in card(approval=approval)


def test_card_fits_a_description_and_keeps_what_must_not_be_missed() -> None:
    rules = tuple(
        RuleVerdict(name=f"rule_{number}", threshold="x" * 300, observed="y" * 300, passed=True) for number in range(40)
    )
    override = Approval(who="ann", at=AT, reason="z" * 5000, overridden="the gate\n| refused |" * 500)
    text = card(decision={"rules": rules}, approval=override, description="d" * 9000)
    assert len(text) <= LENGTH
    for said in ("OVERRIDE", "7" * 64, "load_model", "## Limits"):
        assert said in text
    assert "rule_0" not in text
