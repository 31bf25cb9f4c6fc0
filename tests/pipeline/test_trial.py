from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.errors import InvalidInput
from pipeline.params.params import Params
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
    with pytest.raises(InvalidInput, match=r"warm_start is a value"):
        trial_params(Params(), ["train.warm_start.x=1"], Path("edges.csv"))
    with pytest.raises(InvalidInput, match=r"'\[' is not a YAML value"):
        trial_params(Params(), ["snapshot.feature_columns=["], Path("edges.csv"))
    with pytest.raises(InvalidInput, match=r"snapshot\.duplicate is no parameter\. Did you mean duplicates"):
        trial_params(Params(), ["snapshot.duplicate=merge"], Path("edges.csv"))


def test_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no edge file at .*none\.csv.*Parquet or CSV"):
        run_trial(tmp_path / "none.csv", None, Params(), tmp_path, lambda _: None)


@pytest.mark.slow
def test_a_file_or_folder_is_taken_by_its_name_whatever_signs_it_has(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    (tmp_path / "e1.csv").write_text("source,target\n1,2\n")  # what a pattern would take
    for file in (tmp_path / "e*.csv", tmp_path / "a::b.csv", tmp_path / "edges{1}.csv", parts / "part-0.csv"):
        file.write_text("source,target\n")
        edges = parts if file.parent == parts else file
        with pytest.raises(InvalidInput, match=rf"{re.escape(str(edges))}.* is empty \(a header, but no row\)"):
            run_trial(edges, None, Params(), tmp_path / "home", lambda _: None)


@pytest.mark.slow
def test_own_split_is_read_from_the_folder_that_is_given(tmp_path: Path) -> None:
    edges, split = tmp_path / "edges.csv", tmp_path / "split"
    edges.write_text("source,target\n" + "".join(f"{node},{(node + 1) % 12}\n" for node in range(12)))
    split.mkdir()
    for side in ("train", "valid", "test"):
        (split / f"{side}.csv").write_text("source,target\n0,x\n" if side == "valid" else "source,target\n0,1\n")
    params = trial_params(Params(), ["split.method=fixed", "snapshot.bipartite=warn"], edges)
    with pytest.raises(InvalidInput, match=r"valid\.csv .*row 1: target is 'x', which is no node id"):
        run_trial(edges, None, params, tmp_path / "home", lambda _: None, split)


def write_csv(day: NetworkDay, path: Path) -> Path:
    names = [f"n{number}" for number in day.node_ids]
    table = {"source": [names[i] for i in day.edges[0]], "target": [names[i] for i in day.edges[1]]}
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame(table).to_csv(path, index=False)
    return path


def test_own_csv_goes_through_the_gate_and_the_same_bytes_have_the_same_result(
    days: list[NetworkDay], tmp_path: Path
) -> None:
    edges = write_csv(days[0], tmp_path / "friends.csv")
    params = trial_params(Params(), QUICK, edges)
    steps: list[str] = []
    first = run_trial(edges, None, params, tmp_path / "home", steps.append)
    os.utime(edges, (2_000_000_000, 2_000_000_000))
    second = run_trial(edges, None, params, tmp_path / "home", steps.append)
    assert steps == ["snapshot", "split", "train", "evaluate", "decide"] * 2
    assert first.evaluation == second.evaluation
    assert first.snapshot.num_edges == days[0].edges.shape[1]
    assert {scores.name for scores in first.evaluation.floor} >= {"common_neighbors", "adamic_adar"}


@pytest.mark.slow
def test_another_file_of_the_same_name_is_a_trial_of_its_own_and_not_a_truncated_night(
    days: list[NetworkDay], tmp_path: Path
) -> None:
    whole, part = write_csv(days[0], tmp_path / "a" / "edges.csv"), tmp_path / "b" / "edges.csv"
    part.parent.mkdir()
    part.write_text("".join(whole.read_text().splitlines(keepends=True)[: days[0].edges.shape[1] * 2 // 3]))
    os.utime(part, (1_000_000_000, 1_000_000_000))  # older, smaller: as a next night it would be refused twice over
    params = trial_params(Params(), QUICK, whole)
    trials = [run_trial(file, None, params, tmp_path / "home", lambda _: None) for file in (whole, part)]
    assert trials[1].snapshot.num_edges < trials[0].snapshot.num_edges
    assert trials[1].snapshot.previous_tag is None


def test_message_about_times_says_what_a_trials_as_of_is_and_how_to_set_it(tmp_path: Path) -> None:
    edges = tmp_path / "old.csv"
    edges.write_text("source,target,t\n1,2,2026-01-01 10:00:00\n2,3,2026-01-01 12:30:00\n3,4,2026-01-01T10:00:00Z\n")
    params = trial_params(Params(), ["snapshot.time_column=t"], edges)
    at = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())
    os.utime(edges, (at, at))
    both = r"row 2: t is 2026-01-01 12:30:00 \(2026-01-01T12:30:00\+00:00\), after the as-of 2026-01-01T12:00:00\+00:00"
    zone = r"without a zone is read as UTC: to a local one, add its zone"
    trial = rf"as-of of a trial is the modification time of the edge file, 2026-01-01T12:00:00\+00:00.*touch {edges}"
    with pytest.raises(InvalidInput, match=rf"{both}.*{zone}.*{trial}"):
        run_trial(edges, None, params, tmp_path / "home", lambda _: None)
    os.utime(edges, (2_900_000_000, 2_900_000_000))
    with pytest.raises(InvalidInput, match=r"as-of 2061-11-23T19.* lies after the present.*modification time.*touch "):
        run_trial(edges, None, params, tmp_path / "home", lambda _: None)
