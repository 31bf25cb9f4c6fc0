"""The parts of the walk; the whole of it, on real bytes with faults planted, is in test_audit.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.audit.findings import AuditCheck
from pipeline.audit.walk import LINKS, AuditWalk
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NewerFormat, OutsideTrouble
from pipeline.records.chain import CHAIN, GraphSnapshot
from pipeline.records.record import Record
from pipeline.registry.facts import ModelVersion


@pytest.fixture
def walk(doors: Doors, graph: str, run_name: str, tmp_path: Path) -> AuditWalk:
    version = ModelVersion(
        name=graph,
        version=1,
        run_id="r",
        model_id="m-1",
        run_key="3" * 64,
        run_name=run_name,
        as_of=datetime(2026, 1, 2, tzinfo=UTC),
        files=(),
        tags={"ncnc.snapshot_tag": f"snap/{graph}/20260102T000000Z/{'c' * 12}"},
    )
    return AuditWalk(doors, version, tmp_path / "work")


def test_every_record_but_the_first_is_linked_to_the_one_before() -> None:
    assert [(child, parent) for child, _, parent in LINKS] == list(zip(CHAIN[1:], CHAIN, strict=False))
    assert all(link in child.model_fields for child, link, _ in LINKS)


def test_two_missing_things_do_not_agree(walk: AuditWalk) -> None:
    walk.check("record x.json", None, None)
    assert walk.checks == [AuditCheck("record x.json", "nothing", "nothing", ok=False)]


@pytest.mark.parametrize("error", [InvalidInput("no such tag"), OutsideTrouble("the remote is down")])
def test_an_error_is_what_was_observed_and_the_walk_goes_on(walk: AuditWalk, error: Exception) -> None:
    def fail() -> None:
        raise error

    walk.attempt("split split/x", "readable", fail)
    walk.check("after it", 1, 1)
    assert [(check.observed, check.ok) for check in walk.checks] == [(str(error), False), ("1", True)]


def test_a_bug_is_no_finding(walk: AuditWalk) -> None:
    with pytest.raises(ZeroDivisionError):
        walk.attempt("split", "readable", lambda: 1 // 0)


def test_run_key_and_tag_of_the_version_are_held_against_the_snapshot(
    walk: AuditWalk, make_snapshot: Callable[..., GraphSnapshot]
) -> None:
    snapshot: Record = make_snapshot(run_key="4" * 64)
    walk.records[GraphSnapshot] = snapshot
    walk.compare_what_is_said_twice()
    assert {check.what: check.ok for check in walk.checks} == {
        "run key of the snapshot": False,
        "snapshot tag of the version": True,
    }


def test_what_a_newer_version_wrote_ends_the_walk_and_is_no_fault_of_the_bytes(walk: AuditWalk) -> None:
    def read() -> None:
        raise NewerFormat("edit.json is in format 9: upgrade this one")

    with pytest.raises(NewerFormat, match="upgrade this one"):
        walk.attempt("record", "0" * 64, read)
    assert walk.checks == []
