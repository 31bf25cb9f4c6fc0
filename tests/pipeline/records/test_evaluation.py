from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.records.evaluation import AnchorScores, EvaluationRecord
from tests.fixtures.gate_evaluations import evaluation, scores, warm_and_cold
from tests.fixtures.paired import paired


def test_the_evaluation_on_warm_edges_has_their_figures_and_all_else_of_the_whole() -> None:
    whole = evaluation(warm_and_cold=warm_and_cold(warm=300, value=0.7))
    read = whole.on_warm_edges()
    assert (read.num_test_edges, read.challenger.metrics["mrr"].value) == (300, 0.7)
    assert read.paired != whole.paired
    assert (read.slices, read.certificate, read.champion) == (whole.slices, whole.certificate, whole.champion)


def test_edges_that_the_champion_has_seen_are_no_warm_test_edges_either() -> None:
    assert evaluation(num_test_edges=0, warm_and_cold=warm_and_cold(warm=300)).on_warm_edges().num_test_edges == 0


def test_without_warm_edges_there_is_no_test_edge_to_read() -> None:
    assert evaluation().on_warm_edges().num_test_edges == 0
    assert evaluation(warm_and_cold=warm_and_cold(warm=0)).on_warm_edges().num_test_edges == 0


def test_the_scorers_of_some_edges_are_found_by_their_names() -> None:
    part = warm_and_cold(warm=300).warm
    assert part is not None
    assert list(part.scores)[:2] == ["challenger", "champion"]
    assert part.scores["adamic_adar"] == scores("adamic_adar", 0.4)


def test_a_record_of_before_warm_edges_were_measured_apart_is_read() -> None:
    old = evaluation().model_dump(mode="json", exclude={"warm_and_cold"})
    assert EvaluationRecord.of_content(old, 3, "an old record").warm_and_cold is None


def test_an_evaluation_of_before_the_floor_read_times_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = json.loads(evaluation().to_json()) | {"format": 3}
    del content["floor_absent"]
    content["costs"] = [{"part": "slices", "seconds": 0.5, "pairs": 9}]
    text = json.dumps(content, indent=2) + "\n"
    (tmp_path / EvaluationRecord.file_name).write_text(text)
    old = EvaluationRecord.read(tmp_path)
    assert (old.floor_absent, old.costs[0].cpu_seconds) == ({}, None)
    assert old.to_json() == text  # and so its digest
    assert EvaluationRecord.read(evaluation(floor_absent={"last_activity": "no times"}).write(tmp_path).parent) == (
        evaluation(floor_absent={"last_activity": "no times"})
    )


@pytest.mark.parametrize(("low", "surpassed"), [(0.001, True), (0.0, False)])
def test_an_anchor_is_surpassed_by_what_is_shown_to_be_better(low: float, surpassed: bool) -> None:
    assert AnchorScores(version=1, paired=paired(0.05, low, 0.1)).surpassed is surpassed
    assert not AnchorScores(version=1, note="gone").surpassed
