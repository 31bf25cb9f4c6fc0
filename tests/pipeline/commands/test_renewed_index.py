"""What a person does between two nights is on the index at once."""

from __future__ import annotations

import logging

import pytest

from pipeline.commands.renewed_index import renew_index
from pipeline.errors import OutsideTrouble
from pipeline.report import index_publishing
from pipeline.report.index_publishing import publish_index
from pipeline.report.kept_index import index_page
from tests.fixtures.kept_nights import KeptNights
from tests.pipeline.commands.test_refresh import call


def test_each_command_by_which_a_person_decides_is_on_the_index_at_once(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    page = publish_index(nights.doors, nights.graph).page
    of_graph = ("--graph", nights.graph, "--who", "ann", "--reason")
    for number, command in enumerate((
        ("registry", "pause"), ("registry", "resume"), ("registry", "pin", "1"), ("registry", "unpin"), ("refresh",),
    )):  # fmt: skip
        why = f"reason number {number}"
        assert why not in page.read_text()
        assert call(nights, *command, *of_graph, why)[0] == 0
        assert why in page.read_text(), command


def test_index_that_nobody_made_is_not_begun(nights: KeptNights) -> None:
    nights.promoted(1)
    renew_index(nights.graph, nights.doors)
    assert not index_page(nights.doors, nights.graph).exists()


def test_index_that_cannot_be_made_is_a_warning_for_what_was_done_is_done(
    nights: KeptNights, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nights.promoted(1)
    before = publish_index(nights.doors, nights.graph).page.read_text()

    def no_answer(*_: object) -> None:
        raise OutsideTrouble("MLflow gives no answer. Start it.")

    monkeypatch.setattr(index_publishing, "publish_index", no_answer)
    with caplog.at_level(logging.WARNING):
        renew_index(nights.graph, nights.doors)
    assert "the index of all nights is as it was before this: MLflow gives no answer. Start it." in caplog.text
    assert index_page(nights.doors, nights.graph).read_text() == before
