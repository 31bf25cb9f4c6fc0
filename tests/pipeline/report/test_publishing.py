from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.origin.data_repository import create_data_repository
from pipeline.report.publishing import publish_report
from pipeline.runs.folder import RunFolder
from tests.fixtures.night_stories import checks


@pytest.fixture
def house(tmp_path: Path, tracking_uri: str) -> Doors:
    """Doors to a data repository with its first commit, from which the branch of nights takes DVC's settings."""
    origin = tmp_path / "data.git"
    create_data_repository(str(origin), str(tmp_path / "remote"))
    values = {
        "NCNC_HOME": str(tmp_path / "home"),
        "NCNC_DATA_REPOSITORY": str(origin),
        "MLFLOW_TRACKING_URI": tracking_uri,
    }
    return Doors(Environment(values))


def test_a_decided_nights_report_is_in_its_folder_in_mlflow_and_its_figures_under_a_tag(
    house: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder = make_decided_run(house, graph)
    made = publish_report(folder, house)
    text = (folder.path / "report.html").read_text()
    assert "Passed the gate" in text
    assert made.copy == house.environment.home / "reports" / f"{folder.name}.html"
    assert made.copy.read_text() == Path(made.address.removeprefix("file://")).read_text() == text
    assert made.tag == f"night/{folder.name}"
    assert publish_report(folder, house) == made


def test_a_refused_night_has_a_page_and_no_tag(house: Doors, graph: str, run_name: str) -> None:
    folder = RunFolder(house.environment.home / "runs" / run_name, house.registry)
    checks("too few edges").write(folder.path)
    made = publish_report(folder, house)
    assert (made.outcome, made.tag) == ("refused", None)
    assert "too few edges" in made.page.read_text()
    assert "too few edges" in Path(made.address.removeprefix("file://")).read_text()
