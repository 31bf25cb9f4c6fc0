"""The real stack: started once, looked at from all sides, stopped."""

from __future__ import annotations

import io
import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from embedded.layout import REPOSITORY, Layout
from embedded.processes import Processes, StackError
from embedded.settings import Settings
from embedded.stack import AIRFLOW_COMPONENTS, DAG_ID, Stack, main, nightly_settings
from pipeline.terminal import Terminal


def stack_in(folder: Path) -> Stack:
    layout = Layout(folder / "stack")
    settings = replace(nightly_settings(layout, REPOSITORY / "params.yaml"), schedule="none")
    return Stack(layout, settings, Terminal(file=io.StringIO()))


@pytest.mark.slow
def test_the_stack_comes_up_whole_and_leaves_no_process_behind(tmp_path: Path) -> None:
    stack = stack_in(tmp_path)
    try:
        api = stack.up()
        assert api.unhealthy() == []
        assert api.knows(DAG_ID)
        assert api.runs(DAG_ID) == {}  # nothing started uninvited
        pool = httpx.get(f"{api.url}/api/v2/pools/gpu", headers={"Authorization": f"Bearer {api.token}"}, timeout=60)
        assert pool.json()["slots"] == 1
        assert httpx.get(f"{stack.settings.mlflow_url}/health", timeout=60).text == "OK"
        assert (stack.layout.data_repository / "HEAD").is_file()
        started = {file.stem for file in stack.layout.pids.iterdir()}
        assert started == {"mlflow", *AIRFLOW_COMPONENTS}
        # As after a crash: the scheduler is gone, its idle workers live on.
        stack.processes.started["scheduler"].kill()
        stack.processes.started["scheduler"].wait()
        with pytest.raises(StackError, match=r"scheduler ended with exit code -9.*logs/scheduler\.log"):
            stack.processes.check()
        assert len(Processes(stack.layout).alive()) > len(AIRFLOW_COMPONENTS)
    finally:
        ended = stack.down()
    assert ended >= len(AIRFLOW_COMPONENTS)
    assert Processes(stack.layout).alive() == []
    assert Settings.read(stack.layout) == stack.settings  # for a later `make up`


@pytest.mark.slow
def test_a_component_that_cannot_start_is_named_with_its_log(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stack = stack_in(tmp_path)
        stack = Stack(stack.layout, replace(stack.settings, mlflow_port=taken.getsockname()[1]), stack.console)
        try:
            with pytest.raises(StackError, match=r"(?s)mlflow ended with.*logs/mlflow\.log.*address already in use"):
                stack.up()
        finally:
            stack.down()
    assert Processes(stack.layout).alive() == []


def test_a_stack_of_ones_own_keeps_the_dags_schedule_and_reads_the_users_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCNC_SOURCE_EDGES", "/data/roads-{date}.csv")
    monkeypatch.setenv("NCNC_APPROVAL", "person")
    settings = nightly_settings(Layout(tmp_path), REPOSITORY / "params.yaml")
    assert (settings.schedule, settings.graph, settings.approval) == (None, "demo", "person")
    assert settings.environment(Layout(tmp_path))["NCNC_APPROVAL"] == "person"
    assert settings.source_edges == "/data/roads-{date}.csv"


def test_down_without_a_stack_says_that_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "--name", "never-started"]) == 0
    assert "0 processes ended, none is left" in capsys.readouterr().err
    Layout.named("never-started").lock.unlink()
