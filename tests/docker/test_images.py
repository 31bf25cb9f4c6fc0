"""What the images put into the environment of their processes."""

from __future__ import annotations

from pathlib import Path

import yaml

from embedded.settings import SILENCE
from pipeline.environment import SWITCHES
from tests.fixtures.compose_processes import image_environment

DOCKER = Path(__file__).parents[2] / "docker"
NO_REPORTS = {
    "airflow": {"DO_NOT_TRACK": "1", "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False"},
    "worker": {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"},
}


def test_usage_reports_are_off_in_every_image_in_the_embedded_stack_and_by_hand() -> None:
    both = NO_REPORTS["airflow"] | NO_REPORTS["worker"]
    assert NO_REPORTS["airflow"].items() <= image_environment(DOCKER / "airflow.Dockerfile").items()
    assert both.items() <= image_environment(DOCKER / "worker.Dockerfile").items()
    assert both.items() <= SILENCE.items()
    assert {"DO_NOT_TRACK", "DVC_NO_ANALYTICS", "MLFLOW_DISABLE_TELEMETRY"} <= SWITCHES.keys()


def test_the_worker_image_knows_the_commit_that_it_was_built_from() -> None:
    assert image_environment(DOCKER / "worker.Dockerfile")["NCNC_GIT_COMMIT"] == "${NCNC_GIT_COMMIT}"
    for name, service in yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"].items():
        if service["image"].startswith("ncnc-worker:"):
            assert service["build"]["args"]["NCNC_GIT_COMMIT"] == "${NCNC_GIT_COMMIT:-}", name
