"""An empty house in a temporary folder, and the days of one small network to deliver to it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from tests.fixtures import garbage, shape_checks  # noqa: F401 - before anything imports the core

# isort: split
from ncnc_core.random_spatial_network import NetworkDay, evolve
from pipeline.registry.model_registry import ModelRegistry
from tests.fixtures.airflow_home import made_database
from tests.fixtures.house import NETWORK, House, empty_house


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def _without_waiting_for_the_disk(connection: object, _: object) -> None:
    """Let MLflow's database leave its bytes to the operating system: no test takes the power away.

    A test of the registry commits hundreds of times, and waited for the disk a sixth of its time.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: one of them begun last would run on while the other core is idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: ("end_to_end" not in item.path.parts, item.path not in slow))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    garbage.collect_from_now_on()


@pytest.fixture(scope="session")
def days() -> list[NetworkDay]:
    """The first days of one small evolving network."""
    network: Iterator[NetworkDay] = evolve(NETWORK)
    return [day for day, _ in zip(network, range(3), strict=False)]


@pytest.fixture(scope="session")
def empty_tracking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables and nothing in them: making one takes seconds, copying one does not."""
    path = tmp_path_factory.mktemp("empty-mlflow") / "mlflow.db"
    ModelRegistry(f"sqlite:///{path}").runs.find("none", "none")
    return path


@pytest.fixture(scope="session")
def airflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an Airflow in which nothing has run, made once for all workers of a test run."""
    own = tmp_path_factory.getbasetemp()
    return made_database(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture
def house(tmp_path: Path, empty_tracking: Path) -> House:
    """An empty house: nothing published, nothing trained."""
    return empty_house(tmp_path, empty_tracking)
