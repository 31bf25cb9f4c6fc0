"""Which versions, models, checkpoints and run folders are kept, and why: pure functions of facts and a policy.

MLflow dates a version, another machine each night, and this one its folders. Each of these is compared with the newest
of its own kind, so that no two clocks need to agree; `at` counts only where it is earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from pydantic import Field

from pipeline.clock import earliest_present
from pipeline.ledger.alias_history import champions, standings
from pipeline.ledger.approvals import standing_answer
from pipeline.ledger.entries import Entry, NightEntry
from pipeline.ledger.night import last_nights
from pipeline.ledger.shadows import standing_shadow
from pipeline.records.part import Part
from pipeline.registry.facts import RegisteredVersion, RunState


class RegistryPolicy(Part):
    """What is kept by number and age; what an alias, the ledger or an open run needs is kept whatever this says."""

    keep_versions: int = Field(default=30, ge=1)
    keep_days: float = Field(default=90, ge=0)
    keep_refreshes: int = Field(default=7, ge=1)
    checkpoint_days: float = Field(default=7, ge=0)
    folder_days: float = Field(default=30, ge=0)
    model_days: float = Field(default=90, ge=0)
    keep_models: int = Field(default=40, ge=0)

    def __str__(self) -> str:
        """Return the policy as the ledger and the command line say it."""
        return (
            f"keep-versions {self.keep_versions}, keep-days {self.keep_days:g}, "
            f"checkpoint-days {self.checkpoint_days:g}, folder-days {self.folder_days:g}, "
            f"model-days {self.model_days:g}, keep-models {self.keep_models}, keep-refreshes {self.keep_refreshes}"
        )


@dataclass(frozen=True)
class FolderFacts:
    """One run folder of this machine: when anything in it last changed, and how large it is."""

    name: str
    changed_at: datetime
    num_bytes: int


@dataclass(frozen=True)
class Verdict:
    """One thing, and why it is kept; without a reason it goes."""

    name: str
    reasons: tuple[str, ...]

    @property
    def goes(self) -> bool:
        """Whether nothing speaks for keeping it."""
        return not self.reasons


def judge_versions(
    versions: Sequence[RegisteredVersion],
    runs: Iterable[RunState],
    entries: Sequence[Entry],
    policy: RegistryPolicy,
    at: datetime,
    batches: Mapping[int, str] = MappingProxyType({}),
) -> dict[int, Verdict]:
    """Return why each version is kept, by its number; `batches` says of which one a batch needs the version.

    A refresh is kept for its number and for what refers to it: an audit makes it again of its weights and its snapshot.
    """
    was_champion, nights, ended = set(champions(entries)), last_nights(entries), _ended(runs)
    at = earliest_present(at, (item.made_at for item in versions))
    standing = {item.version: alias for alias, item in standings(entries).items()}
    ranks = _ranks(item for item in versions if item.weights_of is None)
    newest = _ranks(item for item in versions if item.weights_of is not None)
    found = {}
    for item in versions:
        reasons = [f"{alias} points at it" for alias in item.aliases]
        if item.version in standing and standing[item.version] not in item.aliases:
            reasons.append(f"the ledger has {standing[item.version]} at it")
        if item.version in batches:
            reasons.append(batches[item.version])
        if item.weights_of is not None:
            if newest[item.version] <= policy.keep_refreshes:
                reasons.append(f"one of the last {policy.keep_refreshes} refreshes")
            found[item.version] = Verdict(f"version {item.version}, weights of {item.weights_of}", tuple(reasons))
            continue
        if item.version in was_champion:
            reasons.append("was champion: an audit may ask for it")
        if item.run_name is None:
            reasons.append("not made by this pipeline")
        else:
            reasons += _of_open_run(item.run_name, nights, ended)
        if ranks[item.version] <= policy.keep_versions:
            reasons.append(f"one of the last {policy.keep_versions}")
        reasons += _young(item.made_at, policy.keep_days, at, "made")
        found[item.version] = Verdict(f"version {item.version}", tuple(reasons))
    return found


def judge_checkpoints(
    runs: Sequence[RunState], entries: Sequence[Entry], policy: RegistryPolicy, at: datetime
) -> dict[str, Verdict]:
    """Return why each checkpoint is kept, by its MLflow run's id; a checkpoint serves only to resume its training."""
    nights, ended = _Nights(entries, at), _ended(runs)
    return {
        run.run_id: Verdict(
            f"checkpoint of {run.run_name}", nights.reasons(run.run_name, ended, policy.checkpoint_days)
        )
        for run in runs
        if run.has_checkpoint
    }


def judge_models(
    runs: Sequence[RunState],
    staying: Iterable[RegisteredVersion],
    entries: Sequence[Entry],
    policy: RegistryPolicy,
    at: datetime,
) -> dict[str, Verdict]:
    """Return why each trained model in MLflow is kept, by its run's id.

    The audit of a version recomputes its bytes, and later nights score the models of the last ones again.
    """
    nights, ended = _Nights(entries, at), _ended(runs)
    newest = nights.newest(policy.keep_models)
    made = {item.run_name: item.version for item in staying if item.weights_of is None}
    found = {}
    for run in runs:
        if not run.has_model:
            continue
        reasons = [*nights.reasons(run.run_name, ended, policy.model_days), *nights.of_shadow(run.run_name)]
        night, answer = nights.last.get(run.run_name), standing_answer(entries, run.run_name)
        if run.run_name in newest:
            reasons.append(f"of one of the last {policy.keep_models} nights: later ones score it again")
        if run.run_name in made:
            reasons.append(f"version {made[run.run_name]} was made of it: an audit may ask for it")
        elif night is not None and night.outcome == "promoted":
            reasons.append("was promoted: an audit may ask for it")
        elif answer is not None and answer.verdict == "approved":
            reasons.append(f"approved by {answer.who}: its promotion is not finished")
        found[run.run_id] = Verdict(f"trained model of {run.run_name}", tuple(reasons))
    return found


def judge_folders(
    folders: Iterable[FolderFacts],
    runs: Iterable[RunState],
    entries: Sequence[Entry],
    policy: RegistryPolicy,
    at: datetime,
) -> dict[str, Verdict]:
    """Return why each run folder of this machine is kept, by its name; what is in MLflow is fetched again by need."""
    folders, nights, ended = tuple(folders), _Nights(entries, at), _ended(runs)
    at = earliest_present(at, (folder.changed_at for folder in folders))
    found = {}
    for folder in folders:
        reasons = [*nights.reasons(folder.name, ended, policy.folder_days), *nights.of_shadow(folder.name)]
        if folder.name not in ended:
            reasons.append("MLflow has no run of it: this is the only copy of its checks")
        reasons += _young(folder.changed_at, policy.folder_days, at, "changed")
        found[folder.name] = Verdict(f"folder {folder.name}", tuple(reasons))
    return found


class _Nights:
    """The nights of a ledger, and how long ago each ended; `at` is the time by the clock of who collects."""

    def __init__(self, entries: Sequence[Entry], at: datetime) -> None:
        self.last, shadow = last_nights(entries), standing_shadow(entries)
        self._shadow = shadow.shadow.run_name if shadow is not None else None
        self._ended_at = _ended_at(entries)
        # Of other entries none counts: a collection that runs twice would take its own clock's word.
        self._present = earliest_present(at, self._ended_at.values())

    def newest(self, count: int) -> frozenset[str]:
        """Return the run names of the last nights that came to a model and a decision."""
        decided = [name for name, night in self.last.items() if night.completed]
        return frozenset(decided[max(len(decided) - count, 0) :])

    def of_shadow(self, run_name: str) -> list[str]:
        """Return why what a run left is kept where its model is the shadow, which every night needs."""
        return ["it is the shadow: every night scores it beside the champion"] if run_name == self._shadow else []

    def reasons(self, run_name: str, ended: dict[str, bool], days: float) -> tuple[str, ...]:
        """Return why what a run left is kept."""
        reasons = _of_open_run(run_name, self.last, ended)
        if run_name in self._ended_at:
            reasons += _young(self._ended_at[run_name], days, self._present, "ended")
        return tuple(reasons)


def _ended_at(entries: Sequence[Entry]) -> dict[str, datetime]:
    """Return when each night ended, by its run name: no earlier than those above, whatever its clock said."""
    found: dict[str, datetime] = {}
    latest = datetime.min.replace(tzinfo=UTC)
    for entry in entries:
        if isinstance(entry, NightEntry):
            found[entry.run_name] = latest = max(latest, entry.at)
    return found


def _of_open_run(run_name: str, nights: dict[str, NightEntry], ended: dict[str, bool]) -> list[str]:
    reasons = []
    night = nights.get(run_name)
    if night is None:
        reasons.append("the ledger has no outcome of its run yet")
    elif night.outcome == "awaiting":
        reasons.append("its run awaits a person")
    if not ended.get(run_name, True):
        reasons.append("its run is open in MLflow")
    return reasons


def _young(since: datetime, days: float, at: datetime, verb: str) -> list[str]:
    if at - since < timedelta(days=days):
        return [f"{verb} {since:%Y-%m-%d %H:%M}, less than {days:g} days ago"]
    return []


def _ended(runs: Iterable[RunState]) -> dict[str, bool]:
    """Return whether all MLflow runs of a name have ended: a lost race leaves none, but a person may have made two."""
    found: dict[str, bool] = {}
    for run in runs:
        found[run.run_name] = found.get(run.run_name, True) and run.ended
    return found


def _ranks(versions: Iterable[RegisteredVersion]) -> dict[int, int]:
    """Return the rank of each version by its number, the newest 1."""
    numbers = sorted((item.version for item in versions), reverse=True)
    return {number: rank for rank, number in enumerate(numbers, start=1)}
