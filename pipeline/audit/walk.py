"""The steps of an audit: fetch, recompute and compare; a fault does not stop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.audit.findings import NOTHING, AuditCheck, AuditFindings
from pipeline.ledger.collected_models import collected_in_words, model_collection
from pipeline.params.params import Params
from pipeline.records.chain import (
    CHAIN,
    EdgeSplit,
    GraphSnapshot,
    LineageRecord,
    PromotionDecision,
    RegisteredModel,
    TrainedModel,
)
from pipeline.records.digests import FileDigest, digests_of_folder
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.measures import figures
from pipeline.records.names import CONTROL_FOLDER, MODEL_FOLDER, PARAMS_FILE
from pipeline.records.record import Record
from pipeline.runs.key import run_key

# Each record stores the sha256 of the one it was made from.
LINKS: tuple[tuple[type[Record], str, type[Record]], ...] = (
    (EdgeSplit, "snapshot_sha256", GraphSnapshot),
    (TrainedModel, "split_sha256", EdgeSplit),
    (EvaluationRecord, "trained_model_sha256", TrainedModel),
    (PromotionDecision, "report_sha256", EvaluationRecord),
    (RegisteredModel, "decision_sha256", PromotionDecision),
    (LineageRecord, "registered_model_sha256", RegisteredModel),
)


@dataclass
class AuditWalk(AuditFindings):
    """One audit under way; each step adds its checks."""

    def fetch_records(self, kinds: Sequence[type[Record]] = CHAIN[:-1]) -> None:
        """Fetch the lineage record from MLflow and compare it with the digest where the walk starts; then the others.

        Each of the others is compared with the lineage record.
        """
        self._fetch(LineageRecord, self.root)
        lineage = self.record(LineageRecord)
        listed = {item.path: item.sha256 for item in lineage.records} if lineage else {}
        for kind in kinds:
            self._fetch(kind, listed.get(kind.file_name))

    def _fetch(self, kind: type[Record], expected: str | None) -> None:
        def fetch() -> None:
            found = self.doors.registry.runs.get_record(self.version.run_id, kind)
            if found is not None:
                self.records[kind] = found
            self.check(f"record {kind.file_name}", expected, found.sha256 if found else None)

        self.attempt(f"record {kind.file_name}", expected or NOTHING, fetch)

    def follow_links(self) -> None:
        """Check that each record names the digest of the one it was made from."""
        for kind, link, parent_kind in LINKS:
            child, parent = self.records.get(kind), self.records.get(parent_kind)
            expected = getattr(child, link) if child else None
            self.check(f"link {kind.file_name} {link}", expected, parent.sha256 if parent else None)

    def compare_what_is_said_twice(self) -> None:
        """Check version, run key, tag, content id and verdict wherever two places state them."""
        snapshot, registered = self.record(GraphSnapshot), self.record(RegisteredModel)
        decision, lineage = self.record(PromotionDecision), self.record(LineageRecord)
        if registered is not None:
            self.check("version of the record", registered.version, self.version.version)
            self.check("logged model of the version", registered.model_id, self.version.model_id)
            self.check("run key of the version", registered.run_key, self.version.run_key)
        if snapshot is not None:
            self.check("run key of the snapshot", snapshot.run_key, self.version.run_key)
            self.check("snapshot tag of the version", snapshot.tag, self.version.tags.get("ncnc.snapshot_tag"))
        if snapshot is not None and lineage is not None:
            self.check("content id of the lineage", snapshot.content_id, lineage.content_id)
            self.check("code version of the lineage", snapshot.code_version, lineage.code_version)
        if decision is not None:
            self._check_verdict(decision, registered)

    def _check_verdict(self, decision: PromotionDecision, registered: RegisteredModel | None) -> None:
        approval, evidence = (registered.approval, registered.evidence) if registered else (None, None)
        if not decision.promote and evidence is not None:
            # Its own night kept the champion, and later nights' evidence promoted it: that is checked by itself.
            said = f"do not promote; {evidence.in_words()}"
            self.checks.append(AuditCheck("verdict of the decision", "promote", said, ok=True))
            return
        if not decision.promote and approval is not None and approval.overridden:
            # Not a fault, but an auditor must see it: a person set the gate aside, and the record says who.
            self.checks.append(
                AuditCheck("verdict of the decision", "promote", f"do not promote; OVERRIDE by {approval.who}", ok=True)
            )
            return
        self.check("verdict of the decision", "promote", "promote" if decision.promote else "do not promote")

    def compare_figures(self) -> None:
        """Compare the figures that MLflow shows for the run with those of the evaluation's record."""
        evaluation = self.record(EvaluationRecord)
        if evaluation is None:
            return
        recorded = figures(evaluation)
        logged = self.doors.registry.runs.metrics(self.version.run_id, recorded)
        wrong = sorted(name for name, value in logged.items() if repr(value) != repr(float(recorded[name])))
        observed = ", ".join(f"{name} is {logged[name]}, recorded {recorded[name]}" for name in wrong)
        self.check("figures in MLflow", "as recorded", observed or "as recorded")

    def recompute_trained(self) -> None:
        """Recompute the bytes that were trained, and those of a cold control beside them."""
        trained = self.record(TrainedModel)
        if trained is not None:
            self._recompute_trained(trained.mlflow_run_id, "trained", MODEL_FOLDER, trained.files)
            if trained.control:
                self._recompute_trained(trained.mlflow_run_id, "control", CONTROL_FOLDER, trained.control)

    def recompute_served(self) -> None:
        """Recompute the bytes that MLflow serves: those of the record, nothing beside them, the model as trained."""
        trained, registered = self.record(TrainedModel), self.record(RegisteredModel)
        self.compare_served(registered.files if registered else None, trained.files if trained else (), "as trained")

    def _recompute_trained(self, run_id: str, what: str, folder: str, files: tuple[FileDigest, ...]) -> None:
        def recompute() -> None:
            observed = self.doors.registry.runs.observe_folder(run_id, folder, files)
            entries = () if observed else self.doors.ledger.entries(self.version.name)
            if (taken := model_collection(entries, self.version.run_name)) is not None:
                # Not a fault: a policy deleted them, and the ledger says whose. Some of them gone would be one.
                self.checks.append(AuditCheck(f"{what} files", "collected", collected_in_words(taken), ok=True))
                return
            self.compare_files(what, files, observed)

        self.attempt(f"{what} files", "readable", recompute)

    def recompute_split(self) -> None:
        """Fetch the split by its tag and recompute its files."""
        split = self.record(EdgeSplit)
        if split is None:
            return

        def recompute() -> None:
            folder = self.snapshots.fetch(split.tag, self.work_folder / "split")
            self.compare_description(split.tag)
            self.compare_files("split", split.files, {item.path: item.sha256 for item in digests_of_folder(folder)})

        self.attempt(f"split {split.tag}", "readable", recompute)

    def recompute_snapshot(self) -> None:
        """Fetch the snapshot by its tag, compare every file with its manifest, and recompute its content id."""
        snapshot = self.record(GraphSnapshot)
        if snapshot is not None:
            self.compare_snapshot(snapshot.tag, snapshot.manifest_sha256, snapshot.content_id)

    def recompute_run_key(self) -> None:
        """Fetch the parameters, recompute their digest, and derive the run key from its three parts."""
        snapshot = self.record(GraphSnapshot)
        if snapshot is None:
            return

        def recompute() -> None:
            path = self.work_folder / PARAMS_FILE
            found = self.doors.registry.runs.fetch_file(self.version.run_id, path, PARAMS_FILE)
            self.check("parameters", snapshot.params_sha256, Params.sha256_of(path) if found else None)
            derived = run_key(snapshot.content_id, snapshot.params_sha256, snapshot.code_version)
            self.check("run key derived", derived, snapshot.run_key)

        self.attempt("parameters", "readable", recompute)
