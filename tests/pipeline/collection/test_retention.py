from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from pipeline.collection.retention import (
    FolderFacts,
    RegistryPolicy,
    judge_checkpoints,
    judge_folders,
    judge_models,
    judge_versions,
)
from pipeline.ledger.entries import (
    AliasEntry,
    AliasObserved,
    ApprovalEntry,
    Entry,
    NightEntry,
    NightOutcome,
    RegistryCollected,
)
from pipeline.registry.facts import RegisteredVersion, RunState
from tests.fixtures.shadow_nights import crowned, run_name, stayed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=200), NOW - timedelta(days=1)
STRICT = RegistryPolicy(keep_versions=1, keep_days=90, checkpoint_days=7, folder_days=30, keep_models=0)
RUN = "demo-1"


def night(outcome: NightOutcome = "promoted", at: datetime = OLD) -> NightEntry:
    return NightEntry(
        graph="demo", run_name=RUN, as_of=at, at=at, outcome=outcome, reason="r", completed=True, version=1
    )


def named(run_name: str, at: datetime) -> NightEntry:
    return night("kept", at).model_copy(update={"run_name": run_name})


TONIGHT = named("demo-2", NOW)  # ages are counted back from it


def moved(version: int | None, previous: int | None = None) -> AliasEntry:
    return AliasEntry(graph="demo", alias="champion", version=version, previous=previous, at=OLD, who="a", why="b")


def version(made_at: datetime = OLD, aliases: tuple[str, ...] = (), run_name: str | None = RUN) -> RegisteredVersion:
    return RegisteredVersion(1, made_at, aliases, run_name)


NEWEST = RegisteredVersion(2, YOUNG, (), "demo-2")
ENDED, OPEN = RunState("a", RUN, ended=True), RunState("a", RUN, ended=False)


@pytest.mark.parametrize(
    ("item", "run", "entries", "reasons"),
    [
        (version(), ENDED, [night()], ()),
        (version(), ENDED, [night("refused")], ()),  # overtaken, and never champion
        (version(made_at=YOUNG), ENDED, [night()], ("made 2026-05-31 00:00, less than 90 days ago",)),
        (version(aliases=("previous",)), ENDED, [night()], ("previous points at it",)),
        (version(aliases=("shadow",)), ENDED, [night()], ("shadow points at it",)),  # somebody's own alias
        (version(), ENDED, [moved(1), moved(2, 1), night()], ("was champion: an audit may ask for it",)),
        (
            version(),
            ENDED,
            [AliasObserved(graph="demo", alias="champion", version=1, previous=None, at=OLD, who="r"), night()],
            ("the ledger has champion at it", "was champion: an audit may ask for it"),
        ),
        (version(), ENDED, [], ("the ledger has no outcome of its run yet",)),
        (version(), ENDED, [night("awaiting")], ("its run awaits a person",)),
        (version(), OPEN, [night()], ("its run is open in MLflow",)),
        (version(run_name=None), ENDED, [night()], ("not made by this pipeline",)),
    ],
)
def test_version_is_kept_for_its_reasons(
    item: RegisteredVersion, run: RunState, entries: list[Entry], reasons: tuple[str, ...]
) -> None:
    judged = judge_versions([item, NEWEST], [run], entries, STRICT, NOW)
    assert judged[1].reasons == reasons
    assert judged[1].goes == (not reasons)
    assert judged[2].reasons[-2:] == ("one of the last 1", "made 2026-05-31 00:00, less than 90 days ago")


@pytest.mark.parametrize(
    ("run", "entries", "reasons"),
    [
        (RunState("a", RUN, ended=True, has_checkpoint=True), [night()], ()),
        (
            RunState("a", RUN, ended=True, has_checkpoint=True),
            [night(at=YOUNG)],
            ("ended 2026-05-31 00:00, less than 7 days ago",),
        ),
        (
            RunState("a", RUN, ended=False, has_checkpoint=True),
            [],
            ("the ledger has no outcome of its run yet", "its run is open in MLflow"),  # its training may resume
        ),
        (RunState("a", RUN, ended=True, has_checkpoint=True), [night("awaiting")], ("its run awaits a person",)),
    ],
)
def test_checkpoint_goes_once_its_night_is_over(run: RunState, entries: list[Entry], reasons: tuple[str, ...]) -> None:
    assert judge_checkpoints([run], [*entries, TONIGHT], STRICT, NOW)["a"].reasons == reasons


def test_run_without_a_checkpoint_is_not_spoken_of() -> None:
    assert judge_checkpoints([ENDED], [night()], STRICT, NOW) == {}


def answered(verdict: Literal["approved", "rejected"]) -> ApprovalEntry:
    return ApprovalEntry(graph="demo", run_name=RUN, verdict=verdict, who="ann", at=OLD, reason="r")


@pytest.mark.parametrize(
    ("versions", "ended", "entries", "reasons"),
    [
        ([], True, [night("kept")], ()),
        ([], True, [night("refused")], ()),
        ([], True, [answered("rejected"), night("rejected")], ()),
        ([], True, [night("kept", at=YOUNG)], ("ended 2026-05-31 00:00, less than 90 days ago",)),
        ([], True, [], ("the ledger has no outcome of its run yet",)),
        ([], True, [night("awaiting")], ("its run awaits a person",)),
        ([], False, [night("kept")], ("its run is open in MLflow",)),
        # overtaken, whose version may still be promoted
        ([version()], True, [night("refused")], ("version 1 was made of it: an audit may ask for it",)),
        ([version()], True, [night()], ("version 1 was made of it: an audit may ask for it",)),
        # its version was deleted past the policy
        ([], True, [night()], ("was promoted: an audit may ask for it",)),
        # somebody overrules the gate just now
        ([], True, [night("kept"), answered("approved")], ("approved by ann: its promotion is not finished",)),
        ([version(run_name="demo-7")], True, [night("kept")], ()),  # another run's
    ],
)
def test_trained_model_goes_once_nothing_can_come_of_it(
    versions: list[RegisteredVersion], ended: bool, entries: list[Entry], reasons: tuple[str, ...]
) -> None:
    run = RunState("a", RUN, ended=ended, has_model=True)
    assert judge_models([run], versions, [*entries, TONIGHT], STRICT, NOW)["a"].reasons == reasons


def test_the_models_of_the_last_nights_that_left_one_stay_for_those_that_score_them_again() -> None:
    entries = [named(f"demo-{day}", OLD + timedelta(days=day)) for day in range(6)]
    skipped = entries[4].model_copy(update={"outcome": "skipped", "completed": False})
    runs = [RunState(str(day), f"demo-{day}", ended=True, has_model=True) for day in range(6)]
    policy = STRICT.model_copy(update={"keep_models": 3, "model_days": 0})
    judged = judge_models(runs, [], [*entries[:4], skipped, entries[5]], policy, NOW)
    told = ("of one of the last 3 nights: later ones score it again",)
    assert [judged[str(day)].reasons for day in range(6)] == [(), (), told, told, (), told]


def test_run_without_a_trained_model_is_not_spoken_of() -> None:
    assert judge_models([ENDED], [], [night("kept")], STRICT, NOW) == {}


@pytest.mark.parametrize(
    ("changed", "runs", "entries", "reasons"),
    [
        (OLD, [ENDED], [night()], ()),
        (YOUNG, [ENDED], [night()], ("changed 2026-05-31 00:00, less than 30 days ago",)),  # somebody works in it
        (OLD, [OPEN], [night()], ("its run is open in MLflow",)),
        (OLD, [ENDED], [night("awaiting")], ("its run awaits a person",)),
        (OLD, [], [night("refused")], ("MLflow has no run of it: this is the only copy of its checks",)),
    ],
)
def test_run_folder_goes_once_all_of_it_is_elsewhere(
    changed: datetime, runs: list[RunState], entries: list[Entry], reasons: tuple[str, ...]
) -> None:
    folders = [FolderFacts(RUN, changed, 10), FolderFacts("demo-2", NOW, 10)]
    judged = judge_folders(folders, runs, [*entries, TONIGHT], STRICT, NOW)
    assert judged[RUN].reasons == reasons


FIFTY_DAYS_OLD = NOW - timedelta(days=50)
AHEAD = pytest.mark.parametrize("ahead", [timedelta(days=2), timedelta(days=100)])


@AHEAD
def test_a_collectors_clock_that_is_ahead_makes_nothing_older(ahead: timedelta) -> None:
    """Each thing is as old as its limit less a day, and another one is of today."""
    at, runs = NOW + ahead, [RunState("a", RUN, ended=True, has_checkpoint=True, has_model=True)]
    since = {days: NOW - timedelta(days=days - 1) for days in (7, 30, 90)}

    def nights(days: int) -> list[Entry]:
        return [named(RUN, since[days]), named("demo-2", NOW)]

    young = RegisteredVersion(1, since[90], (), RUN)
    versions = judge_versions([young, RegisteredVersion(2, NOW, (), "demo-2")], runs, nights(90), STRICT, at)
    assert not versions[1].goes
    assert not judge_checkpoints(runs, nights(7), STRICT, at)["a"].goes
    assert not judge_models(runs, [], nights(90), STRICT, at)["a"].goes
    changed = [FolderFacts(RUN, since[30], 1), FolderFacts("demo-2", NOW, 1)]
    assert not judge_folders(changed, runs, [named(RUN, OLD), named("demo-2", NOW)], STRICT, at)[RUN].goes
    old = [FolderFacts(RUN, OLD, 1), FolderFacts("demo-2", NOW, 1)]
    assert not judge_folders(old, runs, nights(30), STRICT, at)[RUN].goes


@AHEAD
def test_a_night_or_a_version_dated_by_a_clock_that_is_ahead_makes_the_others_no_older(ahead: timedelta) -> None:
    runs = [RunState("a", RUN, ended=True, has_checkpoint=True)]
    nights = [named(RUN, NOW - timedelta(days=6)), named("demo-2", NOW + ahead), named("demo-3", NOW)]
    assert not judge_checkpoints(runs, nights, STRICT, NOW)["a"].goes
    young = RegisteredVersion(1, NOW - timedelta(days=89), (), RUN)
    ahead_of_all = RegisteredVersion(2, NOW + ahead, (), "demo-2")
    assert not judge_versions([young, ahead_of_all], runs, nights, STRICT, NOW)[1].goes


def test_a_night_entered_by_a_clock_that_is_behind_is_no_older_than_the_one_above_it() -> None:
    runs = [RunState("a", RUN, ended=True, has_checkpoint=True)]
    nights = [named("demo-0", YOUNG), named(RUN, FIFTY_DAYS_OLD), named("demo-2", NOW)]
    (reason,) = judge_checkpoints(runs, nights, STRICT, NOW)["a"].reasons
    assert reason == "ended 2026-05-31 00:00, less than 7 days ago"
    assert judge_checkpoints(runs, nights[1:], STRICT, NOW)["a"].goes  # nothing stands above it


def test_what_a_collection_entered_by_a_clock_that_is_ahead_says_nothing_to_the_next() -> None:
    at, runs = NOW + timedelta(days=100), [RunState("a", RUN, ended=True, has_checkpoint=True)]
    first = RegistryCollected(
        graph="demo", versions=(), checkpoints=("demo-0",), run_folders=(), policy="p", at=at, who="cron", reason="r"
    )
    nights: list[Entry] = [named(RUN, YOUNG), named("demo-2", NOW), first]
    assert not judge_checkpoints(runs, nights, STRICT, at)["a"].goes


def test_a_nightly_graph_still_loses_what_is_old() -> None:
    runs = [RunState("a", RUN, ended=True, has_checkpoint=True, has_model=True)]
    nights = [named(RUN, OLD), named("demo-2", NOW)]
    assert judge_checkpoints(runs, nights, STRICT, NOW)["a"].goes
    assert judge_models(runs, [], nights, STRICT, NOW)["a"].goes
    assert judge_folders([FolderFacts(RUN, OLD, 1), FolderFacts("demo-2", NOW, 1)], runs, nights, STRICT, NOW)[RUN].goes


def test_policy_says_itself() -> None:
    assert str(RegistryPolicy()) == (
        "keep-versions 30, keep-days 90, checkpoint-days 7, folder-days 30, model-days 90, keep-models 40, "
        "keep-refreshes 7"
    )


def test_refreshes_are_kept_by_their_number_and_by_what_refers_to_them() -> None:
    weights = RegisteredVersion(1, OLD, (), RUN)
    refreshes = [RegisteredVersion(number, OLD, (), RUN, weights_of=1) for number in range(2, 8)]
    entries = [moved(1), night()]
    policy = RegistryPolicy(keep_versions=1, keep_days=0, keep_refreshes=2)
    judged = judge_versions([weights, *refreshes], [ENDED], entries, policy, NOW, {3: "batch demo-9 is not complete"})
    assert [number for number, verdict in judged.items() if verdict.goes] == [2, 4, 5]
    assert judged[3].reasons == ("batch demo-9 is not complete",)
    assert judged[7].reasons == ("one of the last 2 refreshes",)
    assert judged[7].name == "version 7, weights of 1"
    assert "one of the last 1" in judged[1].reasons  # refreshes take no place from what was trained
    serving = RegisteredVersion(2, OLD, ("champion",), RUN, weights_of=1)
    assert judge_versions([weights, serving], [ENDED], entries, policy, NOW)[2].reasons[0] == "champion points at it"


def test_weights_of_a_refresh_stay_with_their_version() -> None:
    trained = RunState("a", RUN, ended=True, has_model=True)
    staying = [RegisteredVersion(1, OLD, (), RUN), RegisteredVersion(2, OLD, (), RUN, weights_of=1)]
    (verdict,) = judge_models(
        [trained], staying, [moved(1), night()], RegistryPolicy(model_days=0, keep_models=0), NOW
    ).values()
    assert verdict.reasons == ("version 1 was made of it: an audit may ask for it",)


def test_what_the_shadow_left_is_kept_until_it_goes() -> None:
    run, folder = RunState("a", run_name(2), ended=True, has_model=True), FolderFacts(run_name(2), OLD, 10)
    standing = [crowned(1), *stayed(2, 2, begins="free"), TONIGHT]
    gone = [*standing[:-1], *stayed(2, 3, standing="worse"), TONIGHT]
    for entries, kept in ((standing, True), (gone, False)):
        verdicts = (
            judge_models([run], [], entries, STRICT, NOW)["a"],
            judge_folders([folder], [run], entries, STRICT, NOW)[run_name(2)],
        )
        said = "it is the shadow: every night scores it beside the champion"
        assert [said in verdict.reasons for verdict in verdicts] == [kept, kept]
