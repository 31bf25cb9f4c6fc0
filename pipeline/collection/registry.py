"""The collection of old versions, models, checkpoints and run folders: planned, entered in the ledger, then deleted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.clock import earliest_present
from pipeline.collection.retention import (
    FolderFacts,
    RegistryPolicy,
    Verdict,
    judge_checkpoints,
    judge_folders,
    judge_models,
    judge_versions,
)
from pipeline.credentials import public
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.ledger.entries import Entry, RegistryCollected
from pipeline.records.names import RUNS

ASIDE = ".collected-"


@dataclass(frozen=True)
class RegistryPlan:
    """What a collection would take and leave, each with its reasons; `run_names` names the MLflow runs."""

    policy: RegistryPolicy
    versions: Mapping[int, Verdict]
    checkpoints: Mapping[str, Verdict]
    folders: Mapping[str, Verdict]
    models: Mapping[str, Verdict]
    run_names: Mapping[str, str]
    num_bytes: int

    @property
    def going(self) -> tuple[tuple[int, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The versions, the checkpoints by MLflow run, the run folders, and the trained models by run that go."""
        return (
            tuple(key for key, verdict in self.versions.items() if verdict.goes),
            tuple(key for key, verdict in self.checkpoints.items() if verdict.goes),
            tuple(key for key, verdict in self.folders.items() if verdict.goes),
            tuple(key for key, verdict in self.models.items() if verdict.goes),
        )

    @property
    def num_kept(self) -> int:
        """How many things stay."""
        judged = len(self.versions) + len(self.checkpoints) + len(self.folders) + len(self.models)
        return judged - sum(len(kind) for kind in self.going)

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes."""
        return not any(self.going)


def plan_collection(graph: str, policy: RegistryPolicy, doors: Doors) -> RegistryPlan:
    """Return what a collection would take now.

    Raises:
        InvalidInput: the ledger has entries and MLflow has no run, so this is another MLflow than the nights use.
    """
    doors.aliases.look(graph, who="the collection", at=doors.clock())
    return _plan(graph, policy, doors, doors.ledger.entries(graph))


def collect(graph: str, policy: RegistryPolicy, *, who: str, reason: str, doors: Doors) -> RegistryPlan:
    """Delete what the policy does not keep, and return what was deleted. The ledger records it before it is deleted.

    A collection that was killed is finished by the next, which judges again what is still there. A version that is
    promoted meanwhile is kept: promotion and collection both append to the ledger, where one of them comes first.
    """
    plan = plan_collection(graph, policy, doors)
    if plan.is_empty:
        return plan
    plans = [plan]

    def entry(entries: tuple[Entry, ...]) -> tuple[RegistryCollected, ...]:
        plans.append(_plan(graph, policy, doors, entries))
        return () if plans[-1].is_empty else (_entry(graph, plans[-1], doors.clock(), who, reason),)

    doors.ledger.append_made(graph, entry)
    _delete(graph, plans[-1], doors)
    return plans[-1]


def _entry(graph: str, plan: RegistryPlan, at: datetime, who: str, reason: str) -> RegistryCollected:
    versions, checkpoints, folders, models = plan.going
    return RegistryCollected(
        graph=graph,
        versions=versions,
        checkpoints=tuple(plan.run_names[run_id] for run_id in checkpoints),
        run_folders=folders,
        models=tuple(plan.run_names[run_id] for run_id in models),
        policy=str(plan.policy),
        at=at,
        who=who,
        reason=reason,
    )


def _delete(graph: str, plan: RegistryPlan, doors: Doors) -> None:
    versions, checkpoints, folders, models = plan.going
    for version in versions:
        doors.registry.versions.delete(graph, version)
    for run_id in checkpoints:
        doors.registry.contents.remove_checkpoint(run_id)
    for run_id in models:
        doors.registry.contents.remove_trained(run_id)
    runs = doors.environment.home / RUNS
    for name in folders:
        _remove_folder(runs / name)
    for left in runs.glob(f"{ASIDE}{graph}-*"):  # by a collection that was killed
        shutil.rmtree(left, ignore_errors=True)


def _plan(graph: str, policy: RegistryPolicy, doors: Doors, entries: tuple[Entry, ...]) -> RegistryPlan:
    contents = doors.registry.contents
    # A machine whose clock is ahead may have entered the newest night itself; MLflow's clock is another one.
    at = earliest_present(doors.clock(), contents.server_time())
    versions, runs = contents.versions(graph), contents.runs(graph)
    if entries and not runs:
        raise InvalidInput(
            f"The ledger tells of {graph}, but the MLflow at {public(doors.environment.tracking_uri)} "
            f"knows no run of it. Nothing was collected. Set MLFLOW_TRACKING_URI to the server that the nights use."
        )
    folders = tuple(_folders(doors.environment.home / RUNS, graph))
    judged = judge_folders(folders, runs, entries, policy, at)
    judged_versions = judge_versions(versions, runs, entries, policy, at, _needed_by_batches(graph, doors))
    staying = [item for item in versions if not judged_versions[item.version].goes]
    return RegistryPlan(
        policy=policy,
        versions=judged_versions,
        checkpoints=judge_checkpoints(runs, entries, policy, at),
        folders=judged,
        models=judge_models(runs, staying, entries, policy, at),
        run_names={run.run_id: run.run_name for run in runs},
        num_bytes=sum(folder.num_bytes for folder in folders if judged[folder.name].goes),
    )


def _needed_by_batches(graph: str, doors: Doors) -> dict[int, str]:
    """Return the versions that a batch of recommendations needs, and why: an open one, or the newest complete one."""
    batches = doors.registry.contents.batches(graph)
    complete = [batch for batch in batches if batch.complete]
    needed = {batch.version: f"batch {batch.run_name} is of it" for batch in complete[-1:]}
    return needed | {
        batch.version: f"batch {batch.run_name} is not complete" for batch in batches if not batch.complete
    }


def _folders(home: Path, graph: str) -> Iterator[FolderFacts]:
    for path in sorted(home.glob(f"{graph}-*")) if home.is_dir() else ():
        if not path.is_dir() or path.name.rpartition("-")[0] != graph:
            continue
        files = [item.lstat() for item in (path, *path.rglob("*"))]
        changed = datetime.fromtimestamp(max(item.st_mtime for item in files), UTC)
        yield FolderFacts(path.name, changed, sum(item.st_size for item in files))


def _remove_folder(path: Path) -> None:
    """Delete a run folder; it is renamed first, so that no step finds half of it."""
    aside = path.with_name(f"{ASIDE}{path.name}")
    if path.is_dir():
        path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
