"""What flows between the steps: small frozen records in a digest chain.

Each record carries paths, counts and digests, never tensors, and stores the sha256 of the record it was made from.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from ncnc_core.config.choices import RecordedNegative
from pipeline.records.digests import FileDigest
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult, LeakInvariant, RuleVerdict
from pipeline.records.part import GraphName, Part, Sha256
from pipeline.records.record import Record
from pipeline.records.shadow import ShadowPromotion, ShadowVerdict

SplitMethod = Literal["temporal", "hashed", "random", "fixed"]


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
    """Which edges train, validate and test, how they were chosen, and the proof that they do not leak.

    `num_without_negatives` validation and test edges are in none of the counts: their ends are joined to all nodes.
    `num_returning` edges were first seen by `cut_valid` and last came back after it: they are in no test. None: no time
    divides the edges, or the record is older. `num_historical_negatives` test negatives were once an edge; where
    `historical` is a kind, the rest of its share is degree-matched.
    """

    FORMAT = 4  # 3: num_without_negatives; 4: num_returning, num_historical_negatives
    file_name = "edge_split.json"

    snapshot_sha256: Sha256
    method: SplitMethod
    reason: str
    cut_train: AwareDatetime | None
    cut_valid: AwareDatetime | None
    num_train: int
    num_valid: int
    num_test: int
    num_without_negatives: int = 0
    num_returning: int | None = None
    num_message_train: int
    num_message_test: int
    seed: int
    files: tuple[FileDigest, ...]
    tag: str
    certificate: tuple[LeakInvariant, ...]
    negative_kinds: tuple[RecordedNegative, ...] = ("uniform", "degree_matched")  # equal shares of each edge's
    num_historical_negatives: int | None = None


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
    """The weights one training left behind, and the circumstances it can be repeated under.

    `standardized_features` columns are brought to mean 0 and deviation 1 by the model itself; 0: it reads them raw.
    """

    FORMAT = 4  # 3: standardized_features; 4: predictor, recipe, recipe_reasons
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
    standardized_features: int = 0
    predictor: str = ""  # "": written before it was kept
    recipe: str = "given"  # the value of train.recipe
    recipe_reasons: tuple[str, ...] = ()
    control: tuple[FileDigest, ...] = ()  # the cold-start control's files, where the challenger began warm
    certificate: tuple[LeakInvariant, ...] = ()


class PromotionDecision(Record):
    """Whether the challenger becomes champion, with every rule's part in it.

    `shadows` are the one that had the place, and tonight's challenger where it takes it.
    """

    FORMAT = 3  # 3: shadows
    file_name = "promotion_decision.json"

    report_sha256: Sha256
    promote: bool
    cold_start: bool
    reason: str
    rules: tuple[RuleVerdict, ...]
    champion_version: int | None
    shadows: tuple[ShadowVerdict, ...] = ()

    @property
    def promoted_shadow(self) -> ShadowVerdict | None:
        """The model of an earlier night that this one makes champion, in place of its own."""
        return next((shadow for shadow in self.shadows if shadow.promote), None)

    @property
    def promotes(self) -> bool:
        """Whether the night has a model to make champion: its own, or the shadow."""
        return self.promote or self.promoted_shadow is not None


class Approval(Part):
    """The person who let a model become champion, when and why.

    `overridden` is what the gate, or an earlier person, had said against it; it is empty where nobody was overruled.
    """

    who: str
    at: AwareDatetime
    reason: str
    overridden: str = ""


class RegisteredModel(Record):
    """The model version that a promotion made; without an approval, the gate alone let it pass.

    `evidence` is there where a later night promoted it: then the decision of its own night was to keep the champion.
    """

    FORMAT = 3  # 3: evidence
    file_name = "registered_model.json"

    decision_sha256: Sha256
    name: str
    version: int
    model_id: str
    previous_version: int | None
    run_key: Sha256
    files: tuple[FileDigest, ...]
    approval: Approval | None = None
    evidence: ShadowPromotion | None = None


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

    @classmethod
    def of(
        cls,
        *,
        snapshot: GraphSnapshot,
        split: EdgeSplit,
        trained: TrainedModel,
        evaluation: EvaluationRecord,
        decision: PromotionDecision,
        registered: RegisteredModel,
    ) -> LineageRecord:
        """Return the whole chain of a registered model, one digest a record."""
        chain = (snapshot, split, trained, evaluation, decision, registered)
        return cls(
            registered_model_sha256=registered.sha256,
            graph=snapshot.graph,
            run_name=snapshot.run_name,
            snapshot_tag=snapshot.tag,
            content_id=snapshot.content_id,
            code_version=snapshot.code_version,
            records=tuple(FileDigest(path=record.file_name, sha256=record.sha256) for record in chain),
        )


CHAIN: tuple[type[Record], ...] = (
    GraphSnapshot,
    EdgeSplit,
    TrainedModel,
    EvaluationRecord,
    PromotionDecision,
    RegisteredModel,
    LineageRecord,
)
