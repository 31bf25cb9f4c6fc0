from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.report import index_publishing, kept_figures
from pipeline.report.index_publishing import publish_index
from pipeline.report.kept_figures import KeptFigures, NightFigures, read_figures
from pipeline.report.kept_index import kept_figures as read_kept
from pipeline.runs.folder import RunFolder
from tests.pipeline.report.test_trend import FIRST, entry


def links(page: str) -> list[str]:
    return re.findall(r'<a href="([^"]+)"', page)


@pytest.fixture
def nights(doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]) -> list[str]:
    """Return the names of two nights of the ledger: one that was decided, and one that was refused."""
    make_decided_run(doors, graph, as_of=FIRST)
    made = [entry(graph, 0, "promoted", version=1), entry(graph, 1, "refused")]
    for item in made:
        doors.ledger.append(item)
    return [item.run_name for item in made]


def test_the_index_lies_beside_the_nights_pages_and_in_mlflow_and_a_second_call_makes_the_same(
    doors: Doors, graph: str, nights: list[str]
) -> None:
    made = publish_index(doors, graph)
    assert made.page == doors.environment.home / "reports" / f"{graph}.html"
    text = made.page.read_text()
    assert "✓</span> promoted" in text
    assert "0.500" in text  # the floor of the decided night, from its records
    assert [need.kind for need in made.needs] == ["refused"]
    assert "✗</span> refused" in Path(made.address.removeprefix("file://")).read_text()
    assert publish_index(doors, graph) == made
    assert made.page.read_text() == text


def test_a_night_links_to_its_page_on_this_machine_or_to_the_one_in_mlflow(
    doors: Doors, graph: str, nights: list[str], tmp_path: Path
) -> None:
    pages = "https://models.example"
    doors = Doors(Environment(dict(doors.environment.values) | {"NCNC_MLFLOW_PAGES": pages}), clock=doors.clock)
    report = tmp_path / "report.html"
    report.write_text("a page")
    doors.registry.pages.keep(graph, nights[0], report, outcome="promoted")
    folder = doors.environment.home / "reports"
    folder.mkdir(parents=True)
    (folder / f"{nights[1]}.html").write_text("a page")
    made = publish_index(doors, graph)
    there = doors.registry.pages.place_of(graph, nights[0])
    assert links(made.page.read_text()) == [f"{nights[1]}.html", f"{nights[1]}.html", f"{pages}/{there}"]
    assert made.address.startswith(f"{pages}/#/experiments/")
    run_id = doors.registry.pages.index_run(graph)
    assert run_id is not None
    with doors.registry.server.artifacts(run_id).fetched("report/nights.html") as page:
        assert page is not None
        in_mlflow = links(page.read_text())
    assert in_mlflow[-1] == f"{pages}/{there}"
    assert all(address.startswith(("https://", "file://")) for address in in_mlflow)


def test_what_is_kept_is_not_read_again_and_of_what_is_missing_a_bounded_part_is(
    doors: Doors, graph: str, nights: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(doors: Doors, graph: str, run_name: str) -> NightFigures:
        read.append(run_name)
        return read_figures(doors, graph, run_name)

    monkeypatch.setattr(index_publishing, "read_figures", counted)
    monkeypatch.setattr(kept_figures, "READ_AT_ONCE", 1)
    for expected in ([nights[1]], [nights[1], nights[0]], [nights[1], nights[0]]):
        publish_index(doors, graph)
        assert read == expected
    publish_index(doors, graph, NightFigures(run_name=nights[0], nodes=7))  # made again: its figures are handed in
    assert read_kept(doors, graph).by_night[nights[0]].nodes == 7
    assert len(read) == 2


def test_the_night_that_another_call_overwrote_comes_back_with_the_next_one(
    doors: Doors, graph: str, nights: list[str], tmp_path: Path
) -> None:
    publish_index(doors, graph)
    run_id = doors.registry.pages.index_run(graph)
    assert run_id is not None
    path = KeptFigures(graph=graph).write(tmp_path)  # as of a call that began before the nights were there
    doors.registry.runs.put_file(run_id, path, path.name)
    publish_index(doors, graph)
    assert sorted(read_kept(doors, graph).by_night) == nights
