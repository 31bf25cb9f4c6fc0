from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput


def test_a_door_opens_when_it_is_first_used_and_stays_the_same(tmp_path: Path) -> None:
    # Only MLflow is named: a step that needs nothing else must not ask for the data repository.
    doors = Doors(Environment({"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "NCNC_HOME": str(tmp_path)}))
    assert doors.registry is doors.registry


@pytest.mark.parametrize("name", ["snapshots", "ledger"])
def test_a_door_whose_place_is_not_set_names_the_variable(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"NCNC_DATA_REPOSITORY is not set"):
        getattr(Doors(Environment({})), name)


def test_the_registry_without_a_place_names_its_variable() -> None:
    with pytest.raises(InvalidInput, match=r"MLFLOW_TRACKING_URI is not set"):
        _ = Doors(Environment({})).registry


def test_the_clock_can_be_given_and_is_utc_otherwise() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert Doors(Environment({}), clock=lambda: noon).clock() == noon
    assert Doors(Environment({})).clock().utcoffset() == timedelta(0)
