from __future__ import annotations

from pipeline.evaluation_figures import figures
from pipeline.evaluation_parts import EvaluationCost, Interval, ModelScores, SensitivityResult, SliceScores
from pipeline.records import EvaluationReport
from tests.paired import paired


def test_every_scorers_metrics_are_logged_with_their_bounds() -> None:
    def scores(name: str) -> ModelScores:
        return ModelScores(name=name, metrics={"hits@10": Interval(value=0.5, low=0.4, high=0.6)})

    report = EvaluationReport(
        trained_model_sha256="a" * 64,
        num_test_edges=7,
        num_seen_by_champion=0,
        num_negatives=70,
        challenger=scores("challenger"),
        champion=scores("champion"),
        champion_note="",
        floor=(scores("adamic_adar"),),
        paired_metric="mrr",
        paired=paired(0.1, 0.0, 0.2),
        slices=(
            SliceScores(
                kind="degree", name="1-2", num_edges=3, metric="mrr", challenger=Interval(value=0.5, low=0.2, high=0.7)
            ),
            SliceScores(kind="node_age", name="cold", num_edges=0, metric="mrr", challenger=None),
        ),
        sensitivity=(
            SensitivityResult(
                scorer="challenger",
                change="remove",
                share=0.05,
                metric="mrr",
                value=Interval(value=0.4, low=0.3, high=0.5),
                unchanged=0.5,
                rank_correlation=0.9,
            ),
        ),
        costs=(EvaluationCost(part="scoring challenger", seconds=0.25, pairs=77),),
        certificate=(),
        snapshot_checks=(),
        seconds=1.0,
    )
    logged = figures(report)
    assert logged["challenger_hits_at_10"] == 0.5
    assert logged["champion_hits_at_10_low"] == 0.4
    assert logged["adamic_adar_hits_at_10_high"] == 0.6
    assert (logged["test_edges"], logged["paired_difference_high"]) == (7, 0.2)
    assert (logged["slice_degree_1-2_edges"], logged["slice_degree_1-2_challenger_mrr_low"]) == (3, 0.2)
    assert logged["slice_node_age_cold_edges"] == 0
    assert "slice_node_age_cold_challenger_mrr" not in logged
    assert logged["sensitivity_challenger_remove_0.05_mrr"] == 0.4
    assert logged["sensitivity_challenger_remove_0.05_rank_correlation"] == 0.9
    assert logged["cost_scoring_challenger_seconds"] == 0.25
    assert logged["paired_p_value"] == 0.01
