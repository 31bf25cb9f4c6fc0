from pipeline.report.graph_figures import degree_figure, degree_range, drift_figure
from tests.fixtures.night_stories import change, trend


def test_degrees_are_named_by_their_range() -> None:
    counts = change().degree_counts
    assert [degree_range(item) for item in counts[:4]] == ["0", "1", "2-3", "4-7"]
    svg = degree_figure("d", counts)
    assert ">tonight</text>" in svg
    assert ">previous snapshot</text>" in svg


def test_a_first_snapshot_has_no_previous_degrees() -> None:
    first = [item.model_copy(update={"before": 0}) for item in change().degree_counts]
    assert "previous snapshot" not in degree_figure("d", first)


def test_drift_is_drawn_with_the_limits_that_the_checks_hold() -> None:
    svg = drift_figure("d", trend(), "edge_ratio", (0.7, 2.0))
    assert ">limit 0.7</text>" in svg
    assert ">limit 2</text>" in svg
    assert "limit" not in drift_figure("d", trend(), "edge_ratio", ())
