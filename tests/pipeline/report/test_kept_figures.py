from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pipeline.doors import Doors
from pipeline.records.evaluation import EvaluationRecord
from pipeline.report import kept_figures
from pipeline.report.kept_figures import KeptFigures, NightFigures, figures_of, missing, read_figures
from pipeline.runs.folder import RunFolder
from tests.fixtures.night_stories import change, full_story, refused_story


def test_a_nights_figures_are_those_of_its_records() -> None:
    found = figures_of(full_story(), "#/x")
    evaluation = full_story().evaluation
    assert evaluation is not None
    assert evaluation.champion is not None
    assert (found.champion, found.champion_version) == (evaluation.champion.metrics["mrr"], 2)
    assert (found.floor_name, found.difference) == ("adamic_adar", evaluation.paired_difference)
    assert (found.edges, found.added_edges, found.removed_edges, found.nodes) == (14280, 120, 40, 3000)
    assert (found.train_seconds, found.evaluate_seconds, found.place) == (9.4, 4.2, "#/x")
    assert found.drift["degree_shift"] == 0.012
    assert evaluation.staleness is not None
    assert found.model_losses == {one.nights: one.loss for one in evaluation.staleness.models[1:]}
    assert found.graph_losses == {one.nights: one.loss for one in evaluation.staleness.graphs[1:]}
    kept = KeptFigures(graph="demo", nights=(found,))
    assert KeptFigures.of_text(kept.to_json(), "nights.json") == kept  # numbers of nights are text in JSON


def test_a_refused_night_has_the_volume_and_the_drift_that_its_checks_measured() -> None:
    found = figures_of(replace(refused_story(), change=change()), "")
    assert (found.edges, found.added_edges, found.champion, found.metric) == (14280, 120, None, "")
    assert found.drift["feature_shift"] == 0.61


def test_an_earlier_night_is_read_from_mlflow_and_one_without_a_run_has_nothing(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder = make_decided_run(doors, graph)
    doors.registry.runs.log_metrics(folder.require_mlflow_run(), {"graph.degree_shift": 0.1})
    found = read_figures(doors, graph, folder.name)
    assert (found.edges, found.test_edges, found.drift, found.place) == (3, 300, {"degree_shift": 0.1}, "")
    assert found.challenger == folder.get(EvaluationRecord).challenger.metrics["mrr"]
    nothing = read_figures(doors, graph, f"{graph}-20260109T000000Z")
    assert nothing == NightFigures(run_name=f"{graph}-20260109T000000Z")


def test_a_record_that_was_changed_leaves_out_its_own_figures_only(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder = make_decided_run(doors, graph)
    doors.registry.server.client.set_tag(
        folder.require_mlflow_run(), f"ncnc.sha256.{EvaluationRecord.file_name}", "0" * 64
    )
    found = read_figures(doors, graph, folder.name)
    assert (found.edges, found.challenger) == (3, None)


def test_figures_of_a_night_take_the_place_of_those_before() -> None:
    first = KeptFigures(graph="demo", nights=(NightFigures(run_name="b", nodes=1), NightFigures(run_name="a")))
    merged = first.having(NightFigures(run_name="b", nodes=2), NightFigures(run_name="c"))
    assert [(night.run_name, night.nodes) for night in merged.nights] == [("a", None), ("b", 2), ("c", None)]
    assert merged.to_json() == first.having(*reversed(merged.nights)).to_json()


def test_of_many_nights_that_are_missing_the_newest_few_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_figures, "READ_AT_ONCE", 2)
    kept = KeptFigures(graph="demo", nights=(NightFigures(run_name="c"),))
    assert missing(kept, ["a", "b", "c", "d"]) == ("d", "b")
