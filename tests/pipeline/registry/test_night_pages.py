from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.doors import Doors
from pipeline.registry.night_pages import REPORT


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text("<p>first</p>")
    return path


def kept(address: str) -> str:
    return Path(address.removeprefix("file://")).read_text()


def test_a_nights_report_lies_in_its_own_run_and_a_later_one_takes_its_place(
    doors: Doors, graph: str, run_name: str, page: Path
) -> None:
    registry = doors.registry
    run_id = registry.open_run(graph, run_name, run_key="3" * 64, params={})
    assert registry.keep_report(graph, run_name, page, outcome="kept") == run_id
    address = registry.report_address(run_id, registry.tracking_uri)
    assert address.endswith(f"/{REPORT}")
    assert kept(address) == "<p>first</p>"
    page.write_text("<p>second</p>")
    registry.keep_report(graph, run_name, page, outcome="kept")
    assert kept(address) == "<p>second</p>"


def test_a_night_without_a_run_has_its_report_beside_the_graphs_runs_and_not_among_them(
    doors: Doors, graph: str, run_name: str, page: Path
) -> None:
    registry = doors.registry
    run_id = registry.keep_report(graph, run_name, page, outcome="refused")
    assert registry.keep_report(graph, run_name, page, outcome="refused") == run_id
    assert registry.find_run(graph, run_name) is None
    run = registry._client.get_run(run_id)
    assert (run.info.status, run.data.tags["ncnc.outcome"]) == ("FINISHED", "refused")
    assert kept(registry.report_address(run_id, registry.tracking_uri)) == "<p>first</p>"
    # Once the delivery is mended the night has a run, and its report goes there.
    own = registry.open_run(graph, run_name, run_key="3" * 64, params={})
    assert registry.keep_report(graph, run_name, page, outcome="kept") == own


def test_the_address_is_that_of_the_pages_people_open_without_a_password(
    doors: Doors, graph: str, run_name: str
) -> None:
    run_id = doors.registry.open_run(graph, run_name, run_key="3" * 64, params={})
    experiment = doors.registry._client.get_run(run_id).info.experiment_id
    address = doors.registry.report_address(run_id, "https://me:secret@models.example/")
    assert address == f"https://models.example/#/experiments/{experiment}/runs/{run_id}/artifactPath/{REPORT}"


def test_the_newest_value_of_every_metric_is_read(doors: Doors, graph: str, run_name: str) -> None:
    run_id = doors.registry.open_run(graph, run_name, run_key="3" * 64, params={})
    for step, loss in enumerate((0.7, 0.5)):
        doors.registry.log_metrics(run_id, {"loss": loss}, step=step)
    assert doors.registry.metrics(run_id) == {"loss": 0.5}
