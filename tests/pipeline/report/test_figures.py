import pytest

from pipeline.records.chain import EpochPoint
from pipeline.report.drawing import look
from pipeline.report.figures import (
    NARROW,
    Estimate,
    forest,
    reliability_figure,
    sensitivity_figure,
    training_figure,
    trend_figure,
)
from tests.fixtures.night_stories import around, evaluation, trained, trend


def test_a_forest_has_a_row_for_each_estimate() -> None:
    svg = forest("f", [Estimate("degree: 1-2 (31)", around(0.2), look("challenger"))] * 7, "MRR", zero=True)
    assert svg.count("degree: 1-2 (31)</text>") == 7
    assert 'viewBox="0 0 380 256"' in svg


@pytest.mark.parametrize("count", [1, 2, 30])
def test_a_trend_dates_tonight_however_many_nights_there_are(count: int) -> None:
    wide, narrow = trend_figure("t", trend(count), "mrr"), trend_figure("n", trend(count), "mrr", width=NARROW)
    for svg in (wide, narrow):
        assert "05 Mar</text>" in svg
        assert ">promoted</text>" in svg
    assert narrow.count("Mar</text>") + narrow.count("Feb</text>") <= 5


def test_the_best_epoch_is_marked_also_where_not_every_epoch_was_evaluated() -> None:
    sparse = [item if item.epoch % 5 == 0 else item.model_copy(update={"value": None}) for item in trained().history]
    assert "the best, 20" in training_figure("t", sparse, 20, "mrr")
    assert "the best, 1" in training_figure("t", [EpochPoint(epoch=1, loss=0.7, value=None, seconds=1)], 1, "mrr")


def test_reliability_leaves_out_bins_without_pairs() -> None:
    scores = evaluation().challenger
    empty = [item.model_copy(update={"weight": 0.0}) for item in scores.reliability[5:]]
    half = scores.model_copy(update={"reliability": (*scores.reliability[:5], *empty)})
    filled = "fill: var(--challenger); fill-opacity"
    assert reliability_figure("r", [scores]).count(filled) == reliability_figure("r", [half]).count(filled) + 5


def test_sensitivity_goes_from_most_removed_to_most_added() -> None:
    svg = sensitivity_figure("s", evaluation().sensitivity, "mrr")
    places = [svg.index(f">{label}</text>") for label in ("-5%", "-1%", "as it is", "+1%", "+5%")]
    assert places == sorted(places)
