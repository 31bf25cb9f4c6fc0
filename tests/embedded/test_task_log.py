from __future__ import annotations

import json
import os
from pathlib import Path

from embedded.task_log import last_words, run_folder


def write_log(folder: Path, task: str, events: list[str], *, attempt: int = 1, age: int = 0) -> None:
    path = folder / f"task_id={task}" / f"attempt={attempt}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"event": event}) + "\n" for event in events) + "no JSON\n")
    os.utime(path, (1_000_000 - age, 1_000_000 - age))


def test_the_last_line_of_the_newest_try_is_found(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "nightly_retraining", "night-2")
    write_log(folder, "snapshot", ["ok", "Command exited with return code 0"], age=30)
    write_log(folder, "decide", ["first try", "Command exited with return code 75"], age=20)
    end = ["ncnc: MLflow does not answer. Start it.", "", "Command exited with return code 75", "Task failed"]
    write_log(folder, "decide", end, attempt=2, age=10)
    assert last_words(folder) == "decide said: ncnc: MLflow does not answer. Start it."


def test_a_task_that_never_started_its_step_is_passed_over(tmp_path: Path) -> None:
    write_log(tmp_path, "snapshot", ["the truth", "Command exited with return code 2"], age=10)
    write_log(tmp_path, "split", ["Filling up the DagBag"])
    assert last_words(tmp_path) == "snapshot said: the truth"


def test_without_logs_there_are_no_words(tmp_path: Path) -> None:
    assert last_words(tmp_path / "missing") == ""
