from pathlib import Path

import pytest

from pipeline.checks.data_checks import DataChecks
from pipeline.checks.markdown import check_results, clear_check_results, write_check_results
from pipeline.checks.quality import RefusedDelivery
from pipeline.errors import InvalidInput
from pipeline.graphs.change_summary import ChangeSummary
from tests.fixtures.checked_nights import changed, checked
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import ring, square, triangle_with_tail

FILES = {"data_checks.json", "data_checks.txt", "change_report.json", "night_report.md"}


def test_report_says_what_changed_and_what_was_checked() -> None:
    tonight, before = delivered(ring(13)), delivered(ring(11))
    text = check_results(checked(tonight, before), changed(tonight, before)[1])
    assert text.startswith("# demo as of 2026-01-02 00:00 UTC\n\nThe delivery edges.parquet was accepted.")
    assert "| nodes | 11     | 13      | 2     | 0        | 0       |" in text
    assert "| edges | 11     | 13      | 3     | 0        | 1       |" in text
    assert "| edges against the previous snapshot " in text
    assert "| minimum_edge_ratio | ok      | 1.182 (13)" in text
    assert "nodes gaining the most edges" in text


def test_files_are_left_of_a_refused_night_too(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(delivered(square()))
    refused = caught.value
    assert isinstance(refused, RefusedDelivery)
    assert {path.name for path in write_check_results(tmp_path, refused.checks, refused.change)} == FILES
    assert (
        "refused: nothing of it was versioned.\n\n- bipartite: two colours"
        in (tmp_path / "night_report.md").read_text()
    )
    assert DataChecks.read(tmp_path).reasons[0].startswith("bipartite: ")
    assert ChangeSummary.read(tmp_path).two_colourable == 1.0
    clear_check_results(tmp_path)
    clear_check_results(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_night_whose_graph_could_not_be_built_leaves_no_changes(tmp_path: Path) -> None:
    with pytest.raises(RefusedDelivery) as caught:
        checked(delivered(square()), delivered(triangle_with_tail()))  # strings after integers
    assert caught.value.change is None
    written = write_check_results(tmp_path, caught.value.checks, caught.value.change)
    assert {path.name for path in written} == FILES - {"change_report.json"}
    assert "The graph could not be built" in (tmp_path / "night_report.md").read_text()
