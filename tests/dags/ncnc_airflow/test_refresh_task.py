"""What is announced; that Airflow then sends it, and no more, is tested in end_to_end."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from ncnc_airflow.refresh_task import RefreshTask
from ncnc_airflow.served_version import SERVED_VERSION


def execute(tmp_path: Path, line: dict[str, object], *sent: dict[str, str], code: int = 0) -> dict[str, str]:
    """Execute the task where events were sent before, and return what it announces."""
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(f"import sys; print({json.dumps(line)!r}); sys.exit({code})")
    task = RefreshTask(step="refresh", run_dir="/runs/demo-1", program=[sys.executable, str(stand_in)])
    assert (task.inlets, task.outlets) == ([SERVED_VERSION], [SERVED_VERSION])
    out = SimpleNamespace(extra={})
    before = [SimpleNamespace(extra=extra) for extra in sent]
    context = {"inlet_events": {SERVED_VERSION: before}, "outlet_events": {SERVED_VERSION: out}}
    task.execute.__wrapped__(task, context)
    return out.extra


def test_refreshed_version_is_announced(tmp_path: Path) -> None:
    line = {"run": "demo-20260102T030000Z", "served": 7}
    assert execute(tmp_path, line) == {"served": "demo@7", "by": "refresh"}
    assert execute(tmp_path, line, {"served": "demo@7"}, {"served": "demo@6"}) == {"served": "demo@7", "by": "refresh"}


def test_version_that_serves_is_announced_where_the_step_had_nothing_to_do(tmp_path: Path) -> None:
    line = {"run": "demo-20260102T030000Z", "served": 8, "reason": "serves the newest graph already"}
    assert execute(tmp_path, line, {"served": "demo@7"}, code=99) == {"served": "demo@8", "by": "refresh"}


def test_what_was_announced_last_is_not_announced_again(tmp_path: Path) -> None:
    line = {"run": "demo-20260102T030000Z", "served": 7, "reason": "serves the newest graph already"}
    with pytest.raises(AirflowSkipException, match="serves the newest graph already"):
        execute(tmp_path, line, {"served": "demo@7"}, code=99)
    with pytest.raises(AirflowSkipException, match="demo@7 serves, and was announced before"):
        execute(tmp_path, {"graph": "demo", "served": 7}, {"served": "demo@7"})  # a retry after the event


def test_graph_that_nothing_serves_announces_nothing(tmp_path: Path) -> None:
    with pytest.raises(AirflowSkipException, match="has no champion"):
        execute(tmp_path, {"run": "demo-1", "served": None, "reason": "demo has no champion"}, code=99)


def test_refused_refresh_fails_the_task_and_announces_nothing(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match="it collapsed"):
        execute(tmp_path, {"run": "demo-1", "reason": "it collapsed"}, code=2)
