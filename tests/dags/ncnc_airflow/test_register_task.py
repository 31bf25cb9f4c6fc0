"""What is announced; that Airflow then sends it, and no more, is tested in end_to_end and in stack."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from ncnc_airflow.register_task import RegisterTask
from ncnc_airflow.served_version import PROMOTED_MODEL


def execute(tmp_path: Path, *sent: dict[str, str], code: int = 0) -> dict[str, str]:
    """Execute the task where events were sent before, and return what it announces."""
    stand_in = tmp_path / "stand_in.py"
    line = json.dumps({"sha256": "abc", "reason": "no better"})
    stand_in.write_text(f"import sys; print({line!r}); sys.exit({code})")
    task = RegisterTask(step="register", run_dir="/runs/demo-1", program=[sys.executable, str(stand_in)])
    assert (task.inlets, task.outlets) == ([PROMOTED_MODEL], [PROMOTED_MODEL])
    out = SimpleNamespace(extra={})
    before = [SimpleNamespace(extra=extra, timestamp=datetime(2026, 1, 2, 3, tzinfo=UTC)) for extra in sent]
    context = {"inlet_events": {PROMOTED_MODEL: before}, "outlet_events": {PROMOTED_MODEL: out}}
    task.execute.__wrapped__(task, context)
    return out.extra


def test_a_promotion_is_announced_with_what_was_registered(tmp_path: Path) -> None:
    # An event of another version, and one of before events said which.
    assert execute(tmp_path, {"registered": "other"}, {}) == {"registered": "abc", "run": "demo-1"}


def test_what_was_announced_is_not_announced_again(tmp_path: Path) -> None:
    with pytest.raises(AirflowSkipException, match=r"Nothing was promoted: run demo-1.*sent on 2026-01-02 03:00 UTC"):
        execute(tmp_path, {"registered": "abc"})


def test_a_night_that_promotes_nothing_is_skipped(tmp_path: Path) -> None:
    with pytest.raises(AirflowSkipException, match="no better"):
        execute(tmp_path, code=99)
