"""The environment variables that MLflow reads while it is imported."""

from __future__ import annotations

import os

SWITCHES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A server that is down is reported after about 10 s; Airflow's retries are the patient ones.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Else a uv.lock in the caller's working directory would end up in the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}


def set_switches() -> None:
    """Set the switches that the environment does not set already."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
