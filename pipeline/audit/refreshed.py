"""The audit of a refresh: its record, what MLflow serves of it, and the same bytes made again from its two parents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ncnc_core.errors import InvalidGraph
from pipeline.audit.findings import LINEAGE_TAG, NOTHING, AuditCheck, AuditFindings
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.ledger.alias_history import collected_versions, lineages
from pipeline.ledger.entries import GraphRefreshed
from pipeline.ledger.served_weights import refreshes, weights_of
from pipeline.records.chain import GraphSnapshot
from pipeline.records.digests import digests_of_folder
from pipeline.records.graph_refresh import GraphRefresh, refresh_key
from pipeline.records.names import stamp
from pipeline.registry.facts import WEIGHTS_OF, ModelVersion
from pipeline.runs.key import code_version
from pipeline.runs.refreshed_model import save_refreshed

GONE = "collected: MLflow has it no more, and it is made again here from its weights and its snapshot"


def refresh_of_ledger(version: ModelVersion, doors: Doors) -> GraphRefreshed | None:
    """Return the entry by which a version is a refresh; None where the ledger does not say that it is one."""
    return refreshes(doors.ledger.entries(version.name)).get(version.version)


def collected_refresh(name: str, number: int, doors: Doors) -> ModelVersion | None:
    """Return what the ledger and the weights' version say of a refresh that was collected; None where it is none."""
    entries = doors.ledger.entries(name)
    made = refreshes(entries).get(number)
    if made is None or number not in collected_versions(entries):
        return None
    weights = doors.registry.versions.get(name, made.weights_of)
    tags = {
        WEIGHTS_OF: str(made.weights_of),
        LINEAGE_TAG: made.lineage_sha256,
        "ncnc.snapshot_tag": made.snapshot_tag,
    }
    return ModelVersion(
        name=name,
        version=number,
        run_id=weights.run_id,
        model_id="",
        run_key=made.run_key,
        run_name=weights.run_name,
        as_of=weights.as_of,
        files=(),
        tags=tags,
    )


@dataclass
class RefreshWalk(AuditFindings):
    """One audit of a refresh under way; each step adds its checks. Without a `model_id` the version was collected."""

    refresh: GraphRefresh | None = None

    @property
    def collected(self) -> bool:
        """Whether MLflow has the version no more."""
        return not self.version.model_id

    def fetch_record(self) -> None:
        """Fetch the refresh's record and compare it with the digest where the walk starts."""

        def fetch() -> None:
            found = self.doors.registry.refreshes.get(self.version.run_id, self.root or NOTHING)
            self.refresh = found
            self.check(f"record {GraphRefresh.file_name}", self.root, found.sha256 if found else None)

        self.attempt(f"record {GraphRefresh.file_name}", self.root or NOTHING, fetch)

    def compare_what_is_said_twice(self) -> None:
        """Check version, weights, key, snapshot and verdict wherever two places state them."""
        record, version = self.refresh, self.version
        if record is None:
            return
        self.attempt("weights by the ledger", str(record.weights_of), lambda: self._compare_with_the_ledger(record))
        self.check("version of the record", record.version, version.version)
        self.check("weights of the version", record.weights_of, version.weights_of)
        self.check("run key of the version", record.run_key, version.run_key)
        self.check("snapshot tag of the version", record.snapshot_tag, version.snapshot_tag)
        if not self.collected:
            self.check("logged model of the version", record.model_id, version.model_id)
        broken = ", ".join(rule.name for rule in record.rules if not rule.passed)
        self.check("rules of the refresh", "hold", f"broken: {broken}" if broken else "hold")

    def _compare_with_the_ledger(self, record: GraphRefresh) -> None:
        known = weights_of(self.doors.ledger.entries(record.graph), self.version.version)
        self.check("weights by the ledger", record.weights_of, known)

    def compare_parents(self) -> None:
        """Check that the weights' version and the snapshot's night are those that the record names."""
        record = self.refresh
        if record is None:
            return

        def compare() -> None:
            weights = self.doors.registry.versions.get(record.graph, record.weights_of)
            self.check("run key derived", refresh_key(weights.run_key, record.snapshot_tag), record.run_key)
            known = lineages(self.doors.ledger.entries(record.graph)).get(record.weights_of, ())
            if record.weights_lineage_sha256 is not None and known:
                self.check("lineage of the weights", record.weights_lineage_sha256, known[-1])
            if record.snapshot_sha256 is not None:
                runs, name = self.doors.registry.runs, f"{record.graph}-{stamp(record.as_of)}"
                run_id = runs.find(record.graph, name)
                found = runs.get_record(run_id, GraphSnapshot) if run_id else None
                self.check("record of the snapshot's night", record.snapshot_sha256, found.sha256 if found else None)

        self.attempt("parents of the refresh", "readable", compare)

    def recompute_served(self) -> None:
        """Recompute the bytes that MLflow serves: those of the record, and nothing beside them."""
        if self.collected:
            self.checks.append(AuditCheck("served files", "collected", GONE, ok=True))
            return
        record = self.refresh
        self.compare_served(record.files if record else None, record.model if record else (), "as refreshed")

    def recompute_snapshot(self) -> None:
        """Fetch the snapshot by its tag and recompute every byte of it."""
        if self.refresh is not None:
            record = self.refresh
            self.compare_snapshot(record.snapshot_tag, record.manifest_sha256, record.content_id)

    def make_again(self) -> None:
        """Make the model again from the weights' version and the snapshot's bytes, and compare every file.

        Under other code than the record's the files may be written in another form: that is said, and is no fault.
        """
        record, snapshot = self.refresh, self.work_folder / "snapshot"
        if record is None or not snapshot.is_dir():
            return

        def make() -> None:
            registry, again = self.doors.registry, self.work_folder / "made-again"
            weights = registry.versions.get(record.graph, record.weights_of)
            source = registry.models.fetch(weights, self.work_folder / "weights-model")
            again.mkdir()
            try:
                save_refreshed(source, read_graph(snapshot).tables, again)
            except InvalidGraph as error:
                raise InvalidInput(str(error)) from error
            self._compare_made(record, again)

        self.attempt("model made again", "readable", make)

    def _compare_made(self, record: GraphRefresh, again: Path) -> None:
        made = {item.path: item.sha256 for item in digests_of_folder(again)}
        other_code = record.code_version != code_version()
        for item in record.model:
            if other_code and made.get(item.path) != item.sha256:
                said = (
                    f"other bytes by code {code_version()[:12]}, and the refresh was made by {record.code_version[:12]}"
                )
                self.checks.append(AuditCheck(f"made again {item.path}", item.sha256, said, ok=True))
            else:
                self.check(f"made again {item.path}", item.sha256, made.get(item.path))
