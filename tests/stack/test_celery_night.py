"""Nights through the Celery workers of compose.yaml, and one whose training is killed and then stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psutil
import pytest
import yaml

from ncnc_core.random_spatial_network import NetworkDay
from tests.fixtures.celery_deployment import CeleryDeployment, celery_deployment
from tests.fixtures.house import params

GPU_WORKERS = ("worker-gpu", "worker-gpu-2")
GRACE_SECONDS = 120  # stop_grace_period in compose.yaml


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CeleryDeployment]:
    with celery_deployment(tmp_path_factory.mktemp("celery"), params("small")) as running:
        yield running


@pytest.mark.timeout(3600)
def test_a_night_goes_through_both_queues_and_leaves_a_champion(
    stack: CeleryDeployment, days: list[NetworkDay]
) -> None:
    stack.house.deliver(1, days[0])
    run = stack.begin_night(1)
    assert stack.end_of(run) == "success"
    assert [entry.outcome for entry in stack.house.entries()] == ["promoted"]
    train, snapshot = (
        stack.task_log("worker-gpu", run, "train", 1),
        stack.task_log("worker-default", run, "snapshot", 1),
    )
    assert "epoch 12" in train
    for log in (train, snapshot, stack.task_log("worker-default", run, "register", 1)):
        assert log  # from the worker that listens to the task's queue
        assert "Found credentials" not in log
        assert "View run" not in log  # at an address that only the machines know


@pytest.mark.timeout(3600)
def test_no_process_has_a_secret_on_its_command_line(stack: CeleryDeployment) -> None:
    secrets = [value for value in stack.env_file.values() if value.startswith("secret")]
    assert len(secrets) > 5
    lines = [" ".join(_argv(process)) for process in psutil.process_iter()]
    assert any("celery" in line for line in lines)
    assert not [line for line in lines if any(secret in line for secret in secrets)]


@pytest.mark.timeout(3600)
def test_a_training_that_is_killed_and_then_stopped_goes_on_on_another_worker(
    stack: CeleryDeployment, days: list[NetworkDay]
) -> None:
    recipe = params("small")
    recipe["train"]["training"] |= {"epochs": 400, "patience": 400}  # type: ignore[operator]  # longer than it takes to kill
    stack.params.write_text(yaml.safe_dump(recipe))
    stack.house.deliver(2, days[1])
    run = stack.begin_night(2)

    _wait_for_epochs(stack, "worker-gpu", run, attempt=1, epochs=10)
    (training,) = stack.steps("train")
    runner = training.parent()
    assert runner is not None
    runner.kill()  # as the kernel does where memory is short
    stack.wait(lambda: not _runs(training), "the step ended with its runner", seconds=60, pause=0.1)
    first = max(_kept_epochs(stack))

    stack.start("worker-gpu", "worker-gpu-2")
    stack.wait(lambda: stack.healthy("worker-gpu", "worker-gpu-2"), "the second worker is healthy")
    stack.wait(lambda: stack.steps("train"), "the retry trains", seconds=900)
    to_stop, other = GPU_WORKERS if stack.task_log("worker-gpu", run, "train", 2) else GPU_WORKERS[::-1]
    second = _wait_for_epochs(stack, to_stop, run, attempt=2, epochs=10)
    assert first - 5 <= second[0] <= first + 1  # from the last upload: a killed training keeps nothing more
    assert len(stack.steps("train")) == 1

    assert stack.stop(to_stop, GRACE_SECONDS) < GRACE_SECONDS
    assert stack.steps("train") == []
    log = stack.task_log(to_stop, run, "train", 2)
    assert "train ended 75: The command was told to stop (SIGTERM)" in log
    stopped_at = max(_kept_epochs(stack))
    third = _wait_for_epochs(stack, other, run, attempt=3, epochs=1)
    assert stopped_at < third[0] <= stopped_at + 2  # it may have been stopped between an epoch and its metrics
    stack.wait_for(run, "train", "success")
    kept = _kept_epochs(stack)
    assert sorted(set(kept)) == list(range(1, max(kept) + 1))
    assert len(kept) - len(set(kept)) <= 5  # an orphan that trained on beside the retry would log each epoch again


def _wait_for_epochs(stack: CeleryDeployment, machine: str, run: str, attempt: int, *, epochs: int) -> list[int]:
    stack.wait(
        lambda: len(_epochs(stack, machine, run, attempt)) >= epochs,
        f"try {attempt} on {machine} has trained {epochs} epochs",
        seconds=1800,
        pause=0.5,
    )
    return _epochs(stack, machine, run, attempt)


def _epochs(stack: CeleryDeployment, machine: str, run: str, attempt: int) -> list[int]:
    """Return the epochs that a try of the training has trained."""
    return [int(number) for number in re.findall(r"\bepoch (\d+) loss", stack.task_log(machine, run, "train", attempt))]


def _kept_epochs(stack: CeleryDeployment) -> list[int]:
    """Return the epochs that MLflow has metrics of; a log may lack the last ones, for its writer was killed."""
    house = stack.house
    name = house.run_dir(2).name
    contents = house.doors.registry.contents
    (state,) = [item for item in contents.runs(house.graph) if item.run_name == name]
    return [item.step for item in contents.server.client.get_metric_history(state.run_id, "loss")]


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _argv(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
