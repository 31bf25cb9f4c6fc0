"""What an evaluation costs, part by part: `python -m benchmarks.evaluation_cost [--json FILE]`.

Two models and the heuristics on a weekly dump of as_caida, against links that no earlier week of eight listed, with an
NCNC of 64 channels and the evaluation's own parameters. The models' weights are random, so seconds mean something and
metrics do not. Seconds are wall-clock, beside whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from embedded.as_caida import MAXIMUM_NIGHTS, AsCaida, find_archive
from embedded.nights import edges_file
from ncnc_core.config.model import ModelConfig
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.edge_history import NEVER, EdgeHistory
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.splits.negatives import corrupted_negatives
from pipeline.evaluation.compared_models import bound_scorers
from pipeline.evaluation.comparison import FreshPairs, compare
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.floor import night_floor
from pipeline.evaluation.sensitivity import sensitivity
from pipeline.evaluation.slices import slice_scores, slices_of
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import EvaluationCost

TEST_EDGES, PER_EDGE = 500, 50
MODEL = ModelConfig(predictor="ncnc", hidden_channels=64, predictor_dropout=0.1, completion_max_neighbors=16)
WEEK_BEFORE, TONIGHT = (datetime.fromtimestamp(time, UTC) for time in (100, 200))


@dataclass(frozen=True, eq=False)
class EvaluationCase:
    """A message graph [2, edges] and test edges [2, p] that it does not hold."""

    edges: Tensor
    test: Tensor
    num_nodes: int


def weeks_of_as_caida() -> EvaluationCase:
    """Return the last week but one as message graph, and links that the last week lists for the first time in nine."""
    source = AsCaida(find_archive(), MAXIMUM_NIGHTS)
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for night in source.nights[-9:]:
            source.deliver(night.as_of, Path(folder))
            tables.append(pd.read_parquet(edges_file(Path(folder), night.as_of)).to_numpy())
    codes = np.unique(np.concatenate(tables), return_inverse=True)[1].reshape(-1, 2).T.astype(np.int64)
    weeks = torch.from_numpy(codes).split([len(table) for table in tables], 1)
    num_nodes = int(codes.max()) + 1
    fresh = weeks[-1][:, ~torch.isin(pair_keys(weeks[-1], num_nodes), pair_keys(torch.cat(weeks[:-1], 1), num_nodes))]
    return EvaluationCase(weeks[-2], fresh[:, :TEST_EDGES], num_nodes)


def random_model(case: EvaluationCase, seed: int) -> LinkModel:
    """Return an NCNC with random weights."""
    graph = Adjacency.from_edges(case.edges, case.num_nodes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = LinkNetwork(MODEL, num_features=0, num_ids=case.num_nodes).eval()
    return LinkModel(MODEL, network, graph, None, range(case.num_nodes), ScoreCalibration(1.0, 0.0))


def measure(case: EvaluationCase, params: EvaluateParams) -> tuple[EvaluationCost, ...]:
    """Evaluate a challenger and a champion on the case, and return what each part took."""
    graph = Adjacency.from_edges(case.edges, case.num_nodes)
    forbidden = pair_keys(torch.cat([case.edges, case.test], 1), case.num_nodes).unique()
    negatives = corrupted_negatives(
        case.test, PER_EDGE, forbidden, torch.Generator().manual_seed(0), num_nodes=case.num_nodes
    )
    count = case.test.shape[1]
    pairs = FreshPairs(case.test, negatives, torch.full((count,), 150), count, 0, "")
    seen = torch.full((case.edges.shape[1],), 50)
    history = EdgeHistory.of(case.edges, seen, seen, torch.full_like(seen, NEVER), case.num_nodes)
    models = {"challenger": random_model(case, 0), "champion": random_model(case, 1)}
    meter = CostMeter()
    floor = night_floor(graph, None, meter).scores
    scorers = bound_scorers(models, floor, graph, None)
    calibrations = {name: model.calibration for name, model in models.items() if model.calibration is not None}
    outcome = compare(pairs, scorers, params, calibrations=calibrations, meter=meter)
    with meter.part("slices", count):
        times = {"cut_train": WEEK_BEFORE, "cut_valid": WEEK_BEFORE, "previous_as_of": WEEK_BEFORE}
        parts = slices_of(pairs.positives, pairs.first_seen, graph, history, **times)
        ranks = [outcome.scored[name].ranks for name in models]
        slice_scores(parts, ranks[0], ranks[1], pairs.positives, params)
    best = max(floor, key=lambda name: outcome.scores[name].metrics["mrr"].value)
    shaken = {name: scorers[name] for name in (*models, best)}
    sensitivity(pairs, shaken, outcome.scored, params, meter=meter)
    return meter.costs


def main(arguments: list[str] | None = None) -> int:
    """Measure twice, for the first round compiles or loads kernels; print the second, and write JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation_cost", description=__doc__)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args(arguments)
    case = weeks_of_as_caida()
    measure(EvaluationCase(case.edges, case.test[:, :20], case.num_nodes), EvaluateParams())
    found = measure(case, EvaluateParams())
    title = f"{case.edges.shape[1]:,} message edges, {case.test.shape[1]} test edges, {torch.get_num_threads()} threads"
    table = Table("part", "pairs", "seconds", title=title)
    for cost in found:
        table.add_row(cost.part, f"{cost.pairs:,}", f"{cost.seconds:.3f}")
    table.add_row("all", "", f"{sum(cost.seconds for cost in found):.3f}")
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps([cost.model_dump() for cost in found], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
