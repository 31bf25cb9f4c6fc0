from __future__ import annotations

import hashlib
import math
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.errors import NewerFormat, TamperedRecord
from pipeline.records.chain import (
    GraphSnapshot,
)
from pipeline.records.record import Record

SHA = "0123456789abcdef" * 4
NIGHT = datetime(2026, 1, 2, tzinfo=UTC)
SNAPSHOT = GraphSnapshot(
    graph="demo", run_name="demo-20260102T000000Z", as_of=NIGHT, content_id=SHA, tag="snap/demo/20260102T000000Z/0123",
    dvc_md5="d41d8cd98f00b204e9800998ecf8427e.dir", manifest_sha256=SHA, source_sha256=SHA, previous_tag=None,
    previous_as_of=None, num_nodes=3, num_edges=2, num_features=0, added_edges=2, removed_edges=0, returned_edges=0,
    checks=(), params_sha256=SHA, code_version=SHA, git_commit=None, run_key=SHA,
)  # fmt: skip


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"num_edges": 2', '"num_edges": 2.5'),  # no longer valid
        ('"num_edges": 2', '"num_edge": 2'),  # a field lost, another invented
        (f'"content_id": "{SHA}"', '"content_id": "short"'),
        ('"num_edges": 2', '"num_edges":  2'),  # the same values, other bytes: the digest cannot hold
        ("\n}\n", "\n}"),
        ("{", ""),
    ],
)
def test_a_changed_record_is_found_and_named(tmp_path: Path, was: str, becomes: str) -> None:
    path = SNAPSHOT.write(tmp_path)
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, becomes, 1))
    with pytest.raises(TamperedRecord, match=r"graph_snapshot\.json is not .*delete the run folder"):
        GraphSnapshot.read(tmp_path)


def test_a_missing_record_is_no_tampering(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        GraphSnapshot.read(tmp_path)


def test_a_record_refuses_a_time_without_a_zone() -> None:
    naive: dict[str, Any] = SNAPSHOT.model_dump() | {"as_of": datetime(2026, 1, 2)}  # noqa: DTZ001 - the fault
    with pytest.raises(ValidationError, match="timezone"):
        GraphSnapshot.model_validate(naive)


class Grown(Record):
    """What a record of today may look like: `value` was called `score` in format 1, and `note` is newer."""

    file_name = "grown.json"
    UPGRADES = {1: lambda content: {"value": content["score"], "note": "not recorded"}}  # noqa: RUF012

    value: float
    note: str


OLD = '{\n  "score": 0.25\n}\n'


def test_a_record_of_an_older_format_keeps_its_bytes_and_its_digest(tmp_path: Path) -> None:
    (tmp_path / "grown.json").write_text(OLD)
    record = Grown.read(tmp_path)
    assert (record.value, record.note) == (0.25, "not recorded")
    assert record.to_json() == OLD
    assert record.sha256 == hashlib.sha256(OLD.encode()).hexdigest()
    record.write(tmp_path / "copy")
    assert (tmp_path / "copy" / "grown.json").read_text() == OLD
    assert Grown.read(tmp_path / "copy").sha256 == record.sha256


def test_a_changed_copy_of_an_older_record_is_a_record_of_today(tmp_path: Path) -> None:
    (tmp_path / "grown.json").write_text(OLD)
    changed = Grown.read(tmp_path).model_copy(update={"value": 0.5})
    assert changed.to_json() == '{\n  "format": 2,\n  "value": 0.5,\n  "note": "not recorded"\n}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n  "score":  0.25\n}\n', "not in the canonical form"),  # the same values, other bytes
        ('{\n  "value": 0.25,\n  "note": ""\n}\n', "not a valid Grown"),  # the fields of another format
        ('{\n  "format": 0,\n  "score": 0.25\n}\n', "0 is not a format number"),
        ('{\n  "format": true,\n  "score": 0.25\n}\n', "True is not a format number"),
        ("[]\n", "an object is expected, not a list"),
        ('{\n  "score": 0.25,\n  "x": "\xff"\n}\n', "not a valid Grown"),  # a byte that is not UTF-8
        ("[" * 100_000, "Invalid JSON"),
    ],
)
def test_a_damaged_record_of_an_older_format_is_found(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "grown.json").write_text(text, encoding="latin-1")
    with pytest.raises(TamperedRecord, match=says):
        Grown.read(tmp_path)


def test_a_record_of_a_newer_format_asks_for_an_upgrade_and_speaks_of_no_damage(tmp_path: Path) -> None:
    (tmp_path / "grown.json").write_text('{\n  "format": 3,\n  "unheard": 1\n}\n')
    says = r"grown\.json is in format 3, .* up to 2\. .*newer version: upgrade this one"
    with pytest.raises(NewerFormat, match=says) as told:
        Grown.read(tmp_path)
    assert told.value.exit_code == 2
    assert "changed after" not in str(told.value)


@given(st.floats(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ue000")))
def test_a_record_reads_back_with_its_digest_whatever_it_holds(value: float, note: str) -> None:
    record = Grown(value=value, note=note) if math.isfinite(value) else Grown(value=0.0, note=note)
    with tempfile.TemporaryDirectory() as folder:
        path = record.write(Path(folder))
        again = Grown.read(Path(folder))
        assert again.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == record.sha256
        assert again == record


def test_a_number_may_be_spelt_otherwise_than_by_todays_libraries(tmp_path: Path) -> None:
    text = '{\n  "format": 2,\n  "value": 1.0E-5,\n  "note": "a"\n}\n'
    (tmp_path / "grown.json").write_text(text)
    record = Grown.read(tmp_path)
    assert (record.value, record.to_json()) == (1e-5, text)
