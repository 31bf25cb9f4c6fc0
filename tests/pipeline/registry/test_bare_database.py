from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.store.db import utils

from pipeline.registry.bare_database import database_path, make_tables
from pipeline.registry.model_registry import ModelRegistry


def test_a_server_has_no_file() -> None:
    assert database_path("http://mlflow:5000") is None
    assert database_path("sqlite:////home/of/mlflow.db") == Path("/home/of/mlflow.db")


def test_an_interrupted_making_of_the_tables_leaves_nothing_and_the_next_one_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = utils._upgrade_db
    with monkeypatch.context() as patched:

        def interrupted(engine: object) -> None:
            raise KeyboardInterrupt  # the first tables are there, and MLflow would take them for all

        patched.setattr(utils, "_upgrade_db", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_tables(tmp_path / "mlflow.db")
    assert [path.name for path in tmp_path.iterdir()] == [".mlflow.db.lock"]
    assert utils._upgrade_db is upgrade
    assert ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}").runs.find("none", "none") is None


def test_a_database_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"somebody's")
    make_tables(tmp_path / "mlflow.db")
    assert (tmp_path / "mlflow.db").read_bytes() == b"somebody's"
