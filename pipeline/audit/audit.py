"""The audit: from a registered version back to the bytes that made it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.audit.walk import NOTHING, AuditCheck, AuditWalk
from pipeline.doors import Doors
from pipeline.records.chain import GraphSnapshot


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

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return all(check.ok for check in self.checks)

    @property
    def faults(self) -> tuple[AuditCheck, ...]:
        """The checks that do not agree."""
        return tuple(check for check in self.checks if not check.ok)


def audit_model(name: str, version_or_alias: int | str, *, doors: Doors, work_folder: Path) -> AuditResult:
    """Recompute every digest from the registered version back to the snapshot's bytes, and say what was found.

    A fault does not stop the audit: what depends on it counts as missing, and the rest is checked.
    Everything is fetched anew into `work_folder`; no cache of a run folder is trusted.

    Raises:
        InvalidInput: there is no such version or alias.
    """
    version = doors.registry.versions.named(name, version_or_alias)
    walk = AuditWalk(doors, version, work_folder)
    walk.fetch_records()
    walk.follow_links()
    walk.compare_what_is_said_twice()
    walk.recompute_run_key()
    walk.recompute_model()
    walk.recompute_split()
    walk.recompute_snapshot()
    snapshot = walk.record(GraphSnapshot)
    return AuditResult(
        name=name,
        version=version.version,
        checks=tuple(walk.checks),
        run_name=version.run_name,
        snapshot_tag=snapshot.tag if snapshot else NOTHING,
        code_version=snapshot.code_version if snapshot else NOTHING,
        git_commit=(snapshot.git_commit or "not recorded") if snapshot else NOTHING,
    )
