"""What flows between the steps: small frozen records in a digest chain.

Each record carries paths, counts and digests, never tensors, and stores the sha256 of the record it was made from.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError, model_validator

from pipeline.errors import TamperedRecord
from pipeline.evaluation_parts import EvaluationCost, PairedComparison, SensitivityResult, SliceScores
from pipeline.evaluation_parts import Interval as Interval
from pipeline.evaluation_parts import ModelScores as ModelScores
from pipeline.record_part import Part as Part

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
GraphName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")]
SplitMethod = Literal["temporal", "hashed", "random", "fixed"]
NegativeKind = Literal["uniform", "degree_matched", "hard", "given"]
NightOutcome = Literal["promoted", "kept", "skipped", "refused", "awaiting", "rejected"]
Alias = Literal["champion", "challenger", "previous"]


class FileDigest(Part):
    """One file: its path relative to the folder that the record describes, and its sha256."""

    path: str
    sha256: Sha256


class CheckResult(Part):
    """One check: what was observed against which threshold, and the verdict."""

    name: str
    level: Literal["refuse", "warn"]
    threshold: str
    observed: str
    passed: bool


class LeakInvariant(Part):
    """One invariant of the leak certificate: how many items were checked, how many broke it, and the verdict."""

    name: str
    checked: int = Field(ge=0)
    violations: int = Field(ge=0)
    passed: bool = False  # filled in from the counts where it is not given

    @model_validator(mode="before")
    @classmethod
    def _judged(cls, values: Any) -> Any:  # Any: pydantic hands over what was given, of whatever kind
        """Give the verdict where only the counts were given."""
        if isinstance(values, dict) and "passed" not in values:
            return values | {"passed": values.get("violations") == 0}
        return values

    @model_validator(mode="after")
    def _verdict_follows_the_counts(self) -> Self:
        if self.passed != (self.violations == 0) or self.violations > self.checked:
            raise ValueError(
                f"{self.name} says passed: {self.passed} with {self.violations} violations of {self.checked} checked. "
                f"Passed means no violation, and what breaks an invariant was checked: count it again."
            )
        return self


class Record(Part):
    """A node of the digest chain, stored as canonical JSON in the run folder and, as a copy, in MLflow."""

    file_name: ClassVar[str]

    def to_json(self) -> str:
        """Return the canonical JSON text: the bytes that `sha256` is taken over."""
        return self.model_dump_json(indent=2) + "\n"

    @property
    def sha256(self) -> str:
        """The digest of this record's canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def write(self, folder: Path) -> Path:
        """Write the record into a folder under its own file name, by one atomic rename."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.file_name
        staged = path.with_suffix(".json.partial")
        staged.write_text(self.to_json())
        staged.replace(path)
        return path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record of this type from a folder.

        Raises:
            FileNotFoundError: the folder has no such record.
            TamperedRecord: the file is no valid record of this type.
        """
        path = folder / cls.file_name
        text = path.read_text()
        try:
            record = cls.model_validate_json(text)
        except ValidationError as error:
            raise TamperedRecord(
                f"{path.name} is not a valid {cls.__name__}: {error.errors()[0]['msg']}. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            ) from error
        if record.to_json() != text:
            raise TamperedRecord(
                f"{path.name} is not in the canonical form that {cls.__name__} writes, so its digest cannot hold. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            )
        return record


class GraphSnapshot(Record):
    """One published state of the graph: which bytes, from which source, and which run it starts."""

    file_name = "graph_snapshot.json"

    graph: GraphName
    run_name: str
    as_of: AwareDatetime
    content_id: Sha256
    tag: str
    dvc_md5: str
    manifest_sha256: Sha256
    source_sha256: Sha256
    previous_tag: str | None
    previous_as_of: AwareDatetime | None
    num_nodes: int
    num_edges: int
    num_features: int
    added_edges: int
    removed_edges: int
    returned_edges: int
    checks: tuple[CheckResult, ...]
    params_sha256: Sha256
    code_version: Sha256
    git_commit: str | None
    run_key: Sha256

    @property
    def snapshot_id(self) -> str:
        """The short id shown to people: the first 12 digits of the content id."""
        return self.content_id[:12]


class EdgeSplit(Record):
    """Which edges train, validate and test, how they were chosen, and the proof that they do not leak."""

    file_name = "edge_split.json"

    snapshot_sha256: Sha256
    method: SplitMethod
    reason: str
    cut_train: AwareDatetime | None
    cut_valid: AwareDatetime | None
    num_train: int
    num_valid: int
    num_test: int
    num_message_train: int
    num_message_test: int
    seed: int
    files: tuple[FileDigest, ...]
    tag: str
    certificate: tuple[LeakInvariant, ...]
    negative_kinds: tuple[NegativeKind, ...] = ("uniform", "degree_matched")  # equal shares of each edge's, in order


class EpochPoint(Part):
    """One epoch of a training: its loss, and the selection metric on validation where it was evaluated."""

    epoch: int
    loss: float
    value: float | None
    seconds: float


class WarmStart(Part):
    """Whose weights a training began with: a registered version, and what it knew of tonight's graph.

    It has seen every edge up to its `as_of`. Of tonight's validation edges, which choose the epoch, those are
    `valid_edges_seen`; it has trained on `valid_edges_trained_on` of them, and the others chose or judged it (None: its
    split cannot be read). Of the test edges all that it has seen are left out.
    """

    version: int
    as_of: AwareDatetime
    files: tuple[FileDigest, ...]
    known_nodes: int
    new_nodes: int
    valid_edges_seen: int
    valid_edges_trained_on: int | None = None


class TrainedModel(Record):
    """The weights one training left behind, and the circumstances it can be repeated under."""

    file_name = "trained_model.json"

    split_sha256: Sha256
    mlflow_run_id: str
    files: tuple[FileDigest, ...]
    epochs: int
    best_epoch: int
    selection_metric: str
    best_value: float
    num_parameters: int
    seed: int
    seconds: float
    machine: dict[str, str]
    history: tuple[EpochPoint, ...] = ()
    warm_start: WarmStart | None = None
    start_note: str = ""  # why a training that should have begun warm did not
    control: tuple[FileDigest, ...] = ()  # the cold-start control's files, where the challenger began warm
    certificate: tuple[LeakInvariant, ...] = ()


class EvaluationReport(Record):
    """Challenger, champion and heuristics on the same pairs, negatives and message graph."""

    file_name = "evaluation_report.json"

    trained_model_sha256: Sha256
    num_test_edges: int
    num_seen_by_champion: int
    num_negatives: int
    challenger: ModelScores
    champion: ModelScores | None
    champion_note: str
    floor: tuple[ModelScores, ...]
    paired_metric: str
    paired: PairedComparison | None
    slices: tuple[SliceScores, ...] = ()
    sensitivity: tuple[SensitivityResult, ...] = ()
    cold_control: ModelScores | None = None  # the same recipe from random weights, where the challenger began warm
    drift: Interval | None = None  # challenger minus control, paired: what beginning warm has come to
    certificate: tuple[LeakInvariant, ...]
    snapshot_checks: tuple[CheckResult, ...]
    seconds: float
    costs: tuple[EvaluationCost, ...] = ()

    @property
    def paired_difference(self) -> Interval | None:
        """Challenger minus champion as the gate reads it; None where there is no champion to compare with."""
        return self.paired.difference if self.paired else None


class RuleVerdict(Part):
    """One rule of the gate: threshold, observed value and verdict."""

    name: str
    threshold: str
    observed: str
    passed: bool


class PromotionDecision(Record):
    """Whether the challenger becomes champion, with every rule's part in it."""

    file_name = "promotion_decision.json"

    report_sha256: Sha256
    promote: bool
    cold_start: bool
    reason: str
    rules: tuple[RuleVerdict, ...]
    champion_version: int | None


class Approval(Part):
    """The person who let a model become champion, when and why.

    `overridden` is what the gate, or an earlier person, had said against it; it is empty where nobody was overruled.
    """

    who: str
    at: AwareDatetime
    reason: str
    overridden: str = ""


class RegisteredModel(Record):
    """The model version that a promotion made; without an approval, the gate alone let it pass."""

    file_name = "registered_model.json"

    decision_sha256: Sha256
    name: str
    version: int
    model_id: str
    previous_version: int | None
    run_key: Sha256
    files: tuple[FileDigest, ...]
    approval: Approval | None = None


class LineageRecord(Record):
    """The whole chain of one registered model, from the source's bytes to the served bytes."""

    file_name = "lineage_record.json"

    registered_model_sha256: Sha256
    graph: GraphName
    run_name: str
    snapshot_tag: str
    content_id: Sha256
    code_version: Sha256
    records: tuple[FileDigest, ...] = Field(min_length=1)


class NightEntry(Part):
    """One night as the ledger keeps it: what came of it, and why."""

    kind: Literal["night"] = "night"
    graph: GraphName
    run_name: str
    as_of: AwareDatetime
    at: datetime
    outcome: NightOutcome
    reason: str
    completed: bool
    run_key: Sha256 | None = None
    snapshot_tag: str | None = None
    source_sha256: Sha256 | None = None
    version: int | None = None


class AliasEntry(Part):
    """One alias move as the ledger keeps it: who, when, why, from what to what."""

    kind: Literal["alias"] = "alias"
    graph: GraphName
    alias: Alias
    version: int | None
    previous: int | None
    at: datetime
    who: str
    why: str


CHAIN: tuple[type[Record], ...] = (
    GraphSnapshot,
    EdgeSplit,
    TrainedModel,
    EvaluationReport,
    PromotionDecision,
    RegisteredModel,
    LineageRecord,
)


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digests_of_folder(folder: Path) -> tuple[FileDigest, ...]:
    """Return the digest of every file below a folder, sorted by path."""
    return tuple(
        FileDigest(path=path.relative_to(folder).as_posix(), sha256=sha256_of_file(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
