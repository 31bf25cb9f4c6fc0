from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.entries import NightEntry
from pipeline.night import run_step
from pipeline.params.params import Params
from pipeline.records.graph_refresh import GraphRefresh
from pipeline.refreshes.refresh import RefusedRefresh
from pipeline.runs.folder import RunFolder
from pipeline.steps import refresh
from tests.fixtures.kept_nights import KeptNights


def step(nights: KeptNights, folder: RunFolder) -> GraphRefresh:
    record = run_step("refresh", folder, Params(), doors=nights.doors)
    assert isinstance(record, GraphRefresh)
    return record


def outcomes(nights: KeptNights) -> list[str]:
    entries = nights.doors.ledger.entries(nights.graph)
    return [entry.outcome for entry in entries if isinstance(entry, NightEntry)]


def champion(nights: KeptNights) -> int:
    return nights.doors.registry.aliases.of(nights.graph)["champion"]


@pytest.mark.slow
def test_kept_rejected_and_awaiting_nights_end_with_their_graph_served(nights: KeptNights) -> None:
    first = nights.promoted(1)
    with pytest.raises(NothingToDo, match="serves the newest graph already"):
        step(nights, first)  # a promoted version carries its night's graph
    for night, outcome in enumerate(("kept", "rejected", "awaiting"), start=2):
        folder = nights.ended(night, outcome)  # type: ignore[arg-type]
        record = step(nights, folder)
        assert (record.version, record.snapshot_tag, record.weights_of) == (night, nights.tags[-1], 1)
        assert champion(nights) == night
        assert step(nights, folder) == record  # a retry
    assert outcomes(nights) == ["promoted", "kept", "rejected", "awaiting"]
    assert "previous" not in nights.doors.registry.aliases.of(nights.graph)


def test_refused_failed_or_undecided_night_changes_nothing(nights: KeptNights) -> None:
    nights.promoted(1)
    undecided = nights.decided(2, promote=False, champion=1)
    with pytest.raises(NothingToDo, match="came to no decision yet: what is served stays"):
        step(nights, undecided)
    refused = nights.ended(3, "refused")
    with pytest.raises(NothingToDo, match="was refused: what is served stays"):
        step(nights, refused)
    assert champion(nights) == 1


def test_night_that_published_nothing_has_nothing_to_serve(nights: KeptNights, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / f"{nights.graph}-20260109T000000Z", nights.doors.registry)
    with pytest.raises(NothingToDo, match="has published no snapshot"):
        refresh.run(folder, Params(), doors=nights.doors)


def test_night_that_is_not_the_newest_any_more_leaves_the_newest_to_serve(nights: KeptNights) -> None:
    nights.promoted(1)
    late = nights.ended(2, "kept")
    nights.ended(3, "kept")
    with pytest.raises(NothingToDo, match=r"is not the newest snapshot any more, the newest is snap/.*ncnc refresh"):
        step(nights, late)


def test_refused_refresh_is_no_outcome_of_the_night(nights: KeptNights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.promoted(1)
    folder = nights.ended(2, "awaiting")

    def refused(*given: object, **named: object) -> None:
        raise RefusedRefresh("it collapsed")

    monkeypatch.setattr(refresh, "refresh", refused)
    with pytest.raises(InvalidInput, match="it collapsed"):
        step(nights, folder)
    assert outcomes(nights) == ["promoted", "awaiting"]
    assert not folder.has(GraphRefresh)
