from __future__ import annotations

from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.commands.steps import show_rules
from pipeline.params.decide import DecideParams
from pipeline.promotion.gate import decide
from tests.fixtures.gate_evaluations import evaluation
from tests.fixtures.house import House


def test_source_that_did_not_deliver_ends_66_and_is_no_outcome(house: House) -> None:
    assert house.step("snapshot", 1) == 66  # by which Airflow knows a wait from trouble
    assert house.entries() == []


def test_step_out_of_order_ends_2_and_says_which_comes_first(house: House) -> None:
    code, line = house.call("split", "--run-dir", str(house.run_dir(1)))
    assert code == 2
    assert "has no graph_snapshot.json" in str(line["reason"])
    assert "Run the step before this one first" in str(line["reason"])


@pytest.mark.slow
def test_unchanged_graph_ends_99_or_0_where_that_is_asked_for(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert house.night(1)[-1] in (0, 99)
    house.deliver(2, days[0])
    argv = ["snapshot", "--run-dir", str(house.run_dir(2)), "--as-of", house.as_of(2).isoformat()]
    argv += ["--params", str(house.params_file)]
    assert house.call(*argv)[0] == 99
    assert house.call(*argv, "--unchanged", "ok")[0] == 0
    assert house.call(*argv, "--unchanged", "maybe")[0] == 2


def test_run_folder_named_for_another_time_or_graph_is_refused_and_enters_nothing(
    house: House, days: list[NetworkDay]
) -> None:
    house.deliver(1, days[0])
    argv = ["--as-of", house.as_of(1).isoformat(), "--params", str(house.params_file)]
    for wrong in (house.run_dir(2), house.run_dir(1).with_name("other-20260101T030000Z")):
        assert house.call("snapshot", "--run-dir", str(wrong), *argv)[0] == 2
    assert house.call("snapshot", "--run-dir", str(house.folder / "Small graph-1"), *argv)[0] == 2
    assert house.doors.snapshots.list("small") == ()
    assert house.doors.ledger.entries("other") == ()


def test_decide_shows_every_rule_to_a_person_and_leaves_standard_output_to_the_caller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(evaluation(), DecideParams()).write(tmp_path)
    show_rules(tmp_path)
    shown = capsys.readouterr()
    assert shown.out == ""
    for rule in ("leak_certificate", "beats_floor", "slice_guardrail", "superiority_over_champion"):
        assert rule in shown.err
