"""Whole nights through the command line, on real git, DVC and MLflow."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.ledger.entries import AliasEntry
from pipeline.ledger.served_weights import champion_weights
from pipeline.records.chain import GraphSnapshot
from pipeline.records.evaluation import EvaluationRecord
from pipeline.runs.folder import RunFolder
from tests.fixtures.house import House


def tags_of(house: House) -> list[str]:
    listed = subprocess.run(
        ["git", "-C", house.values["NCNC_DATA_REPOSITORY"], "tag"], capture_output=True, text=True, check=True
    )
    return sorted(listed.stdout.split())


def work_done(house: House) -> tuple[list[str], int, int, dict[str, int], int]:
    """What a second run of a night must not change: tags, MLflow runs, model versions, aliases and their moves."""
    client = house.doors.registry.server.client
    experiments = [item.experiment_id for item in client.search_experiments()]
    versions = client.search_model_versions(f"name = '{house.graph}'")
    moves = [entry for entry in house.doors.ledger.entries(house.graph) if isinstance(entry, AliasEntry)]
    aliases = house.doors.registry.aliases.of(house.graph)
    return tags_of(house), len(client.search_runs(experiments)), len(versions), aliases, len(moves)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_four_nights_promote_compare_skip_and_refuse(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert house.night(1) == [0] * 6
    first = house.entries()[-1]
    assert (first.outcome, first.version) == ("promoted", 1)
    assert first.reason.startswith("cold start, gated by the floor alone")

    house.deliver(2, days[1])
    codes = house.night(2)
    assert codes in ([0] * 6, [0] * 5 + [99])
    evaluation = RunFolder(house.run_dir(2)).get(EvaluationRecord)
    assert evaluation.champion is not None
    assert evaluation.paired_difference is not None
    assert evaluation.num_test_edges >= 30
    assert len(evaluation.certificate) == 29
    assert all(item.passed and item.checked > 0 for item in evaluation.certificate)

    before = work_done(house)
    house.deliver(3, days[1])
    assert house.night(3) == [99]
    assert house.entries()[-1].outcome == "skipped"
    snapshot = RunFolder(house.run_dir(2)).get(GraphSnapshot)
    assert snapshot.snapshot_id in house.entries()[-1].reason

    house.deliver(4, days[1], keep=0.35)
    assert house.night(4) == [2]
    refused = house.entries()[-1]
    assert refused.outcome == "refused"
    assert "minimum_edge_ratio" in refused.reason
    assert work_done(house) == before
    assert [entry.run_name for entry in house.entries()] == [house.run_dir(night).name for night in (1, 2, 3, 4)]

    code, line = house.call("audit", "model", "small@champion")
    assert (code, line["wrong"]) == (0, [])
    promoted = [entry.version for entry in house.entries() if entry.outcome == "promoted"]
    assert house.call("status", "--graph", "small")[1]["champion"] == promoted[-1]

    house.call("rollback", "--graph", "small", "--to", "1", "--reason", "complaints")
    assert champion_weights(house.doors.ledger.entries("small")) == 1
    assert [entry.why for entry in house.doors.ledger.entries("small") if isinstance(entry, AliasEntry)][-1] == (
        "complaints" if promoted[-1] != 1 else first.reason
    )


@pytest.mark.timeout(600)
def test_second_run_of_a_night_does_no_work_twice(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert house.night(1) == [0] * 6
    before, entries = work_done(house), house.entries()
    assert house.night(1) == [0] * 6
    assert work_done(house) == before
    assert house.entries() == entries


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_night_after_a_failed_training_trains_although_the_graph_is_unchanged(
    house: House, days: list[NetworkDay]
) -> None:
    house.deliver(1, days[0])
    assert house.night(1) == [0] * 6

    house.deliver(2, days[1])
    good = house.params_file.read_text()
    diverging = yaml.safe_load(good)
    diverging["train"]["training"] |= {"encoder_learning_rate": 1e30, "predictor_learning_rate": 1e30}
    house.params_file.write_text(yaml.safe_dump(diverging))
    assert house.step("snapshot", 2) == 0
    assert house.step("split", 2) == 0
    assert house.step("train", 2) == 2

    house.params_file.write_text(good)
    house.deliver(3, days[1])
    assert house.night(3)[:3] == [0, 0, 0]
    assert house.entries()[-1].run_name == house.run_dir(3).name
    assert house.entries()[-1].completed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_new_parameters_train_on_an_unchanged_graph_but_cannot_be_promoted_on_seen_edges(
    house: House, days: list[NetworkDay]
) -> None:
    house.deliver(1, days[0])
    assert house.night(1) == [0] * 6
    changed = yaml.safe_load(house.params_file.read_text())
    changed["train"]["model"]["hidden_channels"] = 24
    house.params_file.write_text(yaml.safe_dump(changed))
    house.deliver(2, days[0])
    assert house.night(2) == [0, 0, 0, 0, 0, 99]
    kept = house.entries()[-1]
    assert kept.outcome == "kept"
    assert "enough_test_edges: observed 0" in kept.reason
