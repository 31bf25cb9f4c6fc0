from pipeline.report.drawing import look
from pipeline.report.figures import Estimate
from pipeline.report.temporal_figures import BinnedScores, bars, binned_figure
from tests.fixtures.night_stories import around


def test_bars_have_a_row_for_each_estimate_and_its_interval() -> None:
    one, three = (bars("b", [Estimate("overlap", around(0.2), look("challenger"))] * n, "fall") for n in (1, 3))
    assert (one.count("overlap</text>"), three.count("overlap</text>")) == (1, 3)
    filled = "fill: var(--challenger)"
    assert three.count(filled) == one.count(filled) + 2
    assert 'viewBox="0 0 380 152"' in three


def test_a_bin_without_edges_keeps_its_place_and_leaves_a_gap() -> None:
    def drawn(*values: bool) -> str:
        held = [around(0.4) if value else None for value in values]
        return binned_figure(
            "a", ["0-0.1", "2-8", "never"], [BinnedScores("challenger", look("challenger"), held)], "x", "MRR"
        )

    whole, gap = drawn(True, True, True), drawn(True, False, True)
    for svg in (whole, gap):
        places = [svg.index(f">{name}</text>") for name in ("0-0.1", "2-8", "never")]
        assert places == sorted(places)
        assert ">challenger</text>" in svg
    assert len(gap) < len(whole)
