"""What DVC is given to compare."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from pipeline.records.evaluation import EvaluationCost, EvaluationRecord, SensitivityResult
from pipeline.records.measures import figures, measures, metrics_of, plot_definitions, write_measures
from pipeline.records.scores import Interval, ModelScores, SliceScores
from tests.fixtures import gate_evaluations
from tests.fixtures.night_stories import decision, evaluation, trained
from tests.fixtures.paired import paired

ROOT = Path(__file__).parents[3]


def test_metrics_are_flat_and_hold_every_scorer_the_difference_and_the_verdict() -> None:
    metrics = metrics_of(evaluation(), decision())
    assert metrics["challenger.mrr"] == 0.47
    assert metrics["champion.hits@10"] == evaluation().champion.metrics["hits@10"].value  # type: ignore[union-attr]
    assert metrics["cold_control.brier"] == 0.12
    assert metrics["adamic_adar.mrr"] == 0.33
    assert (metrics["difference.low"], metrics["difference.p_value"], metrics["promote"]) == (0.004, 0.012, 1)
    assert all(isinstance(value, int | float) for value in metrics.values())


def test_a_night_without_a_champion_has_no_difference() -> None:
    metrics = metrics_of(evaluation(champion=False))
    assert not [name for name in metrics if name.startswith(("champion.", "difference.", "promote"))]


def test_each_record_makes_its_own_files_and_a_missing_one_none() -> None:
    assert measures(None) == {}
    assert list(measures(trained())) == ["plots/training.csv"]
    assert measures(trained())["plots/training.csv"].splitlines()[:2] == [
        "epoch,loss,value",
        "1,0.7,0.09999999999999998",
    ]
    files = measures(evaluation())
    assert set(files) == {"metrics.json", "plots/scores.csv", "plots/slices.csv", "plots/reliability.csv"}
    assert files["plots/slices.csv"].splitlines()[1] == "degree/1-2,31,0.22,0.2"
    bare = evaluation().model_copy(update={"slices": (), "challenger": evaluation().floor[0]})
    assert measures(bare)["plots/slices.csv"] == "slice,edges,challenger,champion\n"
    assert measures(bare)["plots/reliability.csv"] == "stated,observed,weight\n"


def test_files_are_written_below_the_run_folder(tmp_path: Path) -> None:
    write_measures(tmp_path, trained(), evaluation())
    assert json.loads((tmp_path / "metrics.json").read_text())["test_edges"] == 245
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        "reliability.csv", "scores.csv", "slices.csv", "training.csv",
    ]  # fmt: skip


def test_the_committed_dvc_yaml_declares_these_plots_and_each_file_as_its_stages() -> None:
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    prefix = "runs/${snapshot.graph}-${night.run}/"
    assert declared["plots"] == plot_definitions(prefix)
    stages = declared["stages"]
    files = {next(iter(item)) for stage in stages.values() for item in stage.get("plots", [])}
    assert files == {f"{prefix}{name}" for name in measures(trained(), evaluation()) if name.startswith("plots/")}
    assert [next(iter(item)) for item in stages["evaluate"]["metrics"]] == [f"{prefix}metrics.json"]


def test_every_scorers_metrics_are_logged_with_their_bounds() -> None:
    def scores(name: str) -> ModelScores:
        return ModelScores(name=name, metrics={"hits@10": Interval(value=0.5, low=0.4, high=0.6)})

    evaluation = EvaluationRecord(
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
    logged = figures(evaluation)
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


def test_what_age_costs_is_logged_by_the_number_of_nights() -> None:
    logged = figures(evaluation())
    assert logged["staleness_model_7_loss"] == 0.021
    assert (logged["staleness_graph_1_loss_low"], logged["staleness_graph_1_mrr"]) == (0.011, 0.42)
    assert "staleness_model_0_loss" not in logged  # tonight's own is the challenger


def test_warm_and_cold_edges_are_logged_with_the_metrics_that_are_looked_at() -> None:
    logged = figures(gate_evaluations.evaluation(warm_and_cold=gate_evaluations.warm_and_cold(warm=300)))
    assert (logged["warm_edges"], logged["cold_edges"], logged["negatives_without_edge"]) == (300, 100, 0.35)
    assert (logged["warm_challenger_mrr"], logged["cold_challenger_mrr"]) == (0.65, 0.12)
    assert (logged["cold_adamic_adar_mrr"], logged["cold_attainable_mrr"]) == (0.4, 0.14)
    assert "warm_challenger_ece" not in logged
    assert not any(name.startswith(("warm", "cold")) for name in figures(gate_evaluations.evaluation()))
