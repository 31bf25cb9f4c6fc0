"""Nine nights that each left a model in MLflow; tonight is the tenth, and its message graph is that of night 6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel, Positions
from pipeline.doors import Doors
from pipeline.errors import OutsideTrouble
from pipeline.evaluation import staleness as of_ages
from pipeline.evaluation.aged_scores import Tonight
from pipeline.evaluation.comparison import FreshPairs, scored_pairs
from pipeline.evaluation.staleness import staleness
from pipeline.graphs.tables import GraphTables
from pipeline.ledger.entries import NightEntry, RegistryCollected
from pipeline.params.params import EvaluateParams
from pipeline.records.chain import TrainedModel
from pipeline.records.digests import digests_of_folder
from pipeline.records.evaluation import AgedScores, Staleness
from tests.pipeline.conftest import AS_OF, chain_of, snapshot_record

NODES, EDGES, EACH = 60, 40, 4
PARAMS = EvaluateParams(staleness=(1, 3, 30))


def as_of(night: int) -> datetime:
    return AS_OF + timedelta(days=night - 1)


def run_name(graph: str, night: int) -> str:
    return f"{graph}-{as_of(night):%Y%m%dT%H%M%SZ}"


@pytest.fixture
def leave(doors: Doors, graph: str, make_model: Callable[..., Path]) -> Callable[..., str]:
    """Return a maker of nights that left a model and ended: night n has 50 + n nodes. It returns the MLflow run."""

    def make(night: int) -> str:
        name, registry = run_name(graph, night), doors.registry
        run_id = registry.runs.open(graph, name, run_key=f"{night:064x}", params={})
        model = make_model(range(50 + night), seed=night)
        registry.runs.put_folder(run_id, model, "model")
        snapshot = snapshot_record(graph, as_of=as_of(night), run_name=name)
        for record in chain_of(
            snapshot,
            run_id=run_id,
            model_files=digests_of_folder(model),
            split={},
            promote=False,
            champion_version=None,
        ):
            if isinstance(record, TrainedModel):
                registry.runs.put_record(run_id, record)
        doors.ledger.append(
            NightEntry(graph=graph, run_name=name, as_of=as_of(night), at=as_of(night), outcome="kept", reason="r",
                       completed=True, snapshot_tag=snapshot.tag)
        )  # fmt: skip
        return run_id

    return make


@pytest.fixture
def tonight(graph: str, make_model: Callable[..., Path]) -> Tonight:
    """Tonight's edges came one after the other since night 6: four of them tonight, the others before."""
    generator = torch.Generator().manual_seed(0)
    positives = torch.stack([torch.arange(EDGES) % 20, torch.arange(EDGES) // 20 * 10 + 22 + torch.arange(EDGES) % 9])
    other = torch.randint(20, 50, (EDGES * EACH,), generator=generator)
    negatives = torch.stack([positives[0].repeat_interleave(EACH), other])
    first_seen = torch.full((EDGES,), int(as_of(8).timestamp()))
    first_seen[:4] = int(as_of(10).timestamp())
    pairs = FreshPairs(positives, negatives, first_seen, EDGES, 0, "")
    message = Adjacency.from_edges(torch.stack([torch.arange(NODES - 1), torch.arange(1, NODES)]), NODES)
    challenger, champion = (LinkModel.load(make_model(range(NODES), seed=seed)) for seed in (10, 2))
    none = np.zeros(0, dtype=np.int64)
    scored = {
        name: scored_pairs(pairs, lambda asked, model=model: model.score_pairs(Positions(asked), adjacency=message))  # type: ignore[misc]
        for name, model in (("challenger", challenger), ("champion", champion))
    }
    return Tonight(
        graph=graph,
        run_name=run_name(graph, 10),
        as_of=as_of(10),
        cut=as_of(6),
        known_nodes=56,
        tables=GraphTables(np.arange(NODES), None, np.zeros((2, 0), dtype=np.int64), none, none, none),
        columns=None,
        message=message,
        features=None,
        pairs=pairs,
        challenger=scored["challenger"],
        champion=(champion, scored["champion"]),
    )


def nights(curve: Sequence[AgedScores]) -> dict[int, str]:
    return {one.nights: one.run_name[-16:-8] for one in curve}


def measured(tonight: Tonight, doors: Doors, params: EvaluateParams = PARAMS) -> Staleness:
    found = staleness(tonight, params, doors)
    assert found is not None
    return found


def test_models_are_counted_back_from_tonight_and_graphs_from_the_test_graph(
    leave: Callable[..., str], tonight: Tonight, doors: Doors
) -> None:
    for night in (1, 2, 3, 4, 5, 6, 7):
        leave(night)
    found = measured(tonight, doors)
    assert nights(found.models) == {0: "20260111", 1: "20260108", 3: "20260106"}
    assert nights(found.graphs) == {0: "20260111", 1: "20260106", 3: "20260104"}
    assert found.graphs[0].as_of == as_of(6)
    assert found.num_edges == EDGES
    assert found.absent == {
        "model 30": "only 7 nights with a model before tonight",
        "graph 30": "only 5 nights with a model before the test's graph",
    }
    own = float(tonight.challenger.ranks.mean())
    assert found.models[0].value.value == pytest.approx(own)
    for one in found.models[1:]:
        assert one.loss is not None
        assert one.loss.value == pytest.approx(own - one.value.value)
    assert measured(tonight, doors) == found


def test_the_weights_of_then_on_todays_graph_and_todays_weights_on_the_graph_of_then(
    leave: Callable[..., str], tonight: Tonight, doors: Doors, make_model: Callable[..., Path]
) -> None:
    """All models here carry a path of nodes: what differs is whose weights are asked on whose graph."""
    for night in (1, 2, 3, 4, 5):
        leave(night)
    found = measured(tonight, doors, EvaluateParams(staleness=(1,)))

    def mrr(seed: int, graph: Adjacency) -> float:
        model = LinkModel.load(make_model(range(graph.num_nodes), seed=seed))
        return float(scored_pairs(tonight.pairs, lambda asked: model.score_pairs(Positions(asked))).ranks.mean())

    then = Adjacency.from_edges(torch.stack([torch.arange(54), torch.arange(1, 55)]), 55)
    assert found.models[1].value.value == pytest.approx(mrr(5, tonight.message))
    assert found.graphs[1].value.value == pytest.approx(mrr(2, then))


def test_a_night_that_leaves_too_few_common_edges_is_left_out_for_the_older_ones(
    leave: Callable[..., str], tonight: Tonight, doors: Doors
) -> None:
    for night in (5, 6, 7, 8):  # night 8 has seen all but four of the edges
        leave(night)
    found = measured(tonight, doors)
    assert found.absent["model 1"] == "only 4 of the test edges are new to it and to all older ones, and 30 are needed"
    assert (list(nights(found.models)), found.num_edges) == ([0, 3], EDGES)


def test_edges_that_one_of_them_has_seen_are_counted_for_none(
    leave: Callable[..., str], tonight: Tonight, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_ages, "FEWEST_EDGES", 4)
    for night in (5, 6, 7, 8):
        leave(night)
    found = measured(tonight, doors)
    assert (list(nights(found.models)), found.num_edges) == ([0, 1, 3], 4)
    assert found.models[0].value.value == pytest.approx(float(tonight.challenger.ranks[:4].mean()))


def test_many_edges_are_sampled_by_the_seed(
    leave: Callable[..., str], tonight: Tonight, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_ages, "MOST_EDGES", 10)
    leave(5)
    found = measured(tonight, doors)
    assert found.num_edges == 10
    assert measured(tonight, doors) == found
    assert measured(tonight, doors, PARAMS.model_copy(update={"seed": 1})) != found


def test_models_that_are_damaged_collected_or_unreachable_are_left_out_with_the_reason_and_the_others_stay(
    leave: Callable[..., str], tonight: Tonight, doors: Doors, graph: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {night: leave(night) for night in (3, 4, 5, 6, 7)}
    [weights] = Path(doors.registry.server.run(runs[7]).info.artifact_uri.removeprefix("file://")).rglob("weights.*")
    weights.write_bytes(b"other weights")
    doors.ledger.append(
        RegistryCollected(graph=graph, versions=(), checkpoints=(), run_folders=(), models=(run_name(graph, 3),),
                          policy="p", at=AS_OF, who="ann", reason="routine")
    )  # fmt: skip
    found = measured(tonight, doors)
    assert (nights(found.models), list(nights(found.graphs))) == ({0: "20260111", 3: "20260106"}, [0, 1])
    assert "weights.safetensors" in found.absent["model 1"]
    assert found.absent["graph 3"].startswith("its model was collected by ann")

    def away(*_: object) -> None:
        raise OutsideTrouble("The store gives no answer. Try again.")

    monkeypatch.setattr(of_ages, "earlier_model", away)
    found = measured(tonight, doors)
    assert (found.models, found.graphs, found.num_edges) == ((), (), 0)
    assert found.absent["model 3"] == "the store gives no answer"


def test_without_a_champion_or_a_fresh_edge_the_reason_is_all_there_is(
    leave: Callable[..., str], tonight: Tonight, doors: Doors
) -> None:
    leave(5)
    alone = measured(replace(tonight, champion=None, no_champion="there is no champion yet"), doors)
    assert list(nights(alone.models)) == [0, 1]
    assert {why for what, why in alone.absent.items() if what.startswith("graph")} == {"there is no champion yet"}
    seen = measured(replace(tonight, pairs=replace(tonight.pairs, num_fresh=0)), doors)
    assert seen.num_edges == 0
    assert seen.absent["model 1"].startswith("only 0 of the test edges")


def test_an_empty_list_reads_nothing(tonight: Tonight) -> None:
    assert staleness(tonight, EvaluateParams(staleness=()), None) is None  # type: ignore[arg-type]
