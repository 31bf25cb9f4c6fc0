"""The audit: from a registered version back to the bytes that made it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.audit.findings import NOTHING, AuditCheck
from pipeline.audit.refreshed import RefreshWalk, collected_refresh, refresh_of_ledger
from pipeline.audit.shadow_evidence import check_evidence
from pipeline.audit.walk import AuditWalk
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, StepError
from pipeline.records.chain import GraphSnapshot, RegisteredModel
from pipeline.records.digests import FileDigest
from pipeline.registry.facts import ModelVersion


@dataclass(frozen=True)
class AuditResult:
    """Everything that an audit checked, in order; `git_commit` and `code_version` are as recorded."""

    name: str
    version: int
    checks: tuple[AuditCheck, ...]
    run_name: str
    snapshot_tag: str
    code_version: str
    git_commit: str
    served_files: tuple[FileDigest, ...]  # as the record of the registered version lists them
    weights_of: int | None = None  # the version whose weights a refresh carries

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return all(check.ok for check in self.checks)

    @property
    def faults(self) -> tuple[AuditCheck, ...]:
        """The checks that do not agree."""
        return tuple(check for check in self.checks if not check.ok)


def audit_model(name: str, version_or_alias: int | str, *, doors: Doors, work_folder: Path) -> AuditResult:
    """Recompute every digest from the ledger and the registered version back to the snapshot's bytes.

    It starts at the lineage digest that the ledger has of the version. A fault does not stop the audit: what depends on
    it counts as missing, and the rest is checked. Everything is fetched anew into `work_folder`; no cache of a run
    folder is trusted. A refresh, also one that was collected, is made again from its weights and its snapshot, and the
    version whose weights it carries is audited too.

    Raises:
        InvalidInput: there is no such version or alias.
    """
    version = _version(name, version_or_alias, doors)
    if _is_refresh(version, doors):
        return _audit_refresh(version, doors, work_folder)
    walk = AuditWalk(doors, version, work_folder)
    walk.start_at_the_ledger()
    walk.fetch_records()
    walk.follow_links()
    walk.compare_what_is_said_twice()
    walk.compare_figures()
    check_evidence(walk)
    walk.recompute_run_key()
    walk.recompute_trained()
    walk.recompute_served()
    walk.recompute_split()
    walk.recompute_snapshot()
    return _result(walk)


def verify_served(name: str, version_or_alias: int | str, *, doors: Doors, work_folder: Path) -> AuditResult:
    """Recompute the digest of every file that MLflow serves for a version, code included, and run none of it.

    It starts at the lineage digest that the ledger has of the version, as `audit_model` does, and goes no further back
    than the record of the registered files.

    Raises:
        InvalidInput: there is no such version or alias.
    """
    version = doors.registry.versions.named(name, version_or_alias)
    if _is_refresh(version, doors):
        refresh = RefreshWalk(doors, version, work_folder)
        refresh.start_at_the_ledger()
        refresh.fetch_record()
        refresh.compare_what_is_said_twice()
        refresh.recompute_served()
        return _of_refresh(refresh, ())
    walk = AuditWalk(doors, version, work_folder)
    walk.start_at_the_ledger()
    walk.fetch_records((RegisteredModel,))
    walk.compare_what_is_said_twice()
    walk.recompute_served()
    return _result(walk)


def _version(name: str, version_or_alias: int | str, doors: Doors) -> ModelVersion:
    """Return a version; a refresh that was collected as the ledger knows it."""
    try:
        return doors.registry.versions.named(name, version_or_alias)
    except InvalidInput:
        number = str(version_or_alias)
        gone = collected_refresh(name, int(number), doors) if number.isdecimal() else None
        if gone is None:
            raise
        return gone


def _is_refresh(version: ModelVersion, doors: Doors) -> bool:
    """Return whether a version is a refresh, by its tag or by the ledger: the tag could have been taken away."""
    try:
        return version.is_refresh or refresh_of_ledger(version, doors) is not None
    except StepError:  # the ledger cannot be read: the walk finds that too, and says it
        return False


def _audit_refresh(version: ModelVersion, doors: Doors, work_folder: Path) -> AuditResult:
    walk = RefreshWalk(doors, version, work_folder)
    walk.start_at_the_ledger()
    walk.fetch_record()
    walk.compare_what_is_said_twice()
    walk.compare_parents()
    walk.recompute_served()
    walk.recompute_snapshot()
    walk.make_again()
    weights = walk.refresh.weights_of if walk.refresh else version.weights_of
    if weights == version.version:  # only a tag or a record that was changed says so: there is no version to go on with
        return _of_refresh(walk, ())
    of_weights = audit_model(version.name, weights, doors=doors, work_folder=work_folder / "weights")
    told = tuple(replace(check, what=f"version {weights}: {check.what}") for check in of_weights.checks)
    return _of_refresh(walk, told)


def _of_refresh(walk: RefreshWalk, of_weights: tuple[AuditCheck, ...]) -> AuditResult:
    record = walk.refresh
    return AuditResult(
        name=walk.version.name,
        version=walk.version.version,
        checks=(*walk.checks, *of_weights),
        run_name=walk.version.run_name,
        snapshot_tag=record.snapshot_tag if record else NOTHING,
        code_version=record.code_version if record else NOTHING,
        git_commit="not recorded",
        served_files=record.files if record else (),
        weights_of=walk.version.weights_of,
    )


def _result(walk: AuditWalk) -> AuditResult:
    snapshot, registered = walk.record(GraphSnapshot), walk.record(RegisteredModel)
    return AuditResult(
        name=walk.version.name,
        version=walk.version.version,
        checks=tuple(walk.checks),
        run_name=walk.version.run_name,
        snapshot_tag=snapshot.tag if snapshot else NOTHING,
        code_version=snapshot.code_version if snapshot else NOTHING,
        git_commit=(snapshot.git_commit or "not recorded") if snapshot else NOTHING,
        served_files=registered.files if registered else (),
    )
