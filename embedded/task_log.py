"""The last line of a failed task, from Airflow's log files."""

from __future__ import annotations

import json
from pathlib import Path

ENDED = "Command exited with return code"


def run_folder(airflow_home: Path, dag_id: str, run_id: str) -> Path:
    """Return where Airflow keeps the logs of a run's tasks."""
    return airflow_home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}"


def last_words(folder: Path) -> str:
    """Return the newest task of a run with the last line its step printed, or an empty text where there is none."""
    logs = sorted(folder.glob("task_id=*/attempt=*.log"), key=lambda path: path.stat().st_mtime)
    for log in reversed(logs):
        said = ""
        for event in _events(log):
            if event.startswith(ENDED):
                return f"{log.parent.name.removeprefix('task_id=')} said: {said}"
            said = event or said
    return ""


def _events(log: Path) -> list[str]:
    """Return the messages of a log; Airflow writes one JSON object a line."""
    events = []
    for line in log.read_text(errors="replace").splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            continue
        events.append(str(content.get("event", "")))
    return events
