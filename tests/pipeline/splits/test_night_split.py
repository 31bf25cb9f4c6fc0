from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import STILL_ALIVE, GraphTables
from pipeline.params.params import SplitParams
from pipeline.records.chain import GraphSnapshot
from pipeline.records.digests import digests_of_folder
from pipeline.splits import night_split
from pipeline.splits.arrays import SPLIT_FILE, SplitArrays
from pipeline.splits.certificate import edge_history
from pipeline.splits.night_split import make_split
from tests.fixtures.night_stories import snapshot

PARAMS = SplitParams(minimum_test_edges=30, negatives_per_edge=10)


def first_night(days: list[NetworkDay]) -> tuple[GraphSnapshot, GraphTables]:
    """The first day's graph, each edge dated by when it formed."""
    day = days[0]
    formed = day.formed_at.astype(np.int64)
    tables = GraphTables(day.node_ids, day.features, day.edges, formed, np.full_like(formed, STILL_ALIVE), formed)
    return snapshot().model_copy(update={"as_of": datetime.fromtimestamp(day.as_of, UTC)}), tables


def test_the_record_tells_what_lies_in_the_folder(days: list[NetworkDay], tmp_path: Path) -> None:
    night, tables = first_night(days)
    made = make_split(tmp_path, night, tables, edge_history(tables), (night.as_of,), PARAMS, None)
    record = made.record(night, PARAMS, "split/demo/x", digests_of_folder(tmp_path))
    arrays = SplitArrays.load(tmp_path)
    assert (record.num_train, record.num_valid, record.num_test) == tuple(
        side.shape[1] for side in (arrays.train, arrays.valid, arrays.test)
    )
    assert [item.path for item in record.files] == [SPLIT_FILE]
    assert (record.tag, record.snapshot_sha256) == ("split/demo/x", night.sha256)
    assert record.cut_valid is not None
    assert record.cut_valid.tzinfo is UTC
    assert record.negative_kinds == PARAMS.negative_kinds
    assert all(item.passed for item in record.certificate)
    assert record.num_without_negatives == 0
    assert (record.num_returning, record.num_historical_negatives) == (0, None)


def test_a_leak_in_the_saved_bytes_is_certified_though_the_arrays_in_memory_have_none(
    days: list[NetworkDay], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night, tables = first_night(days)
    save = SplitArrays.save

    def with_a_leak(arrays: SplitArrays, folder: Path) -> None:
        save(arrays, folder)
        leaking = SplitArrays.load(folder)
        leaking.train[:, 0] = leaking.test[:, 0]
        save(leaking, folder)

    monkeypatch.setattr(night_split.SplitArrays, "save", with_a_leak)
    made = make_split(tmp_path, night, tables, edge_history(tables), (), PARAMS, None)
    assert [item.name for item in made.certificate if not item.passed] != []


def test_a_graph_that_cannot_be_split_is_named_with_its_night(days: list[NetworkDay], tmp_path: Path) -> None:
    night, tables = first_night(days)
    one = np.full_like(tables.first_seen, 1)
    one_date = GraphTables(tables.node_ids, tables.features, tables.edges, one, tables.removed_at, one)
    temporal = PARAMS.model_copy(update={"method": "temporal"})
    with pytest.raises(
        InvalidInput,
        match=r"^demo as of 20\d\d-\d\d-\d\d \d\d:\d\d cannot be split: .*Set split.method to auto or hashed",
    ):
        make_split(tmp_path, night, one_date, edge_history(one_date), (), temporal, None)


def test_held_out_edges_without_a_negative_are_counted_in_the_record(days: list[NetworkDay], tmp_path: Path) -> None:
    night, _ = first_night(days)
    every = np.stack(np.triu_indices(40, 1))
    edges = every[:, every[0] < 20]  # nodes 0 to 19 are joined to all
    dates = np.ones(edges.shape[1], dtype=np.int64)
    tables = GraphTables(np.arange(40), None, edges, dates, np.full_like(dates, STILL_ALIVE), dates)

    made = make_split(tmp_path, night, tables, edge_history(tables), (night.as_of,), PARAMS, None)

    record = made.record(night, PARAMS, "split/demo/x", digests_of_folder(tmp_path))
    held_out = int(made.edges.valid.sum() + made.edges.test.sum())
    assert record.num_without_negatives == held_out - record.num_valid - record.num_test > 0
    assert all(item.passed for item in record.certificate)


def test_edges_that_came_back_are_counted_and_not_tested(days: list[NetworkDay], tmp_path: Path) -> None:
    night, tables = first_night(days)
    as_of, old = int(night.as_of.timestamp()), np.argsort(tables.first_seen, kind="stable")
    back, removed = tables.alive_since.copy(), tables.removed_at.copy()
    back[old[:7]] = as_of  # came back after the cut
    back[old[7:9]] += 1  # came back by it: message edges like any others
    removed[old[6]] = as_of  # came back, and went again
    removed[old[20:60]] = tables.first_seen[old[20:60]]
    returning = replace(tables, alive_since=back, removed_at=removed)
    params = PARAMS.model_copy(update={"negative_kinds": ("uniform", "historical")})

    made = make_split(tmp_path, night, returning, edge_history(returning), (night.as_of,), params, None)

    record = made.record(night, params, "split/demo/x", digests_of_folder(tmp_path))
    assert record.num_returning == 6
    assert not np.isin(edge_history(returning).look_up(made.arrays.test).first_seen, tables.first_seen[old[:7]]).any()
    ended = edge_history(returning).look_up(made.arrays.test_negatives.long()).known.sum()
    assert 0 < int(ended) == record.num_historical_negatives
    assert all(item.passed for item in record.certificate)


def test_where_no_time_divides_the_edges_none_is_returning(days: list[NetworkDay], tmp_path: Path) -> None:
    night, tables = first_night(days)
    hashed = PARAMS.model_copy(update={"method": "hashed"})
    assert make_split(tmp_path, night, tables, edge_history(tables), (), hashed, None).num_returning is None
