from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import TamperedRecord
from pipeline.records.chain import (
    GraphSnapshot,
)

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
