import io
from datetime import UTC, datetime

from rich.table import Table

from pipeline.commands.snapshot_tables import bars, bytes_text, files_table, plan_table, snapshots_table
from pipeline.snapshots.collection_plan import Plan
from pipeline.snapshots.journal import Journal
from pipeline.snapshots.journal_entries import Collected, Hold
from pipeline.snapshots.published import PublishedSnapshot
from pipeline.snapshots.remote_objects import StoredObject
from pipeline.snapshots.retention import Policy
from pipeline.terminal import Terminal

AT = datetime(2026, 1, 1, tzinfo=UTC)


def shown(table: Table) -> str:
    console = Terminal(file=io.StringIO(), width=200)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def journal() -> Journal:
    gone = Collected(id="a", tags=("snap/a",), policy="p", at=AT, who="robot@x", reason="disk")
    return Journal((gone,), (Hold(tag="snap/b", at=AT, who="me@x", reason="paper"),))


def test_bytes_are_there_held_or_collected() -> None:
    assert bytes_text("snap/a", journal()) == "collected on 2026-01-01 by robot@x: disk"
    assert bytes_text("snap/b", journal()) == "held by me@x: paper"
    assert bytes_text("snap/c", journal()) == "there"


def test_list_has_a_row_for_each_snapshot() -> None:
    item = PublishedSnapshot(
        graph="demo", tag="snap/a", as_of=AT, content_id="a" * 64, source_sha256="b" * 64, num_edges=7,
        previous_tag=None, dvc_md5="d.dir", manifest_sha256="c" * 64,
    )  # fmt: skip
    text = shown(snapshots_table("demo", [item], journal()))
    assert "snapshots of demo" in text
    assert "2026-01-01 00:00" in text
    assert "collected on 2026-01-01" in text


def test_file_that_the_remote_lacks_is_seen() -> None:
    text = shown(files_table("snap/a", {"nodes.parquet": 2048, "edges/a.parquet": None}))
    assert "2.0 kB" in text
    assert "MISSING" in text


def test_plan_says_what_goes_and_why_the_rest_stays() -> None:
    plan = Plan(
        AT, Policy(), ("snap/a",), {"snap/b": ("held by me", "version 1")},
        (StoredObject("f" * 32, "x", 5000, AT),), frozenset(), {"snap/b": 2},
    )  # fmt: skip
    text = shown(plan_table(plan))
    assert "1 tags, 1 objects, 5.0 kB would go" in text
    assert "held by me; version 1; the remote lacks 2 of its files already" in text


def test_bars_are_silent_where_there_is_no_terminal() -> None:
    console = Terminal(file=io.StringIO())
    with bars(console) as progress:
        progress("deleting", 1, 2)
        progress("deleting", 2, 2)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
