from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.ledger.entries import NightEntry, PromotionsStopped
from pipeline.report.index_publishing import publish_index
from pipeline.report.kept_figures import KeptFigures, NightFigures
from pipeline.report.kept_index import current_needs, find_index, index_page, kept_figures
from tests.pipeline.report.test_trend import FIRST, entry


def test_the_index_is_found_on_this_machine_and_from_another_in_mlflow(
    doors: Doors, graph: str, tmp_path: Path
) -> None:
    assert find_index(doors, graph) is None
    publish_index(doors, graph)
    assert find_index(doors, graph) == str(index_page(doors, graph))
    elsewhere = Doors(Environment(dict(doors.environment.values) | {"NCNC_HOME": str(tmp_path / "other")}))
    found = find_index(elsewhere, graph)
    assert found is not None
    assert Path(found.removeprefix("file://")).name == "nights.html"
    assert Path(found.removeprefix("file://")).is_file()


def test_figures_that_were_changed_or_that_a_newer_version_wrote_count_as_none(
    doors: Doors, graph: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_index(doors, graph, NightFigures(run_name=f"{graph}-1"))
    assert [night.run_name for night in kept_figures(doors, graph).nights] == [f"{graph}-1"]
    monkeypatch.setattr(KeptFigures, "FORMAT", 1)  # this version reads less than what was written
    assert kept_figures(doors, graph).nights == ()
    monkeypatch.undo()
    run_id = doors.registry.pages.index_run(graph)
    assert run_id is not None
    doors.registry.server.client.set_tag(run_id, "ncnc.sha256.nights.json", "0" * 64)
    assert kept_figures(doors, graph).nights == ()


def test_what_needs_a_person_is_read_from_ledger_journal_and_mlflow(
    doors: Doors, graph: str, make_decided_run: Callable[..., object]
) -> None:
    pause = PromotionsStopped(graph=graph, version=None, until=None, at=FIRST, who="ada", why="a fair")
    for item in (entry(graph, 0, "kept"), entry(graph, 1, "refused"), pause):
        doors.ledger.append_made(graph, lambda _, item=item: (item,))  # type: ignore[misc]
    entries = doors.ledger.entries(graph)
    assert [need.kind for need in current_needs(doors, graph, entries)] == ["refused", "stopped"]
    assert all(isinstance(item, NightEntry | PromotionsStopped) for item in entries)
