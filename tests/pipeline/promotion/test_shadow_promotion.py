"""Nights on real git, DVC and MLflow whose comparisons are planted: what the shadow shows decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.audit import audit_model
from pipeline.collection.references import references_from
from pipeline.collection.registry import plan_collection
from pipeline.collection.retention import RegistryPolicy
from pipeline.commands.by_hand import roll_back
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.alias_history import Move
from pipeline.ledger.approvals import Answer, last_night
from pipeline.ledger.entries import RegistryCollected, ShadowEvidence
from pipeline.ledger.promotion_stops import resuming, stopping
from pipeline.ledger.shadows import place_of, standing_shadow
from pipeline.ledger.story import story
from pipeline.params.decide import DecideParams
from pipeline.params.params import Params
from pipeline.promotion.nomination import nominate
from pipeline.records.chain import GraphSnapshot, PromotionDecision, RegisteredModel, TrainedModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.scores import PairedComparison
from pipeline.report.night_story import read_story
from pipeline.runs.folder import RunFolder
from pipeline.steps import decide, refresh, register
from tests.fixtures.audited_night import AS_OF
from tests.fixtures.kept_nights import KeptNights
from tests.fixtures.paired import paired
from tests.fixtures.shadow_nights import beside, told

PARAMS = Params(decide=DecideParams(evidence="accumulated"))
BETTER = paired(0.03, 0.01, 0.05, p_value=0.0005)  # on two nights: as much as a shadow needs
EQUAL = paired(0.001, -0.02, 0.02, p_value=0.45)
EVERYTHING_GOES = RegistryPolicy(
    keep_versions=1, keep_days=0, checkpoint_days=0, folder_days=0, model_days=0, keep_models=0
)


@dataclass
class ShadowNights:
    """Night 1 made version 1; every later night compares by what the test plants."""

    nights: KeptNights

    @property
    def entries(self) -> tuple[Any, ...]:  # Any: entries of every kind
        return self.nights.doors.ledger.entries(self.nights.graph)

    @property
    def evidence(self) -> list[tuple[str, int, str]]:
        found = [entry for entry in self.entries if isinstance(entry, ShadowEvidence)]
        return [(one.shadow.run_name[-16:-8], one.shadow.evidence.nights, one.shadow.standing) for one in found]

    def night(
        self, number: int, comparison: PairedComparison | None, *, champion: int = 1, **changes: Any
    ) -> RunFolder:  # Any: whatever field of the shadow's scores a test changes
        """Play a night up to its decision; the comparison is the shadow's, or the night's model's where none stands."""
        folder = self.nights.decided(number, promote=False, champion=champion)
        place = place_of(self.entries, folder.name)
        shadow = None
        if place.shadow is not None:
            before = place.shadow.shadow
            shadow = beside(comparison, **({"before": before, "nights": place.nights} | changes))
        planted = told(
            shadow,
            since=place.nights_since_the_last_began,
            last_was_promoted=place.last_was_promoted,
            changes={"paired": EQUAL if shadow is not None or comparison is None else comparison},
        )
        trained = folder.get(TrainedModel)
        champion_scores = planted.champion.model_copy(update={"version": champion}) if planted.champion else None
        folder.put(planted.model_copy(update={"trained_model_sha256": trained.sha256, "champion": champion_scores}))
        (folder.path / PromotionDecision.file_name).unlink()
        decision = decide.run(RunFolder(folder.path, None), PARAMS, doors=self.nights.doors)
        folder.put(decision)
        return folder

    def promoted_shadow(self) -> RunFolder:
        """Play the nights up to the one whose decision is to promote the model of night 2."""
        self.night(2, BETTER)
        return self.night(3, BETTER)


@pytest.fixture
def played(nights: KeptNights) -> ShadowNights:
    nights.promoted(1)
    return ShadowNights(nights)


@pytest.mark.slow
def test_a_better_shadow_is_promoted_refreshed_and_audited_and_a_changed_comparison_is_caught(
    played: ShadowNights, tmp_path: Path
) -> None:
    nights, doors, graph = played.nights, played.nights.doors, played.nights.graph
    third = played.promoted_shadow()
    second = RunFolder(third.path.with_name(f"{graph}-{nights.as_of(2):%Y%m%dT%H%M%SZ}"), doors.registry)
    assert played.evidence == [("20260103", 1, "stays"), ("20260103", 2, "better")]

    record = register.run(third, PARAMS, doors=doors)
    assert (record.version, record.evidence is not None) == (2, True)
    assert second.get(RegisteredModel) == record
    outcomes = {run.name: last_night(played.entries, run.name) for run in (second, third)}
    assert [night.outcome for night in outcomes.values() if night] == ["promoted", "kept"]
    assert standing_shadow(played.entries) is None
    assert place_of(played.entries).last_was_promoted
    assert register.run(third, PARAMS, doors=doors) == record  # cleared, and run again
    assert (
        len([one for one in played.entries if getattr(one, "version", None) == 2]) == 3
    )  # champion, challenger, night

    served = refresh.run(third, PARAMS, doors=doors)
    assert (served.version, served.weights_of) == (3, 2)
    assert served.snapshot_tag == third.get(GraphSnapshot).tag

    told_of = [(event.kind, event.what) for event in story(played.entries)]
    assert ("promotion", "night of 2026-01-03 00:00: version 2 becomes champion in place of version 1") in told_of
    assert [kind for kind, _ in told_of].count("shadow") == 2  # it came, and it has the evidence
    assert read_story(third, doors).shadow_version == 2

    for version in (2, 3):
        audited = audit_model(graph, version, doors=doors, work_folder=tmp_path / f"audit-{version}")
        assert audited.faults == ()
    assert "evidence of 2 nights" in {check.what for check in audit_model(
        graph, 2, doors=doors, work_folder=tmp_path / "again").checks}  # fmt: skip

    true = third.get(EvaluationRecord)
    place = true.shadow_place
    assert place is not None
    assert place.shadow is not None
    shadow = place.shadow.model_copy(update={"counted": EQUAL})
    third.put(true.model_copy(update={"shadow_place": place.model_copy(update={"shadow": shadow})}))
    found = audit_model(graph, 2, doors=doors, work_folder=tmp_path / "planted")
    assert [check.what for check in found.faults] == ["evidence of 2 nights"]
    assert f"the evaluation of {third.name} is " in found.faults[0].observed


def test_an_equal_shadow_is_not_promoted_and_counts_no_night_twice(played: ShadowNights) -> None:
    doors = played.nights.doors
    played.night(2, EQUAL)
    third = played.night(3, EQUAL)
    with pytest.raises(NothingToDo, match="one night decides nothing; the shadow is the model of the night of"):
        register.run(third, PARAMS, doors=doors)
    before = played.entries
    (third.path / PromotionDecision.file_name).unlink()
    decide.run(RunFolder(third.path, None), PARAMS, doors=doors)  # a retry after a kill between ledger and record
    assert played.entries == before
    assert played.evidence == [("20260103", 1, "stays"), ("20260103", 2, "stays")]


def test_what_the_shadow_needs_is_kept_by_every_collection_as_long_as_it_is_one(played: ShadowNights) -> None:
    doors, graph = played.nights.doors, played.nights.graph
    second = played.night(2, EQUAL)
    run_id, tag = second.require_mlflow_run(), second.get(GraphSnapshot).tag
    played.nights.ended(3, "kept")
    doors.registry.runs.close(run_id, "kept")

    plan = plan_collection(graph, EVERYTHING_GOES, doors)
    assert plan.models[run_id].reasons == plan.folders[second.name].reasons[:1]
    assert "it is the shadow: every night scores it beside the champion" in plan.models[run_id].reasons
    assert "the shadow, run" in references_from(doors)([graph])[tag]

    played.night(4, EQUAL, unusable="it cannot be read")
    assert plan_collection(graph, EVERYTHING_GOES, doors).models[run_id].goes
    assert tag not in references_from(doors)([graph])


@pytest.mark.slow
def test_evidence_is_not_taken_up_again_once_the_champion_has_changed(played: ShadowNights) -> None:
    doors, graph = played.nights.doors, played.nights.graph
    third = played.promoted_shadow()
    other = played.nights.promoted(4, champion=1)
    assert standing_shadow(played.entries) is None
    with pytest.raises(InvalidInput, match=r"is not the shadow any more.*another promotion, a rollback or"):
        register.run(third, PARAMS, doors=doors)
    assert last_night(played.entries, other.name).outcome == "promoted"  # type: ignore[union-attr]
    roll_back(graph, 1, who="ann", reason="wrong", doors=doors)
    assert standing_shadow(played.entries) is None  # the same weights again, and evidence begins anew


@pytest.mark.slow
def test_a_pin_holds_the_shadow_back_and_it_is_promoted_on_a_later_night(played: ShadowNights) -> None:
    doors, graph = played.nights.doors, played.nights.graph
    move = Move(graph, "ann", "the fair", AS_OF)
    third = played.promoted_shadow()
    doors.ledger.append_made(graph, lambda entries: stopping(entries, move, version=1, until=None))
    with pytest.raises(NothingToDo, match="version 1 is pinned as champion by ann: the fair"):
        register.run(third, PARAMS, doors=doors)
    doors.ledger.append_made(graph, lambda entries: resuming(entries, move, pinned=True))
    assert register.run(played.night(4, BETTER), PARAMS, doors=doors).version == 2


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["Approve", "Reject"])
def test_a_person_is_asked_about_the_shadow_and_a_rejection_ends_it(played: ShadowNights, answer: str) -> None:
    doors = played.nights.doors
    third = played.promoted_shadow()
    assert "awaits a person's approval; the gate: the shadow is promoted" in nominate(third, doors=doors).reason
    given = Answer.of_operator(answer, "ann", AS_OF, "as you wish")
    if answer == "Approve":
        record = register.run(third, PARAMS, doors=doors, answer=given)
        assert (record.version, record.approval.who if record.approval else "") == (2, "ann")
    else:
        with pytest.raises(NothingToDo, match="was rejected by ann"):
            register.run(third, PARAMS, doors=doors, answer=given)
    night = last_night(played.entries, third.name)
    assert night is not None
    assert night.outcome == ("kept" if answer == "Approve" else "rejected")
    assert standing_shadow(played.entries) is None


def test_a_shadow_whose_model_was_collected_is_not_promoted(played: ShadowNights) -> None:
    doors, graph = played.nights.doors, played.nights.graph
    third = played.promoted_shadow()
    second = f"{graph}-{played.nights.as_of(2):%Y%m%dT%H%M%SZ}"
    taken = RegistryCollected(
        graph=graph, versions=(), checkpoints=(), run_folders=(), models=(second,), policy="x", at=AS_OF, who="ann",
        reason="by hand",
    )  # fmt: skip
    doors.ledger.append(taken)
    with pytest.raises(InvalidInput, match=r"The trained model of run .* was collected by ann.*no longer be promoted"):
        register.run(third, PARAMS, doors=doors)
