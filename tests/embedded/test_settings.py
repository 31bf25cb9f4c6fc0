from __future__ import annotations

import socket
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from embedded.layout import Layout
from embedded.settings import Settings, free_port, make_password, password

SETTINGS = Settings(
    graph="demo",
    params="/p/params.yaml",
    schedule="none",
    source_edges="/s/edges-{date}.parquet",
    source_nodes=None,
    airflow_port=18080,
    mlflow_port=15000,
)


def test_the_settings_come_back_as_they_were_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert Settings.read(layout) is None
    SETTINGS.write(layout)
    assert Settings.read(layout) == SETTINGS


def test_a_shell_that_sources_the_env_file_finds_the_stack(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a folder")
    SETTINGS.write(layout)
    script = f'set -a; . "{layout.env}"; printf "%s\\n" "$NCNC_DATA_REPOSITORY" "$MLFLOW_TRACKING_URI"'
    found = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert found == [str(layout.data_repository), "http://127.0.0.1:15000"]


def test_a_demo_plays_nights_of_its_own_time_and_a_nightly_stack_does_not(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert SETTINGS.environment(layout)["NCNC_SIMULATED_TIME"] == "1"
    assert "NCNC_SIMULATED_TIME" not in replace(SETTINGS, schedule=None).environment(layout)


def test_a_users_own_airflow_and_mlflow_do_not_leak_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = (
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW_CONFIG",
        "MLFLOW_TRACKING_TOKEN",
        "NCNC_DATA_DIR",
        "DVC_STUDIO_URL",
    )
    for name in foreign:
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    environment = SETTINGS.environment(Layout(tmp_path))
    assert "foreign" not in environment.values()
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert environment["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert environment["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:15000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AIRFLOW__CORE__LOAD_EXAMPLES", "False"),  # True by default
        ("AIRFLOW__CORE__PARALLELISM", "4"),  # 32 idle workers by default
        ("AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT", "30"),  # 5 s fails tasks on a loaded machine
        ("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "http://127.0.0.1:18080/execution/"),  # does not follow the port
        ("AIRFLOW__API__BASE_URL", "http://127.0.0.1:18080"),
        ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"),
        ("SPT_NOENV", "1"),  # else process titles overwrite the environment that the stack's mark is read from
    ],
)
def test_known_traps_are_set(tmp_path: Path, name: str, value: str) -> None:
    assert SETTINGS.environment(Layout(tmp_path))[name] == value


def test_without_a_schedule_of_its_own_the_dag_begins_paused(tmp_path: Path) -> None:
    demo = SETTINGS.environment(Layout(tmp_path))
    nightly = replace(SETTINGS, schedule=None).environment(Layout(tmp_path))
    paused = "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"
    assert (demo["NCNC_SCHEDULE"], demo[paused]) == ("none", "False")
    assert ("NCNC_SCHEDULE" in nightly, nightly[paused]) == (False, "True")


def test_a_taken_port_is_not_chosen() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
    assert free_port(port) == port


def test_only_the_owner_can_read_the_password_and_it_stays(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    make_password(layout)
    first = password(layout)
    make_password(layout)
    assert password(layout) == first
    assert stat.S_IMODE(layout.passwords.stat().st_mode) == 0o600
