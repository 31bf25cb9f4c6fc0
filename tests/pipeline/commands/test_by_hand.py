from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from mlflow.tracking import MlflowClient

from pipeline.commands.by_hand import promote_by_hand, reject_by_hand, roll_back, run_of_version
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.approvals import Answer
from pipeline.ledger.entries import AliasEntry, ApprovalEntry, NightEntry
from pipeline.params.params import Params
from pipeline.promotion.nomination import nominate
from pipeline.runs.folder import RunFolder
from pipeline.steps import register
from tests.fixtures.overtaken_runs import overtaken
from tests.pipeline.conftest import AS_OF

MakeRun = Callable[..., RunFolder]
SECOND_NIGHT = datetime(2026, 1, 3, tzinfo=UTC)


def second_night(make: MakeRun, doors: Doors, graph: str, *, promote: bool = True, champion: int = 1) -> RunFolder:
    return make(doors, graph, as_of=SECOND_NIGHT, run_key="4" * 64, champion_version=champion, promote=promote)


def promote(folder: RunFolder, doors: Doors, *, override: bool = False, reason: str = "looks good") -> int:
    return promote_by_hand(folder, who="ann", reason=reason, override=override, doors=doors).version


def nights(doors: Doors, graph: str) -> list[NightEntry]:
    return [entry for entry in doors.ledger.entries(graph) if isinstance(entry, NightEntry)]


def test_person_approves_an_awaiting_run_by_hand(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    folder = make_decided_run(doors, graph)
    nominate(folder, doors=doors)
    assert promote(folder, doors) == 1
    assert [night.outcome for night in nights(doors, graph)] == ["awaiting", "promoted"]
    assert nights(doors, graph)[-1].reason.endswith("; approved by ann: looks good")
    moved = [entry for entry in doors.ledger.entries(graph) if isinstance(entry, AliasEntry)]
    assert moved[-1].who == f"ann, run {folder.name}"
    with pytest.raises(NothingToDo, match=r"promoted already, as version 1.*ncnc rollback .* --to 1"):
        promote(folder, doors)


def test_what_the_gate_refused_needs_an_override_which_is_told_loudly(
    doors: Doors, graph: str, make_decided_run: MakeRun, caplog: pytest.LogCaptureFixture
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    folder = second_night(make_decided_run, doors, graph, promote=False)
    with pytest.raises(InvalidInput, match=r"the gate refused it: beats_floor.*Pass --override to overrule that"):
        promote(folder, doors)
    assert doors.registry.aliases.of(graph)["champion"] == 1
    assert promote(folder, doors, override=True, reason="the customer asked") == 2
    assert "OVERRIDE by ann (the customer asked) sets aside: the gate refused it" in caplog.text
    assert nights(doors, graph)[-1].reason.startswith("OVERRIDE by ann: the customer asked; set aside: the gate")
    version = doors.registry.versions.get(graph, 2)
    assert version.tags["ncnc.approval"] == "override"
    card = MlflowClient(doors.environment.tracking_uri).get_model_version(graph, "2").description
    assert "**OVERRIDE: ann promoted this" in card


def test_rejected_run_is_promoted_by_an_override_alone(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    folder = make_decided_run(doors, graph)
    nominate(folder, doors=doors)
    answer = reject_by_hand(folder, who="bob", reason="too slow", doors=doors)
    assert (answer.verdict, answer.who) == ("rejected", "bob")
    assert reject_by_hand(folder, who="eve", reason="again", doors=doors) == answer  # the first stands
    with pytest.raises(InvalidInput, match=r"rejected by bob on .*: too slow\. Pass --override"):
        promote(folder, doors)
    assert promote(folder, doors, override=True) == 1
    answers = [entry for entry in doors.ledger.entries(graph) if isinstance(entry, ApprovalEntry)]
    assert [(entry.verdict, entry.who) for entry in answers] == [("rejected", "bob"), ("approved", "ann")]
    assert "rejected by bob" in answers[-1].overridden


def test_run_that_was_overtaken_is_promoted_by_an_override(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    late = second_night(make_decided_run, doors, graph, champion=None)  # type: ignore[arg-type]
    nominate(late, doors=doors)
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    with pytest.raises(InvalidInput, match=r"compared it with champion None, and the champion is 1\. Pass --override"):
        promote(late, doors)
    assert promote(late, doors, override=True) == 2
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "champion": 2, "previous": 1}


def test_only_an_awaiting_run_is_rejected(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    folder = make_decided_run(doors, graph)
    with pytest.raises(InvalidInput, match=r"is not waiting for approval: it is not decided.*ncnc registry show"):
        reject_by_hand(folder, who="bob", reason="too slow", doors=doors)
    nominate(folder, doors=doors)
    register.run(folder, Params(), doors=doors, answer=Answer(True, "ann", AS_OF, "fine"))
    with pytest.raises(InvalidInput, match=r"was approved by ann on .*the first answer stands.*ncnc rollback"):
        reject_by_hand(folder, who="bob", reason="too slow", doors=doors)


def test_rollback_takes_a_champion_back_and_says_what_cannot_be(
    doors: Doors, graph: str, make_decided_run: MakeRun
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    register.run(second_night(make_decided_run, doors, graph), Params(), doors=doors)
    with pytest.raises(InvalidInput, match="has no version 9"):
        roll_back(graph, 9, who="ann", reason="complaints", doors=doors)
    assert roll_back(graph, 1, who="ann", reason="complaints", doors=doors) == 2
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "champion": 1, "previous": 2}
    assert roll_back(graph, 1, who="ann", reason="complaints", doors=doors) == 2  # a retry of the very same
    with pytest.raises(NothingToDo, match="Version 1 is the champion"):
        roll_back(graph, 1, who="bob", reason="me too", doors=doors)


def test_version_that_never_was_champion_is_no_target_of_a_rollback(
    doors: Doors, graph: str, make_decided_run: MakeRun, tracking_uri: str
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    tags = dict(doors.registry.versions.get(graph, 1).tags) | {"ncnc.run_key": "9" * 64}
    run_id = doors.registry.versions.get(graph, 1).run_id
    MlflowClient(tracking_uri).create_model_version(graph, source="file:///nowhere", run_id=run_id, tags=tags)
    with pytest.raises(
        InvalidInput,
        match=r"Version 2 of .* never was champion; those that were: 1\. Roll back .* ncnc promote .* --version 2",
    ):
        roll_back(graph, 2, who="ann", reason="complaints", doors=doors)


def test_version_that_was_overtaken_is_promoted_by_its_number(
    doors: Doors, graph: str, make_decided_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    late = overtaken(make_decided_run, doors, graph, 4)
    register.run(second_night(make_decided_run, doors, graph), Params(), doors=doors)
    # By other code than made it: the version is there, and nothing is made anew.
    monkeypatch.setattr("pipeline.night.code_version", lambda: "0" * 64)
    folder = run_of_version(graph, 2, who="ann", doors=doors)
    assert folder.path == late.path
    with pytest.raises(InvalidInput, match=r"compared it with champion 1, and the champion is 3\. Pass --override"):
        promote(folder, doors)
    assert promote(folder, doors, override=True) == 2
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "champion": 2, "previous": 3}
    moved = [entry for entry in doors.ledger.entries(graph) if isinstance(entry, AliasEntry)][-1]
    assert (moved.alias, moved.version, moved.who) == ("champion", 2, f"ann, run {late.name}")
    assert moved.why.startswith("OVERRIDE by ann: looks good; set aside: the gate compared it with champion 1")
    assert nights(doors, graph)[-1].outcome == "promoted"
    assert doors.registry.versions.get(graph, 2).tags["ncnc.approved_by"] == "ann"
    with pytest.raises(NothingToDo, match=f"Version 2 is the champion of {graph} already"):
        run_of_version(graph, 2, who="ann", doors=doors)


def test_version_that_was_champion_is_rolled_back_to_and_not_promoted(
    doors: Doors, graph: str, make_decided_run: MakeRun, tracking_uri: str
) -> None:
    register.run(make_decided_run(doors, graph), Params(), doors=doors)
    overtaken(make_decided_run, doors, graph, 4)
    register.run(second_night(make_decided_run, doors, graph), Params(), doors=doors)
    with pytest.raises(InvalidInput, match=rf"was champion before.*: ncnc rollback --graph {graph} --to 1 --reason"):
        run_of_version(graph, 1, who="ann", doors=doors)
    with pytest.raises(InvalidInput, match="has no version 9"):
        run_of_version(graph, 9, who="ann", doors=doors)
    # Also where it was made champion in MLflow alone, and its run was never promoted.
    client = MlflowClient(tracking_uri)
    for number in (2, 3):
        client.set_registered_model_alias(graph, "champion", str(number))
        doors.aliases.look(graph, who="ann", at=AS_OF)
    with pytest.raises(InvalidInput, match=r"Version 2 .* was champion before"):
        run_of_version(graph, 2, who="ann", doors=doors)


def test_copy_that_a_race_left_is_not_promoted(
    doors: Doors, graph: str, make_decided_run: MakeRun, tracking_uri: str
) -> None:
    overtaken(make_decided_run, doors, graph, 3, champion=None)
    made = doors.registry.versions.get(graph, 1)
    MlflowClient(tracking_uri).create_model_version(
        graph, source="file:///nowhere", run_id=made.run_id, tags=dict(made.tags)
    )
    with pytest.raises(InvalidInput, match=rf"beside version 1\. Promote that one: .* --graph {graph} --version 1"):
        run_of_version(graph, 2, who="ann", doors=doors)
