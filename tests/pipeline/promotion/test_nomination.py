from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.doors import Doors
from pipeline.errors import NothingToDo
from pipeline.ledger.approvals import Answer
from pipeline.ledger.entries import NightEntry
from pipeline.params.params import Params
from pipeline.promotion.nomination import nominate
from pipeline.records.chain import RegisteredModel
from pipeline.runs.folder import RunFolder
from pipeline.steps import register
from tests.pipeline.conftest import AS_OF

MakeRun = Callable[..., RunFolder]
NO = Answer(False, "bob", AS_OF, "too slow")


def outcomes(doors: Doors, graph: str) -> list[str]:
    return [entry.outcome for entry in doors.ledger.entries(graph) if isinstance(entry, NightEntry)]


def test_nominated_run_awaits_a_person_and_is_not_registered_without_one(
    doors: Doors, graph: str, make_decided_run: MakeRun
) -> None:
    folder = make_decided_run(doors, graph)
    for _ in range(2):  # a retry enters nothing twice
        nominate(folder, doors=doors)
    with pytest.raises(NothingToDo, match=rf"awaits a person since 2026-01-02.*ncnc promote --run-dir .*{folder.name}"):
        register.run(folder, Params(), doors=doors)
    assert outcomes(doors, graph) == ["awaiting"]
    assert folder.find(RegisteredModel) is None
    assert folder.name in {run.run_name for run in doors.registry.contents.runs(graph) if not run.ended}


def test_nobody_is_asked_about_what_the_gate_refused(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    with pytest.raises(NothingToDo, match="No approval is needed, for the gate did not pass this run: beats_floor"):
        nominate(make_decided_run(doors, graph, promote=False), doors=doors)
    assert outcomes(doors, graph) == []


def test_rejected_night_stays_rejected_whatever_is_tried_again(
    doors: Doors, graph: str, make_decided_run: MakeRun
) -> None:
    folder = make_decided_run(doors, graph)
    nominate(folder, doors=doors)
    yes = Answer(True, "ann", AS_OF, "approved in Airflow")
    for answer in (NO, yes, None):  # the rejection, a cleared task with another answer, a bare retry
        with pytest.raises(NothingToDo, match=r"rejected by bob on 2026-01-02 00:00 UTC: too slow.*--override"):
            register.run(folder, Params(), doors=doors, answer=answer)
    with pytest.raises(NothingToDo, match=r"rejected by bob.*a rejection is final.*--override"):
        nominate(folder, doors=doors)
    assert outcomes(doors, graph) == ["awaiting", "rejected"]
    assert doors.registry.aliases.of(graph) == {}
    last = doors.ledger.last_completed(graph)
    assert last is not None  # so that the next night does not train on the same graph again
    assert (last.outcome, last.reason) == ("rejected", "rejected by bob on 2026-01-02 00:00 UTC: too slow")
    assert all(run.ended for run in doors.registry.contents.runs(graph))
