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
    run_id = registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    assert registry.pages.keep(graph, run_name, page, outcome="kept") == run_id
    address = registry.pages.address(run_id, registry.server.tracking_uri)
    assert address.endswith(f"/{REPORT}")
    assert kept(address) == "<p>first</p>"
    page.write_text("<p>second</p>")
    registry.pages.keep(graph, run_name, page, outcome="kept")
    assert kept(address) == "<p>second</p>"


def test_a_night_without_a_run_has_its_report_beside_the_graphs_runs_and_not_among_them(
    doors: Doors, graph: str, run_name: str, page: Path
) -> None:
    registry = doors.registry
    run_id = registry.pages.keep(graph, run_name, page, outcome="refused")
    assert registry.pages.keep(graph, run_name, page, outcome="refused") == run_id
    assert registry.runs.find(graph, run_name) is None
    run = registry.server.client.get_run(run_id)
    assert (run.info.status, run.data.tags["ncnc.outcome"]) == ("FINISHED", "refused")
    assert kept(registry.pages.address(run_id, registry.server.tracking_uri)) == "<p>first</p>"
    # Once the delivery is mended the night has a run, and its report goes there.
    own = registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    assert registry.pages.keep(graph, run_name, page, outcome="kept") == own


def test_the_address_is_that_of_the_pages_people_open_without_a_password(
    doors: Doors, graph: str, run_name: str
) -> None:
    run_id = doors.registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    experiment = doors.registry.server.client.get_run(run_id).info.experiment_id
    address = doors.registry.pages.address(run_id, "https://me:secret@models.example/")
    assert address == f"https://models.example/#/experiments/{experiment}/runs/{run_id}/artifactPath/{REPORT}"


def test_the_newest_value_of_every_metric_is_read(doors: Doors, graph: str, run_name: str) -> None:
    run_id = doors.registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    for step, loss in enumerate((0.7, 0.5)):
        doors.registry.runs.log_metrics(run_id, {"loss": loss}, step=step)
    assert doors.registry.runs.metrics(run_id) == {"loss": 0.5}


def test_the_index_has_one_run_apart_and_one_address_for_good(doors: Doors, graph: str, page: Path) -> None:
    pages = doors.registry.pages
    assert pages.index_run(graph) is None
    run_id = pages.keep_index(graph, page)
    address = pages.index_address(run_id, doors.environment.mlflow_pages)
    assert address.endswith("/report/nights.html")
    assert kept(address) == "<p>first</p>"
    page.write_text("<p>second</p>")
    assert pages.keep_index(graph, page) == run_id == pages.index_run(graph)
    assert kept(address) == "<p>second</p>"
    assert doors.registry.server.client.get_experiment_by_name(graph) is None  # it is no run of the graph


def test_a_nights_page_is_found_where_it_is_and_its_place_holds_under_any_address(
    doors: Doors, graph: str, run_name: str, page: Path
) -> None:
    pages = doors.registry.pages
    assert pages.place_of(graph, run_name) == ""
    run_id = pages.keep(graph, run_name, page, outcome="refused")
    place = pages.place_of(graph, run_name)
    assert place == pages.place(run_id)
    address = pages.address(run_id, "https://me:secret@models.example/")
    assert pages.at(place, "https://me:secret@models.example/") == address
    assert pages.at(place, "sqlite:///mlflow.db") == pages.at("", "https://models.example") == ""
