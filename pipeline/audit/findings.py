"""What an audit has found so far, and the comparisons that every kind of version is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pipeline.doors import Doors
from pipeline.errors import NewerFormat, OutsideTrouble, StepError
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.graphs.tables import content_id
from pipeline.ledger.alias_history import lineages
from pipeline.records.digests import FileDigest, digests_of_folder, sha256_of_file
from pipeline.records.manifest import MANIFEST, read_manifest
from pipeline.records.names import MODEL_PATH
from pipeline.records.record import Record
from pipeline.registry.facts import ModelVersion
from pipeline.snapshots.snapshot_store import SnapshotStore

R = TypeVar("R", bound=Record)
NOTHING = "nothing"
LINEAGE_TAG = "ncnc.lineage_sha256"
WHOLE = "no line was changed or removed"
ANCHOR = "lineage digest in the ledger"
NO_ANCHOR = (
    "none: the version was promoted before the ledger kept it, or never. `ncnc registry anchor` enters it, and says "
    "what that trusts"
)


@dataclass(frozen=True)
class AuditCheck:
    """One thing that was recomputed: what it was recorded as, what it is, and whether they agree.

    not_reached: a service gave no answer, so that nothing is known of the bytes.
    """

    what: str
    expected: str
    observed: str
    ok: bool
    not_reached: bool = False


@dataclass
class AuditFindings:
    """What one audit of a version looks at, the records found so far, and every check made of them."""

    doors: Doors
    version: ModelVersion
    work_folder: Path
    records: dict[type[Record], Record] = field(default_factory=dict)
    checks: list[AuditCheck] = field(default_factory=list)
    root: str | None = None  # the digest of the lineage record, where the audit starts

    def record(self, kind: type[R]) -> R | None:
        """Return a record of the chain if it was found."""
        found = self.records.get(kind)
        return found if isinstance(found, kind) else None

    def check(self, what: str, expected: object, observed: object) -> None:
        """Enter one comparison."""
        agree = expected == observed and expected is not None
        self.checks.append(AuditCheck(what, str(expected or NOTHING), str(observed or NOTHING), agree))

    def attempt(self, what: str, expected: str, act: Callable[[], object]) -> None:
        """Do what may end in one of the project's errors; the error is then what was observed.

        Raises:
            NewerFormat: a newer version wrote it. That is no fault of the bytes, and this version cannot judge them.
        """
        try:
            act()
        except NewerFormat:
            raise
        except StepError as error:
            away = isinstance(error, OutsideTrouble)
            self.checks.append(AuditCheck(what, expected, str(error), ok=False, not_reached=away))

    @cached_property
    def snapshots(self) -> SnapshotStore:
        """The data repository with a separate cache, so that the remote's own bytes are checked."""
        return SnapshotStore(self.doors.environment.data_repository, self.work_folder / "home")

    def start_at_the_ledger(self) -> None:
        """Take the version's lineage digest from the ledger, and compare MLflow's tag with it.

        Whoever may write to MLflow can change every record there, and the tag with them, but not the ledger. Where the
        ledger has no digest of the version, or more than one, that is a fault, and the walk goes on from the tag.
        """
        tag = self.version.tags.get(LINEAGE_TAG)
        self.root = tag

        def read() -> None:
            self.doors.ledger.expect_whole(self.version.name)
            self.checks.append(AuditCheck("ledger", WHOLE, WHOLE, ok=True))
            known = lineages(self.doors.ledger.entries(self.version.name)).get(self.version.version, ())
            if len(known) == 1:
                self.root = known[0]
                self.check(ANCHOR, self.root, tag)
            else:
                observed = f"{len(known)} that differ: {', '.join(known)}" if known else NO_ANCHOR
                self.checks.append(AuditCheck(ANCHOR, "one digest in the ledger", observed, ok=False))

        self.attempt("ledger", WHOLE, read)

    def compare_served(self, recorded: tuple[FileDigest, ...] | None, model: tuple[FileDigest, ...], how: str) -> None:
        """Recompute the bytes that MLflow serves: the recorded files, nothing beside them, and the model among them."""

        def compare() -> None:
            models, versions = self.doors.registry.models, self.doors.registry.versions
            # A version can be pointed at another folder than that of its logged model, whose files are recomputed here.
            served_from = versions.place(self.version.name, self.version.version)
            self.check("folder that is served", models.place(self.version.model_id), served_from)
            observed = {item.path: item.sha256 for item in models.observe(self.version.model_id)}
            if recorded is not None:
                self.compare_files("served", recorded, observed)
                # A file that nobody recorded could be imported when the model loads.
                for path in sorted(observed.keys() - {item.path for item in recorded}):
                    self.check(f"served {path}", None, observed[path])
            for item in model:
                self.check(f"served {how} {item.path}", item.sha256, observed.get(f"{MODEL_PATH}/{item.path}"))

        self.attempt("served files", "readable", compare)

    def compare_snapshot(self, tag: str, manifest_sha256: str, identity: str) -> None:
        """Fetch a snapshot by its tag, compare every file with its manifest, and recompute its content id."""

        def compare() -> None:
            if (taken_back := self.snapshots.journal().retracted.get(tag)) is not None:
                # Not a fault of the bytes, but an auditor must see it.
                said = f"RETRACTED: {taken_back.in_words}"
                self.checks.append(AuditCheck("standing of the snapshot", "published", said, ok=True))
            folder = self.snapshots.fetch(tag, self.work_folder / "snapshot")
            self.compare_description(tag)
            self.check(f"snapshot {MANIFEST}", manifest_sha256, sha256_of_file(folder / MANIFEST))
            listed = tuple(FileDigest(path=path, sha256=sha256) for path, sha256 in read_manifest(folder).items())
            self.compare_files("snapshot", listed, {item.path: item.sha256 for item in digests_of_folder(folder)})
            self.check("snapshot content id", identity, content_id(read_graph(folder)))

        self.attempt(f"snapshot {tag}", "every file as in its manifest", compare)

    def compare_description(self, tag: str) -> None:
        """Compare the description at a tag with the one that was published, where the journal has that."""
        published, found = self.snapshots.description_digests(tag)
        if published is not None:  # the journal of before format 3 does not say
            self.check(f"description at {tag}", published, found)

    def compare_files(self, side: str, recorded: tuple[FileDigest, ...], observed: Mapping[str, str]) -> None:
        """Compare the digests of recorded files with those observed."""
        for item in recorded:
            self.check(f"{side} {item.path}", item.sha256, observed.get(item.path))
