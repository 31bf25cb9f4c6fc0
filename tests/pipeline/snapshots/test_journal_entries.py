from datetime import UTC, datetime

import pytest

from pipeline.snapshots.journal_entries import (
    BytesRestored,
    Collected,
    Entry,
    GcEnded,
    GcGivenUp,
    GcStarted,
    Hold,
    Release,
    Retracted,
    TagPublished,
    file_of,
    read_entry,
    subject_of,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
WHO = "me@here"


@pytest.mark.parametrize(
    ("entry", "file", "subject"),
    [
        (TagPublished(graph="demo", tag="snap/x", at=AT, who=WHO), "published/demo.jsonl", "published snap/x"),
        (BytesRestored(tag="snap/x", at=AT, who=WHO), "gc.jsonl", "restored snap/x"),
        (Hold(tag="snap/x", at=AT, who=WHO, reason="paper"), "holds.jsonl", "hold snap/x: paper"),
        (Release(tag="snap/x", at=AT, who=WHO, reason="done"), "holds.jsonl", "release snap/x: done"),
        (Retracted(tag="snap/x", at=AT, who=WHO, reason="2062"), "holds.jsonl", "retracted snap/x: 2062"),
        (GcStarted(id="a", until=AT, at=AT, who=WHO, reason="disk"), "gc.jsonl", "gc a started: disk"),
        (
            Collected(id="a", tags=("snap/x", "snap/y"), policy="p", at=AT, who=WHO, reason="disk"),
            "gc.jsonl",
            "gc a: 2 tags collected",
        ),
        (GcGivenUp(id="a", at=AT, who=WHO), "gc.jsonl", "gc a given up: it has not ended in its time"),
        (
            GcEnded(id="a", objects=3, bytes=9, outcome="done", at=AT, who=WHO),
            "gc.jsonl",
            "gc a ended: 3 objects, 9 bytes, done",
        ),
    ],
)
def test_entry_is_one_line_of_its_file_and_comes_back(entry: Entry, file: str, subject: str) -> None:
    assert (file_of(entry), subject_of(entry)) == (file, subject)
    assert read_entry(entry.as_written(), "the line") == entry
