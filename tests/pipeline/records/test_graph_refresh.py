from __future__ import annotations

from pathlib import Path

from pipeline.records.graph_refresh import GraphRefresh, refresh_key
from tests.fixtures.refresh_entries import AT, TAG


def test_record_reads_back_with_the_same_digest(tmp_path: Path) -> None:
    record = GraphRefresh(
        graph="demo", version=7, model_id="m-1", run_key="4" * 64, weights_of=3, weights_lineage_sha256=None,
        as_of=AT, snapshot_tag=TAG, content_id="c" * 64, manifest_sha256="e" * 64, snapshot_sha256="5" * 64,
        replaced=6, rules=(), model=(), files=(), code_version="2" * 64,
    )  # fmt: skip
    record.write(tmp_path)
    assert GraphRefresh.read(tmp_path) == record
    assert GraphRefresh.read(tmp_path).sha256 == record.sha256


def test_key_is_that_of_one_version_of_weights_on_one_snapshot() -> None:
    keys = {refresh_key(weights, tag) for weights in ("3" * 64, "4" * 64) for tag in (TAG, f"{TAG[:-1]}d")}
    assert len(keys) == 4
    assert refresh_key("3" * 64, TAG) in keys
