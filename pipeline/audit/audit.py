"""The audit: from a registered version back to the bytes that made it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.audit.findings import NOTHING, AuditCheck
from pipeline.audit.walk import AuditWalk
from pipeline.doors import Doors
from pipeline.records.chain import GraphSnapshot, RegisteredModel
from pipeline.records.digests import FileDigest


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
    folder is trusted.

    Raises:
        InvalidInput: there is no such version or alias.
    """
    walk = AuditWalk(doors, doors.registry.versions.named(name, version_or_alias), work_folder)
    walk.start_at_the_ledger()
    walk.fetch_records()
    walk.follow_links()
    walk.compare_what_is_said_twice()
    walk.compare_figures()
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
    walk = AuditWalk(doors, doors.registry.versions.named(name, version_or_alias), work_folder)
    walk.start_at_the_ledger()
    walk.fetch_records((RegisteredModel,))
    walk.compare_what_is_said_twice()
    walk.recompute_served()
    return _result(walk)


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
