from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.errors import InvalidInput
from pipeline.params import Params
from pipeline.trial import graph_name, run_trial, trial_params

QUICK = (
    "train.training.epochs=3",
    "train.model.hidden_channels=8",
    "split.minimum_test_edges=30",
    "split.negatives_per_edge=10",
    "evaluate.bootstrap_samples=100",
    "resources.threads=1",
)


@pytest.mark.parametrize(
    ("file", "name"), [("My Edges.v2.csv", "my_edges"), ("edges.parquet", "edges"), ("__.csv", "graph")]
)
def test_graph_is_named_for_the_file(file: str, name: str) -> None:
    assert graph_name(Path(file)) == name


def test_settings_go_over_the_params_file_and_are_checked_like_it() -> None:
    params = trial_params(Params(), ["snapshot.duplicates=merge", "train.training.epochs=2"], Path("edges.csv"))
    assert (params.snapshot.duplicates, params.train.training.epochs, params.snapshot.graph) == ("merge", 2, "edges")
    with pytest.raises(InvalidInput, match=r"takes section\.key=value, not 'merge'.*snapshot\.duplicates=merge"):
        trial_params(Params(), ["merge"], Path("edges.csv"))
    with pytest.raises(InvalidInput, match=r"snapshot\.duplicate is no parameter\. Did you mean duplicates"):
        trial_params(Params(), ["snapshot.duplicate=merge"], Path("edges.csv"))


def test_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no edge file at .*none\.csv.*Parquet or CSV"):
        run_trial(tmp_path / "none.csv", None, Params(), tmp_path, lambda _: None)


def test_own_csv_goes_through_the_gate_twice_with_one_result(days: list[NetworkDay], tmp_path: Path) -> None:
    day = days[0]
    names = [f"n{number}" for number in day.node_ids]
    edges = tmp_path / "friends.csv"
    pd.DataFrame({"source": [names[i] for i in day.edges[0]], "target": [names[i] for i in day.edges[1]]}).to_csv(
        edges, index=False
    )
    params = trial_params(Params(), QUICK, edges)
    steps: list[str] = []
    first = run_trial(edges, None, params, tmp_path / "home", steps.append)
    second = run_trial(edges, None, params, tmp_path / "home", steps.append)
    assert steps == ["snapshot", "split", "train", "evaluate", "decide"] * 2
    assert first.report == second.report
    assert first.snapshot.num_edges == day.edges.shape[1]
    assert {scores.name for scores in first.report.floor} >= {"common_neighbors", "adamic_adar"}
