from __future__ import annotations

import json

import pytest
import yaml

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.cli import app
from pipeline.params.params import Params
from tests.fixtures.house import House


@pytest.mark.slow
def test_tune_prints_the_fragment_that_params_yaml_takes(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    space = house.folder / "space.yaml"
    space.write_text("parameters: {training.epochs: {choices: [1, 2]}}")
    argv = ["tune", "--run-dir", str(house.run_dir(1)), "--trials", "2", "--space", str(space)]
    result = house.runner.invoke(app, argv, env=house.values)
    line = json.loads(result.stdout.splitlines()[-1])
    told = [line for line in result.stderr.splitlines() if line.startswith("trial ")]
    assert [line.partition(":")[0] for line in told] == ["trial 1 of 2", "trial 2 of 2"]  # where there is no terminal
    assert (result.exit_code, line["trials"], line["metric"]) == (0, 2, "mrr")
    assert (line["recipe"], line["predictor"]) == ("given", "ncnc")
    assert "beside train.recipe given, which is ncnc here" in result.stderr.replace("\n", " ")
    fragment = yaml.safe_load(open(str(line["file"])).read())  # noqa: PTH123, SIM115
    assert fragment == {"train": {"training": {"epochs": line["params"]["training.epochs"]}}}
    assert Params.model_validate(fragment).train.training.epochs in (1, 2)


def test_a_misspelt_parameter_ends_2(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert house.step("snapshot", 1) == 0
    space = house.folder / "space.yaml"
    space.write_text("parameters: {training.epoch: {choices: [1, 2]}}")
    code, _ = house.call("tune", "--run-dir", str(house.run_dir(1)), "--space", str(space))
    assert code == 2
