from __future__ import annotations

from pipeline.doors import Doors
from pipeline.records.graph_refresh import GraphRefresh
from tests.fixtures.refresh_entries import AT, TAG


def test_each_record_of_a_run_is_found_by_its_own_digest(doors: Doors, graph: str, run_name: str) -> None:
    run_id = doors.registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    first = GraphRefresh(
        graph=graph, version=2, model_id="m-1", run_key="4" * 64, weights_of=1, weights_lineage_sha256=None,
        as_of=AT, snapshot_tag=TAG, content_id="c" * 64, manifest_sha256="e" * 64, snapshot_sha256=None,
        replaced=1, rules=(), model=(), files=(), code_version="2" * 64,
    )  # fmt: skip
    second = first.model_copy(update={"version": 3})
    for record in (first, second, first):
        doors.registry.refreshes.put(run_id, record)
    for record in (first, second):
        assert doors.registry.refreshes.get(run_id, record.sha256) == record
    assert doors.registry.refreshes.get(run_id, "9" * 64) is None
