"""The subject of a commit that appends entries to the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.ledger.entries import (
    AliasEntry,
    AliasObserved,
    AnchorEntry,
    ApprovalEntry,
    Entry,
    GraphRefreshed,
    NightEntry,
    PromotionsResumed,
    PromotionsStopped,
    RefreshRefused,
    RegistryBound,
    RegistryCollected,
    ShadowEvidence,
)


def subject_of(entries: Sequence[Entry]) -> str:
    """Return the subject of the commit that appends entries: the last one's, which the others lead to."""
    entry = entries[-1]
    match entry:
        case NightEntry():
            return f"{entry.graph}: night {entry.run_name} {entry.outcome}"
        case AliasEntry():
            return f"{entry.graph}: {entry.alias} {entry.previous} -> {entry.version}"
        case AliasObserved():
            return f"{entry.graph}: {entry.alias} found at {entry.version}, changed in MLflow from {entry.previous}"
        case GraphRefreshed():
            return f"{entry.graph}: champion {entry.previous} -> {entry.version}, weights of {entry.weights_of}"
        case ShadowEvidence():
            shadow = entry.shadow
            return f"{entry.graph}: night {entry.run_name}, shadow {shadow.run_name} {shadow.standing}"
        case ApprovalEntry():
            return f"{entry.graph}: run {entry.run_name} {entry.verdict} by {entry.who}"
        case _:
            return _of_an_order(entry)


def _of_an_order(
    entry: AnchorEntry | RefreshRefused | RegistryCollected | RegistryBound | PromotionsStopped | PromotionsResumed,
) -> str:
    match entry:
        case RefreshRefused():
            return f"{entry.graph}: champion {entry.version} not refreshed to {entry.snapshot_tag}"
        case AnchorEntry():
            return f"{entry.graph}: version {entry.version} anchored at lineage {entry.lineage_sha256[:12]}"
        case RegistryCollected():
            return f"{entry.graph}: {len(entry.versions)} versions collected, {entry.policy}"
        case RegistryBound():
            return f"{entry.graph}: bound to the registered model made {entry.made_at:%Y-%m-%d %H:%M:%S}"
        case PromotionsStopped():
            what = "promotions paused" if entry.version is None else f"version {entry.version} pinned"
            return f"{entry.graph}: {what} by {entry.who}"
        case PromotionsResumed():
            return f"{entry.graph}: promotions go on, by {entry.who}"
