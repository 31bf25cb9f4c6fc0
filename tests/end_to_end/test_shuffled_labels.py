"""A model that learnt nothing must not pass the gate, whatever its seed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.random_spatial_network import NetworkDay
from ncnc_core.splits.leak_invariants import leak_invariants
from ncnc_core.splits.negatives import uniform_pairs
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import train_network
from pipeline.evaluation.comparison import Scorer, compare, fresh_pairs
from pipeline.graphs.tables import STILL_ALIVE, GraphTables
from pipeline.params.params import Params
from pipeline.promotion.gate import decide
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.certificate import as_records, edge_history
from pipeline.splits.division import divide
from pipeline.training.night_training import training_data
from tests.fixtures.house import House


def tables_of(day: NetworkDay) -> GraphTables:
    edges = day.edges
    dates = torch.full((edges.shape[1],), day.as_of).numpy()
    return GraphTables(
        node_ids=day.node_ids,
        features=day.features,
        edges=edges,
        first_seen=dates,
        removed_at=torch.full((edges.shape[1],), STILL_ALIVE).numpy(),
        alive_since=dates,
    )


def with_shuffled_labels(data: TrainingData, seed: int) -> TrainingData:
    """Draw the positives as the negatives are drawn, so that a label says nothing of its pair.

    Shuffling edges and sampled non-edges together would leave edges in the majority of the positives: negatives are
    drawn anew every epoch, and never from the edges. The message graph stays as it was.
    """
    count = data.train_edges.shape[1]
    edges = pair_keys(data.train_edges, data.num_nodes).unique()
    return TrainingData(
        num_nodes=data.num_nodes,
        features=data.features,
        train_edges=uniform_pairs(count, edges, data.num_nodes, torch.Generator().manual_seed(seed)),
        message_only_edges=data.train_edges,
        forbidden_keys=edges,
        valid_edges=data.valid_edges,
        valid_negatives=data.valid_negatives,
    )


def gate(data: TrainingData, arrays: SplitArrays, params: Params, checked: tuple[Any, ...]) -> Any:
    trained = train_network(params.train.model, params.train.training, data)
    graph, pairs = arrays.testing_graph(data.num_nodes), fresh_pairs(arrays, None)
    levels = node_levels(trained.network, data.features, graph)
    scorers: dict[str, Scorer] = {"challenger": partial(score_pairs, trained.network, levels, graph)}
    scorers |= {name: partial(heuristic, graph) for name, heuristic in HEURISTICS.items()}
    outcome = compare(pairs, scorers, params.evaluate)
    evaluation = EvaluationRecord(
        trained_model_sha256="a" * 64,
        num_test_edges=pairs.num_fresh,
        num_seen_by_champion=0,
        num_negatives=pairs.negatives.shape[1],
        challenger=outcome.scores["challenger"],
        champion=None,
        champion_note="",
        floor=tuple(outcome.scores[name] for name in HEURISTICS),
        paired_metric="mrr",
        paired=None,
        certificate=checked,
        snapshot_checks=(CheckResult(name="rows", level="refuse", threshold=">= 1", observed="9", passed=True),),
        seconds=0.0,
    )
    return decide(evaluation, params.decide.model_copy(update={"floor": tuple(HEURISTICS)}))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_shuffled_training_labels_are_refused_at_the_floor_and_true_ones_are_not(
    house: House, days: list[NetworkDay], seed: int
) -> None:
    torch.set_num_threads(1)
    params = Params.load(house.params_file)
    recipe = params.train.training.model_copy(update={"seed": seed})
    params = params.model_copy(update={"train": params.train.model_copy(update={"training": recipe})})
    tables = tables_of(days[0])
    history = edge_history(tables)
    split, arrays = divide(tables, history, days[0].as_of, [], params.split)
    assert split.method == "hashed"
    checked = as_records(leak_invariants(arrays, history, as_of=days[0].as_of))
    arrays.save(house.folder)
    arrays = SplitArrays.load(house.folder)  # as training gets it
    data = training_data(tables, arrays, torch.from_numpy(days[0].features))

    refused = gate(with_shuffled_labels(data, seed), arrays, params, checked)
    passed = gate(data, arrays, params, checked)

    assert [rule.name for rule in refused.rules if not rule.passed] == ["beats_floor"]
    assert not refused.promote
    assert passed.promote
