from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.errors import InvalidInput
from pipeline.records.chain import GraphSnapshot
from pipeline.registry.snapshot_dataset import DvcSource, snapshot_input


def test_source_comes_back_as_it_was_stored(make_snapshot: Callable[..., GraphSnapshot]) -> None:
    snapshot = make_snapshot()
    entry = snapshot_input(snapshot, "/data/graph-data.git").dataset
    source = DvcSource.from_json(entry.source)
    assert source == DvcSource(
        repository="/data/graph-data.git",
        tag=snapshot.tag,
        path=f"{snapshot.graph}/data",
        content_id=snapshot.content_id,
        manifest_sha256=snapshot.manifest_sha256,
    )
    assert entry.digest == "c" * 36  # all that MLflow's column holds; the source holds the whole


def test_source_is_never_guessed_from_a_string() -> None:
    assert not DvcSource._can_resolve("git@example.org:data.git")
    with pytest.raises(InvalidInput, match=r"not made from 'data\.git'.*from_dict"):
        DvcSource._resolve("data.git")
