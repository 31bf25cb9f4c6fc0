from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.evaluation.earlier_nights import earlier_model, nights_before, why_left_out
from pipeline.graphs.tables import GraphTables
from pipeline.ledger.entries import NightEntry, NightOutcome, RegistryCollected
from pipeline.records.chain import TrainedModel
from pipeline.runs.data import model_folder
from pipeline.runs.folder import RunFolder
from tests.pipeline.conftest import AS_OF

TAG = "snap/demo/20260101T000000Z/0"


def night(as_of: datetime, outcome: NightOutcome = "kept", graph: str = "demo") -> NightEntry:
    completed = outcome in ("promoted", "kept", "awaiting", "rejected")
    name = f"{graph}-{as_of:%Y%m%dT%H%M%SZ}"
    return NightEntry(graph=graph, run_name=name, as_of=as_of, at=as_of, outcome=outcome, reason="r",
                      completed=completed, snapshot_tag=TAG)  # fmt: skip


def tables(ids: list[int]) -> GraphTables:
    none = np.zeros(0, dtype=np.int64)
    return GraphTables(np.array(ids), None, np.zeros((2, 0), dtype=np.int64), none, none, none)


def test_a_night_counts_if_it_came_to_a_model_whatever_became_of_it() -> None:
    outcomes: list[NightOutcome] = ["promoted", "skipped", "kept", "failed", "awaiting", "refused", "rejected", "kept"]
    entries = [night(AS_OF + timedelta(days=day), outcome) for day, outcome in enumerate(outcomes)]
    found = nights_before(entries[::-1], AS_OF + timedelta(days=7))  # the last is not before itself
    assert [one.as_of.day for one in found] == [2, 4, 6, 8]
    assert nights_before(entries, AS_OF + timedelta(microseconds=1)) == ()  # a cut is told in whole seconds


def test_a_model_that_was_collected_or_made_of_a_retracted_snapshot_is_left_out() -> None:
    one = night(AS_OF)
    taken = RegistryCollected(graph="demo", versions=(), checkpoints=(), run_folders=(), models=(one.run_name,),
                              policy="model-days 9", at=AS_OF, who="ann", reason="routine")  # fmt: skip
    assert why_left_out(one, [one], {}) is None
    said = "its model was collected by ann on 2026-01-02 00:00 UTC, routine (model-days 9)"
    assert why_left_out(one, [one, taken], {}) == said
    assert why_left_out(one, [one], {TAG: "retracted by bob"}) == "its snapshot was retracted by bob"


def test_the_model_is_that_of_mlflow_and_nothing_of_it_stays_here(
    doors: Doors,
    graph: str,
    make_decided_run: Callable[..., RunFolder],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = make_decided_run(doors, graph)
    expected = LinkModel.load(model_folder(folder, doors, folder.get(TrainedModel)))
    before = sorted(doors.environment.home.rglob("*"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    found = earlier_model(night(AS_OF, graph=graph), tables([10, 20, 30, 40, 50]), None, doors)  # a node came since
    assert found.score_ids([10], [40]).tolist() == expected.score_ids([10], [40]).tolist()
    assert sorted(doors.environment.home.rglob("*")) == before
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_model_that_is_gone_damaged_or_of_other_nodes_or_features_says_so(
    doors: Doors, graph: str, make_decided_run: Callable[..., RunFolder]
) -> None:
    folder = make_decided_run(doors, graph)
    one, same = night(AS_OF, graph=graph), tables([10, 20, 30, 40])
    with pytest.raises(InvalidGraph, match="reads the features None, tonight's are x0,x1"):
        earlier_model(one, same, "x0,x1", doors)
    with pytest.raises(InvalidGraph, match="node ids are not the first of tonight's"):
        earlier_model(one, tables([10, 30, 20, 40]), None, doors)
    with pytest.raises(InvalidInput, match=r"no trained model of run .*-20260105T000000Z\. Restore it from a backup"):
        earlier_model(night(AS_OF.replace(day=5), graph=graph), same, None, doors)
    doors.registry.contents.remove_trained(folder.require_mlflow_run())  # past the policy
    with pytest.raises(TamperedRecord):
        earlier_model(one, same, None, doors)
