from __future__ import annotations

from pipeline.records import EvaluationReport, Interval, ModelScores
from pipeline.steps.evaluate import figures
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
        certificate=(),
        snapshot_checks=(),
        seconds=1.0,
    )
    logged = figures(report)
    assert logged["challenger_hits_at_10"] == 0.5
    assert logged["champion_hits_at_10_low"] == 0.4
    assert logged["adamic_adar_hits_at_10_high"] == 0.6
    assert (logged["test_edges"], logged["paired_difference_high"]) == (7, 0.2)
