from __future__ import annotations

from collections.abc import Callable

from pipeline.doors import Doors
from pipeline.ledger.entries import NightEntry
from pipeline.params.decide import DecideParams
from pipeline.params.params import Params
from pipeline.records.chain import PromotionDecision
from pipeline.runs.folder import RunFolder
from pipeline.steps import decide

STRICT = Params(decide=DecideParams(minimum_test_edges=10**6))


def undecided(make_decided_run: Callable[..., RunFolder], doors: Doors, graph: str) -> RunFolder:
    """A run that stands where `decide` begins, on a machine that has no decision."""
    folder = make_decided_run(doors, graph)
    (folder.path / PromotionDecision.file_name).unlink()
    return RunFolder(folder.path, None)


def entries(doors: Doors, graph: str) -> list[NightEntry]:
    return [entry for entry in doors.ledger.entries(graph) if isinstance(entry, NightEntry)]


def test_night_that_promotes_nothing_is_entered_once_with_the_broken_rules(
    make_decided_run: Callable[..., RunFolder], doors: Doors, graph: str
) -> None:
    folder = undecided(make_decided_run, doors, graph)
    decision = decide.run(folder, STRICT, doors=doors)
    assert not decision.promote
    (entry,) = entries(doors, graph)
    assert (entry.outcome, entry.completed) == ("refused", True)  # there is no champion to keep
    assert "enough_test_edges" in entry.reason
    assert decide.run(folder, STRICT, doors=doors) == decision
    assert len(entries(doors, graph)) == 1


def test_kill_between_ledger_and_record_leaves_one_entry_after_the_retry(
    make_decided_run: Callable[..., RunFolder], doors: Doors, graph: str
) -> None:
    folder = undecided(make_decided_run, doors, graph)
    first = decide.run(folder, STRICT, doors=doors)
    (folder.path / PromotionDecision.file_name).unlink()  # the entry was made, the record was not
    assert decide.run(folder, STRICT, doors=doors) == first
    assert len(entries(doors, graph)) == 1
