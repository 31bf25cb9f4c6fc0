"""A version that was promoted before the ledger kept lineage digests: its audit says so until it is anchored, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.audit.anchoring import anchor_version, without_anchor
from pipeline.audit.audit import audit_model, verify_served
from pipeline.audit.findings import NO_ANCHOR
from pipeline.errors import NothingToDo, TamperedRecord
from pipeline.ledger.entries import AliasEntry, AnchorEntry
from pipeline.ledger.story import story
from pipeline.records.chain import LineageRecord
from tests.fixtures.audited_night import AS_OF, Night, flipped


@pytest.fixture(scope="module")
def older(night: Night) -> Night:
    """The night as if it had been registered before the ledger kept lineage digests."""
    entries = night.doors.ledger.entries(night.graph)
    lines = [
        entry.model_copy(update={"lineage_sha256": None} if isinstance(entry, AliasEntry) else {})
        .as_written()
        .replace(f'"format":{AliasEntry.FORMAT}', '"format":2')
        .replace(',"lineage_sha256":null', "")
        for entry in entries
    ]
    night.rewrite_ledger("".join(f"{line}\n" for line in lines), anew=True)
    return night


def test_version_is_audited_once_it_is_anchored_and_a_change_before_that_is_refused(
    older: Night, tmp_path: Path
) -> None:
    name, doors = older.graph, older.doors
    (missing,) = audit_model(name, "champion", doors=doors, work_folder=tmp_path / "before").faults
    assert (missing.what, missing.observed) == ("lineage digest in the ledger", NO_ANCHOR)
    assert "ncnc registry anchor" in NO_ANCHOR
    assert without_anchor(name, doors) == (1,)
    with (
        flipped(older.stored("link_model/weights.safetensors")),
        pytest.raises(TamperedRecord, match=r"not anchored, for 2 of .*served artifacts/link_model/weights.*backup"),
    ):
        anchor_version(name, 1, who="ann", reason="first", doors=doors, work_folder=tmp_path / "flipped")
    assert without_anchor(name, doors) == (1,)

    made = anchor_version(name, 1, who="ann", reason="the records of before", doors=doors, work_folder=tmp_path / "now")
    lineage = older.folder.get(LineageRecord).sha256
    assert made == AnchorEntry(
        graph=name,
        version=1,
        lineage_sha256=lineage,
        checks=made.checks,
        at=AS_OF,
        who="ann",
        reason="the records of before",
    )
    assert doors.ledger.entries(name)[-1] == made
    assert (story((made,))[0].kind, story((made,))[0].who) == ("anchored", "ann")
    result = audit_model(name, "champion", doors=doors, work_folder=tmp_path / "after")
    assert (result.faults, len(result.checks)) == ((), made.checks + 1)
    with pytest.raises(NothingToDo, match=rf"Version 1 of {name} is anchored already.*{lineage[:12]}"):
        anchor_version(name, 1, who="ann", reason="again", doors=doors, work_folder=tmp_path / "again")


def test_two_lineages_of_one_version_and_a_line_cut_off_are_faults(older: Night, tmp_path: Path) -> None:
    doors, lineage = older.doors, older.folder.get(LineageRecord).sha256
    anchor = AnchorEntry(
        graph=older.graph, version=1, lineage_sha256="7" * 64, checks=1, at=AS_OF, who="eve", reason="mine"
    )
    doors.ledger.append_made(older.graph, lambda _: (anchor,))
    doors.ledger.append_made(older.graph, lambda _: (anchor.model_copy(update={"lineage_sha256": lineage}),))
    result = verify_served(older.graph, "champion", doors=doors, work_folder=tmp_path / "two")
    assert [check.what for check in result.faults] == ["lineage digest in the ledger"]
    assert result.faults[0].observed.startswith("2 that differ: ")

    lines = older.ledger_text().splitlines(keepends=True)
    older.rewrite_ledger("".join(lines[:-2]))
    (cut,) = verify_served(older.graph, "champion", doors=doors, work_folder=tmp_path / "cut").faults
    assert cut.what == "ledger"
    assert f"has {len(lines)} lines, of which today's file has the first {len(lines) - 2}" in cut.observed
