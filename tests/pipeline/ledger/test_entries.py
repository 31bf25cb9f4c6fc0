from __future__ import annotations

from datetime import UTC, datetime

from pipeline.ledger.entries import (
    AliasEntry,
    AliasObserved,
    RefreshRefused,
    RegistryCollected,
    read_entry,
    repeats,
)

AT = datetime(2026, 1, 2, tzinfo=UTC)
MOVED = AliasEntry(graph="demo", alias="champion", version=2, previous=1, at=AT, who="ann", why="better")
SEEN = AliasObserved(graph="demo", alias="champion", version=1, previous=2, at=AT, who="run b")
COLLECTED = RegistryCollected(
    graph="demo", versions=(1,), checkpoints=(), run_folders=(), policy="keep-versions 1", at=AT, who="ann", reason="x"
)


def test_move_after_one_made_without_the_ledger_is_no_repetition() -> None:
    assert repeats([MOVED], MOVED)
    assert not repeats([MOVED, SEEN], MOVED)


def test_refusal_that_says_the_same_again_is_a_repetition_whoever_tried() -> None:
    refused = RefreshRefused(
        graph="demo", version=2, weights_of=2, snapshot_tag="snap/demo/x/y", at=AT, who="run a", why="it collapsed"
    )
    again = refused.model_copy(update={"who": "ann", "at": AT.replace(hour=9)})
    assert repeats([refused, MOVED], again)
    assert not repeats([refused], again.model_copy(update={"why": "not finite"}))


def test_collection_entered_before_trained_models_were_collected_reads_as_one_that_took_none() -> None:
    line = COLLECTED.as_written().replace(',"models":[]', "")
    assert "models" not in line
    assert read_entry(line, "the line") == COLLECTED
