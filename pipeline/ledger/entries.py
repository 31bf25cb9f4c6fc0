"""What the ledger keeps: nights, evidence, alias moves, refreshes, approvals, anchors, collections, pins.

How a line of the ledger names the lines above it is in `chained_lines`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal, Self, cast, get_args

from pydantic import AwareDatetime

from pipeline.records.format import Content, Written, entry_of
from pipeline.records.part import GraphName, Sha256
from pipeline.records.shadow import ShadowState

Alias = Literal["champion", "challenger", "previous"]
AFTER = "after"  # the field of a line that names the lines above it; it is the line's, and no part of the entry


class LedgerEntry(Written):
    """What every entry of the ledger is."""

    FORMAT: ClassVar[int] = 5  # 3: `after` in the line, lineage_sha256; 4: weights_of, refreshes; 5: shadow_evidence

    @classmethod
    def of_content(cls, content: Content, number: int, what: str) -> Self:
        """Read the fields of a line; which lines stood above it when it was written is no part of the entry."""
        return super().of_content({name: value for name, value in content.items() if name != AFTER}, number, what)


class AliasObserved(LedgerEntry):
    """An alias that somebody moved in MLflow without the ledger: `version` is where it was found."""

    kind: Literal["alias_observed"] = "alias_observed"
    graph: GraphName
    alias: Alias
    version: int | None
    previous: int | None
    at: AwareDatetime
    who: str  # who saw it; who did it only MLflow's own log can say
    weights_of: int | None = None  # whose weights the version carries, where it is a refresh by MLflow's tag


class ApprovalEntry(LedgerEntry):
    """A person's answer about one run, or that none came in time; the first answer about a run stands."""

    kind: Literal["approval"] = "approval"
    graph: GraphName
    run_name: str
    verdict: Literal["approved", "rejected"]
    who: str
    at: AwareDatetime
    reason: str
    overridden: str = ""  # what the gate or an earlier answer had said against it


class RegistryCollected(LedgerEntry):
    """What a collection of the registry is about to delete, and by which policy."""

    kind: Literal["registry_collected"] = "registry_collected"
    graph: GraphName
    versions: tuple[int, ...]
    checkpoints: tuple[str, ...]
    run_folders: tuple[str, ...]
    models: tuple[str, ...] = ()  # runs whose trained model went; entries of before this was collected have none
    policy: str
    at: AwareDatetime
    who: str
    reason: str


class AliasEntry(LedgerEntry):
    """One alias move as the ledger keeps it: who, when, why, from what to what.

    `lineage_sha256` is the digest of the version's lineage record, where an audit of the version starts. Entries of
    before format 3 have none, and so have moves of a version that such an entry promoted.
    """

    kind: Literal["alias"] = "alias"
    graph: GraphName
    alias: Alias
    version: int | None
    previous: int | None
    at: datetime
    who: str
    why: str
    lineage_sha256: Sha256 | None = None
    weights_of: int | None = None  # as in `AliasObserved`: of a refresh whose own entry the ledger may have lost


class AnchorEntry(LedgerEntry):
    """The lineage digest of a version that was promoted without one, taken from MLflow's records as they were found."""

    kind: Literal["anchor"] = "anchor"
    graph: GraphName
    version: int
    lineage_sha256: Sha256
    checks: int  # how many checks of an audit agreed with these records
    at: AwareDatetime
    who: str
    reason: str


class GraphRefreshed(LedgerEntry):
    """A move of `champion` to a version of the same weights on another graph, as each kept night ends with.

    `lineage_sha256` is the digest of the version's record `GraphRefresh`, where an audit of the version starts.
    """

    kind: Literal["refreshed"] = "refreshed"
    graph: GraphName
    alias: Literal["champion"] = "champion"
    version: int
    previous: int  # the version that served before: of the same weights
    weights_of: int
    run_key: Sha256  # of the version, as its tag has it: from the weights' run key and the snapshot's tag
    snapshot_tag: str
    lineage_sha256: Sha256
    at: AwareDatetime
    who: str
    why: str


class RefreshRefused(LedgerEntry):
    """A graph that the champion's weights were not served on, and why; `version` serves on."""

    kind: Literal["refresh_refused"] = "refresh_refused"
    graph: GraphName
    version: int
    weights_of: int
    snapshot_tag: str
    at: AwareDatetime
    who: str
    why: str


AliasEvent = AliasEntry | AliasObserved | GraphRefreshed
NightOutcome = Literal["promoted", "kept", "skipped", "refused", "awaiting", "rejected", "failed"]


class NightEntry(LedgerEntry):
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


class ShadowEvidence(LedgerEntry):
    """A shadow after one night beside the champion's weights; `report_sha256` is that night's evaluation."""

    kind: Literal["shadow_evidence"] = "shadow_evidence"
    graph: GraphName
    run_name: str
    champion: int
    report_sha256: Sha256
    shadow: ShadowState
    at: AwareDatetime


class RegistryBound(LedgerEntry):
    """The registered model that a graph's ledger tells of: when MLflow made it, and the server it was bound at.

    Nothing in MLflow is written for this. The time at which MLflow made a registered model stays with the model through
    backups, and a model that is deleted and made anew has another one.
    """

    kind: Literal["registry_bound"] = "registry_bound"
    graph: GraphName
    made_at: AwareDatetime
    where: str  # without credentials
    at: AwareDatetime
    who: str
    why: str = ""  # a person's reason; empty where the two agreed and nobody was asked
    lost: tuple[int, ...] = ()  # versions that the ledger told of until then, and that this registry does not have


class PromotionsStopped(LedgerEntry):
    """A person's word that nothing is promoted: the champion is pinned at a version, or promotions are paused."""

    kind: Literal["promotions_stopped"] = "promotions_stopped"
    graph: GraphName
    version: int | None  # the champion that is pinned; None where promotions are paused
    until: AwareDatetime | None  # None: until somebody says otherwise
    at: AwareDatetime
    who: str
    why: str


class PromotionsResumed(LedgerEntry):
    """A person's word that promotions go on after a pin or a pause."""

    kind: Literal["promotions_resumed"] = "promotions_resumed"
    graph: GraphName
    at: AwareDatetime
    who: str
    why: str


Entry = (
    NightEntry
    | ShadowEvidence
    | AliasEvent
    | RefreshRefused
    | AnchorEntry
    | ApprovalEntry
    | RegistryCollected
    | RegistryBound
    | PromotionsStopped
    | PromotionsResumed
)
KINDS: dict[str, type[Written]] = {kind.model_fields["kind"].default: kind for kind in get_args(Entry)}


def read_entry(line: str, what: str) -> Entry:
    """Read one line of the ledger, whichever version wrote it; see `entry_of` for what it raises."""
    return cast(Entry, entry_of(line, KINDS, what))


def repeats(entries: Sequence[Entry], new: Entry) -> bool:
    """Return whether the newest entry about the same thing says the same; a night's clock time does not count."""
    for old in reversed(entries):
        if isinstance(new, NightEntry) and isinstance(old, NightEntry) and old.run_name == new.run_name:
            return (old.outcome, old.reason) == (new.outcome, new.reason)
        if isinstance(new, AliasEvent) and isinstance(old, AliasEvent) and old.alias == new.alias:
            return old == new
        if isinstance(new, RefreshRefused) and isinstance(old, RefreshRefused):
            return new == old.model_copy(update={"at": new.at, "who": new.who})
    return False
