"""What a search and warm starts come to: `python -m benchmarks.learning_nights search|warm [--json FILE]`.

`search` tunes on the first night of a generated graph, full dumps of a Random Spatial Network, then trains the present
and the found recipe anew with seeds that the search did not have, and scores both on the test edges, which no trial was
handed. `warm` plays nights of it, each beginning with the champion's weights, every challenger promoted, with the cold
control beside it.

The recipe is NCNC as published, trained on edges hidden at random; `--channels 32 --epochs 2` is a modest one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from embedded.generated import FIRST_NIGHT, LAST_NIGHTS, Generated, node_table
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.random_spatial_network import RandomSpatialNetworkConfig, evolve
from ncnc_core.training.trained_network import train_network
from pipeline.commands.by_hand import promote_by_hand
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.night import run_step
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, PromotionDecision, TrainedModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.names import RUNS
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.snapshots.snapshot_store import SnapshotStore
from pipeline.splits.known_features import features_for
from pipeline.training.search import tune, tuning_data
from pipeline.training.search_space import DEFAULT_SPACE, Value, with_values

Figures = dict[str, Any]  # a name to a number or a text, as the JSON holds it

RECIPE: Figures = {
    "recipe": "given",
    "model": {"predictor": "ncnc", "encoder": "puregcn", "num_layers": 1, "predictor_dropout": 0.1},
    "training": {"batch_size": 1024},
}


class FullDumps(Generated):
    """The demo's nights with other deliveries: daily dumps of the living edges of a Random Spatial Network."""

    @cached_property
    def _days(self) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
        start = int(FIRST_NIGHT.timestamp())
        config = RandomSpatialNetworkConfig(seed=self.seed, num_nodes=self.num_nodes, start=start)
        tables = []
        for day in itertools.islice(evolve(config), self.num_nights):
            source, target = day.node_ids[day.edges]
            edges = pd.DataFrame({"source": source, "target": target, "formed_at": day.formed_at})
            tables.append((node_table(day.node_ids, day.features), edges))
        return tables

    def params_of(self, recipe: dict[str, Value], *, warm: bool) -> Params:
        """Return the demo's parameters for these deliveries, with the published method and what `recipe` changes."""
        content = Params.load(self.params).model_dump(mode="json", by_alias=True)
        content["snapshot"] |= {"time_column": "formed_at", "duplicates": "refuse"}
        content["train"] = {**RECIPE, "warm_start": "champion" if warm else "none"}
        return with_values(Params.model_validate(content), recipe)


class Nights:
    """The growing nights of a generated graph, in a house of their own below a folder."""

    def __init__(self, root: Path, count: int, num_nodes: int, recipe: dict[str, Value], *, warm: bool) -> None:
        self.source = FullDumps(max(count, 2) + LAST_NIGHTS, num_nodes=num_nodes)
        self.deliveries = root / "source"
        self.deliveries.mkdir()
        self.params = self.source.params_of(recipe, warm=warm)
        values = {
            "NCNC_HOME": str(root / "home"),
            "NCNC_SIMULATED_TIME": "1",
            "NCNC_DATA_REPOSITORY": str(root / "graph-data.git"),
            "NCNC_DVC_REMOTE": str(root / "remote"),
            "NCNC_SOURCE_EDGES": str(self.deliveries / "edges-{date}.parquet"),
            "NCNC_SOURCE_NODES": str(self.deliveries / "nodes-{date}.parquet"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
        }
        self.doors = Doors(Environment(values))
        SnapshotStore.create(self.doors.environment.data_repository, self.doors.environment.dvc_remote)

    def played(self, number: int, *steps: str) -> RunFolder:
        """Deliver a night, counted from 1, and run some of its steps after the snapshot."""
        night = self.source.nights[number - 1]
        self.source.deliver(night.as_of, self.deliveries)
        folder = RunFolder(self.doors.environment.home / RUNS / night.run_name(self.source.graph), self.doors.registry)
        run_step("snapshot", folder, self.params, doors=self.doors, as_of=night.as_of)
        for step in steps:
            run_step(step, folder, self.params, doors=self.doors)
        return folder


@contextmanager
def generated_nights(count: int, num_nodes: int, recipe: dict[str, Value], *, warm: bool) -> Iterator[Nights]:
    """Open a house for some nights in a temporary folder."""
    with tempfile.TemporaryDirectory() as root:
        yield Nights(Path(root), count, num_nodes, recipe, warm=warm)


def measure_search(num_nodes: int, recipe: dict[str, Value], trials: int, seeds: int) -> list[Figures]:
    """Search on the first night; return the validation and test metric of both recipes over seeds of their own."""
    with generated_nights(2, num_nodes, recipe, warm=False) as nights:
        folder, started = nights.played(1, "split"), time.perf_counter()
        found = tune(folder, nights.params, DEFAULT_SPACE, trials=trials, seconds=None, doors=nights.doors)
        seconds = time.perf_counter() - started
        rows, scored = [], []
        for name, params, best in (
            ("present", nights.params, found.baseline),
            ("found", with_values(nights.params, found.values), found.best),
        ):
            scored.append([_scored(folder, nights.doors, params, 1000 + seed) for seed in range(seeds)])
            rows.append({"recipe": name, "in the search": best, **_spread(scored[-1])})
    gains = [(late[0] - early[0], late[1] - early[1]) for early, late in zip(*scored, strict=True)]
    rows.append({"recipe": "gain, seed by seed", "in the search": None, **_spread(gains)})
    return [*rows, {"seconds": round(seconds), "trials": found.trials, "pruned": found.pruned, "values": found.values}]


def _scored(folder: RunFolder, doors: Doors, params: Params, seed: int) -> tuple[float, float]:
    """Train with one seed; return the mean reciprocal rank on validation and on test."""
    recipe = params.train.training.model_copy(update={"seed": seed})
    trained = train_network(params.train.model, recipe, tuning_data(folder, doors))
    tables, arrays = snapshot_tables(folder, doors), split_arrays(folder, doors)
    graph = arrays.testing_graph(tables.num_nodes)
    levels = node_levels(trained.network, features_for(tables, folder.get(EdgeSplit), "testing"), graph)
    positive, negative = (
        score_pairs(trained.network, levels, graph, pairs) for pairs in (arrays.test, arrays.test_negatives)
    )
    ranks = reciprocal_ranks(positive, negative.reshape(len(positive), -1))
    return trained.value, float(ranks.mean())


def _spread(scored: list[tuple[float, float]]) -> Figures:
    sides = dict(zip(("validation", "test"), zip(*scored, strict=True), strict=True))
    return {
        f"{side} {name}": round(of(values), 4)
        for side, values in sides.items()
        for name, of in (("mean", mean), ("deviation", stdev))
    }


def measure_warm(num_nodes: int, recipe: dict[str, Value], count: int) -> list[Figures]:
    """Play nights that begin warm; return for each what its control shows. Each challenger is made champion."""
    with generated_nights(count, num_nodes, recipe, warm=True) as nights:
        rows = []
        for number in range(1, count + 1):
            folder = nights.played(number, "split", "train", "evaluate", "decide")
            if folder.get(PromotionDecision).promote:
                run_step("register", folder, nights.params, doors=nights.doors)
            else:
                promote_by_hand(folder, who="benchmark", reason="a chain", override=True, doors=nights.doors)
            trained, evaluation = folder.get(TrainedModel), folder.get(EvaluationRecord)
            warm, drift = trained.warm_start, evaluation.drift
            rows.append(
                {
                    "night": number,
                    "begins with": f"version {warm.version}" if warm else trained.start_note,
                    "test edges": evaluation.num_test_edges,
                    "validation seen": warm.valid_edges_seen if warm else 0,
                    "trained on": warm.valid_edges_trained_on if warm else 0,
                    "best epoch": trained.best_epoch,
                    "mrr": round(evaluation.challenger.metrics["mrr"].value, 4),
                    "control": round(evaluation.cold_control.metrics["mrr"].value, 4)
                    if evaluation.cold_control
                    else None,
                    "drift": drift and f"{drift.value:+.4f} [{drift.low:+.4f}, {drift.high:+.4f}]",
                }
            )
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning_nights", description=__doc__)
    parser.add_argument("measure", choices=("search", "warm"))
    parser.add_argument("--nodes", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--nights", type=int, default=6)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--channels", type=int, default=64)
    asked = parser.parse_args(arguments)
    recipe: dict[str, Value] = {"model.hidden_channels": asked.channels, "training.epochs": asked.epochs}
    rows = (
        measure_search(asked.nodes, recipe, asked.trials, asked.seeds)
        if asked.measure == "search"
        else measure_warm(asked.nodes, recipe, asked.nights)
    )
    table = Table(*rows[0])
    for row in rows:
        if row.keys() == rows[0].keys():
            table.add_row(*map(str, row.values()))
        else:
            table.caption = str(row)
    Console(width=130).print(table)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
