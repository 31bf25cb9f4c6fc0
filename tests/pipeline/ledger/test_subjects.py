from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.ledger.entries import (
    AliasEntry,
    AliasObserved,
    AnchorEntry,
    ApprovalEntry,
    Entry,
    GraphRefreshed,
    PromotionsResumed,
    PromotionsStopped,
    RefreshRefused,
    RegistryBound,
    RegistryCollected,
    read_entry,
)
from pipeline.ledger.subjects import subject_of
from tests.fixtures.shadow_nights import shadow_entry

AT = datetime(2026, 1, 2, tzinfo=UTC)
MOVED = AliasEntry(graph="demo", alias="champion", version=2, previous=1, at=AT, who="ann", why="better")
SEEN = AliasObserved(graph="demo", alias="champion", version=1, previous=2, at=AT, who="run b")
ANSWERED = ApprovalEntry(graph="demo", run_name="demo-1", verdict="rejected", who="ann", at=AT, reason="too slow")
ANCHORED = AnchorEntry(
    graph="demo", version=2, lineage_sha256="7" * 64, checks=170, at=AT, who="ann", reason="of before"
)
COLLECTED = RegistryCollected(
    graph="demo", versions=(1,), checkpoints=(), run_folders=(), policy="keep-versions 1", at=AT, who="ann", reason="x"
)
TAG = "snap/demo/20260102T000000Z/cccccccccccc"


@pytest.mark.parametrize(
    ("entry", "subject"),
    [
        (MOVED, "demo: champion 1 -> 2"),
        (SEEN, "demo: champion found at 1, changed in MLflow from 2"),
        (ANSWERED, "demo: run demo-1 rejected by ann"),
        (shadow_entry(1, 2), "demo: night demo-20260102T030000Z, shadow demo-20260101T030000Z stays"),
        (ANCHORED, "demo: version 2 anchored at lineage 777777777777"),
        (COLLECTED, "demo: 1 versions collected, keep-versions 1"),
        (
            RegistryBound(graph="demo", made_at=AT, where="http://mlflow", at=AT, who="run a", lost=(3,)),
            "demo: bound to the registered model made 2026-01-02 00:00:00",
        ),
        (
            PromotionsStopped(graph="demo", version=2, until=AT, at=AT, who="ann", why="x"),
            "demo: version 2 pinned by ann",
        ),
        (
            PromotionsStopped(graph="demo", version=None, until=None, at=AT, who="ann", why="x"),
            "demo: promotions paused by ann",
        ),
        (
            GraphRefreshed(
                graph="demo",
                version=7,
                previous=3,
                weights_of=3,
                run_key="4" * 64,
                snapshot_tag=TAG,
                lineage_sha256="7" * 64,
                at=AT,
                who="run a",
                why="night kept",
            ),
            "demo: champion 3 -> 7, weights of 3",
        ),
        (
            RefreshRefused(graph="demo", version=3, weights_of=3, snapshot_tag=TAG, at=AT, who="run a", why="nan"),
            f"demo: champion 3 not refreshed to {TAG}",
        ),
        (PromotionsResumed(graph="demo", at=AT, who="bob", why="x"), "demo: promotions go on, by bob"),
    ],
)
def test_entry_reads_back_and_its_commit_says_what_it_is(entry: Entry, subject: str) -> None:
    assert read_entry(entry.as_written(), "the line") == entry
    assert subject_of([entry]) == subject
