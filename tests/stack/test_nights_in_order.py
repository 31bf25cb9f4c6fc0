"""Nights on a real scheduler: made in order whatever it starts at once, waiting for what comes late, ended by hand."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pandas as pd
import pytest
import yaml
from rich.console import Console

from embedded.airflow_api import AirflowApi
from embedded.layout import Layout
from embedded.stack import DAG_ID, Stack, nightly_settings
from embedded.task_log import run_folder
from ncnc_core.random_spatial_network import NetworkDay, evolve
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.ledger.entries import NightEntry
from pipeline.ledger.night import last_nights
from tests.fixtures.house import NETWORK, params
from tests.fixtures.local_services import postgres_database, postgres_url
from tests.fixtures.publishing import git

GRAPH = "small"
NIGHTS = 10  # as many as a backfill starts at once by its own default
# From one change of a run's state to the next: a night is a minute of work on a quiet core, ten on a busy one.
PATIENCE_SECONDS = 1800.0


@dataclass
class Nightly:
    """A stack whose DAG runs nightly, paused at first; the last night of its schedule was some hours ago."""

    stack: Stack
    api: AirflowApi
    last: datetime

    @property
    def doors(self) -> Doors:
        return Doors(Environment(self.stack.environment))

    @property
    def nights(self) -> dict[str, NightEntry]:
        return last_nights(self.doors.ledger.entries(GRAPH))

    def deliver(self, as_of: datetime, day: NetworkDay) -> None:
        edges = pd.DataFrame({"source": day.node_ids[day.edges[0]], "target": day.node_ids[day.edges[1]]})
        edges.to_parquet(self.stack.layout.source / f"edges-{as_of:%Y-%m-%d}.parquet", index=False)

    def patch(self, path: str, body: dict[str, object]) -> None:
        self.call("PATCH", path, body)

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.api.token}"}
        url = f"{self.api.url}/api/v2/{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=60).raise_for_status()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something is true; fails once no run has changed its state for too long."""
        before, deadline = dict[str, str](), time.monotonic() + PATIENCE_SECONDS
        while not holds():
            self.stack.processes.check()
            now = self.api.run_states(DAG_ID)
            if now != before:
                before, deadline = now, time.monotonic() + PATIENCE_SECONDS
            assert time.monotonic() < deadline, f"{what}: {now}"
            time.sleep(2)

    def run_ended(self, run_id: str) -> bool:
        return self.api.run_state(DAG_ID, run_id) in ("success", "failed")

    def state(self, run_id: str, task: str) -> str:
        return self.api.task_states(DAG_ID, run_id)[task]

    def events(self) -> int:
        return int(self.call("GET", "assets/events").json()["total_entries"])


@pytest.fixture(scope="module")
def network() -> list[NetworkDay]:
    return list(itertools.islice(evolve(NETWORK), NIGHTS + 2))


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nightly]:
    layout = Layout(tmp_path_factory.mktemp("nights") / "stack")
    small = params(GRAPH)
    small["snapshot"] = {"graph": GRAPH}
    small["train"]["training"] |= {"epochs": 4}  # type: ignore[operator]
    small["evaluate"] = {"bootstrap_samples": 100, "sensitivity_shares": []}
    # The first model becomes champion, so that there is something to announce.
    small["decide"] = {"minimum_test_edges": 1, "floor": ["preferential_attachment"]}
    layout.root.mkdir()
    layout.params.write_text(yaml.safe_dump(small))
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
    settings = replace(nightly_settings(layout, layout.params), schedule=f"0 {last.hour} * * *")
    stack = Stack(layout, settings, Console(file=io.StringIO()))
    stack.environment["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "True"
    with postgres_database(postgres_url()) as database:  # SQLite is locked while so many runs are made and started
        stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
        try:
            yield Nightly(stack, stack.up(), last)
        finally:
            stack.down()


@pytest.fixture(scope="module")
def as_ofs(nightly: Nightly, network: list[NetworkDay]) -> list[datetime]:
    """Play ten nights of a backfill and the DAG's own beside them, and return their dates once all have ended."""
    as_ofs = [nightly.last - timedelta(days=days) for days in range(NIGHTS, -1, -1)]  # the last is the DAG's own
    for as_of, day in zip(as_ofs, network, strict=False):
        nightly.deliver(as_of, day)
    dates = ("--from-date", as_ofs[0].isoformat(), "--to-date", as_ofs[-2].isoformat())
    backfill = ("airflow", "backfill", "create", "--dag-id", DAG_ID, *dates)
    nightly.stack.processes.run("backfill", backfill, nightly.stack.environment)
    nightly.patch(f"dags/{DAG_ID}", {"is_paused": False})  # which runs the last missed night at once

    def all_ended() -> bool:
        states = nightly.api.run_states(DAG_ID)
        return len(states) == len(as_ofs) and set(states.values()) <= {"success", "failed"}

    nightly.until(all_ended, "the nights have not ended")
    return as_ofs


@pytest.mark.timeout(7200)
def test_a_backfill_of_ten_nights_beside_the_dags_own_ends_with_decided_nights_in_order(
    nightly: Nightly, as_ofs: list[datetime]
) -> None:
    assert set(nightly.api.run_states(DAG_ID).values()) == {"success"}
    entries = [entry for entry in nightly.doors.ledger.entries(GRAPH) if isinstance(entry, NightEntry)]
    assert [entry.as_of for entry in entries] == as_ofs
    assert all(entry.completed for entry in entries)
    dated = git(nightly.stack.layout.data_repository, "for-each-ref", "--format=%(refname:short) %(taggerdate:unix)")
    published = dict(line.split() for line in dated.splitlines() if line.startswith("snap/"))
    for before, after in itertools.pairwise(entries):  # decided before the next one is even published
        assert before.at.timestamp() < int(published[str(after.snapshot_tag)])


@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("as_ofs")
def test_a_cleared_register_announces_nothing_again(nightly: Nightly) -> None:
    first = next(iter(nightly.nights.values()))
    assert first.outcome == "promoted"
    (run_id,) = [run for run, date in nightly.api.runs(DAG_ID).items() if date == first.as_of]
    before = nightly.events()
    assert before >= 1
    body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": ["register"]}
    nightly.call("POST", f"dags/{DAG_ID}/clearTaskInstances", body)
    nightly.until(lambda: nightly.run_ended(run_id), "the cleared task")
    assert (nightly.state(run_id, "register"), nightly.events()) == ("skipped", before)


@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("as_ofs")
def test_a_late_delivery_is_waited_for_and_costs_no_try(nightly: Nightly, network: list[NetworkDay]) -> None:
    as_of = nightly.last + timedelta(hours=1)
    path = nightly.stack.layout.source / f"edges-{as_of:%Y-%m-%d}.parquet"
    if path.exists():
        path.unlink()  # of the night before, on the same day
    nightly.api.post_run(DAG_ID, "late", as_of)
    nightly.until(lambda: nightly.state("late", "snapshot") == "up_for_reschedule", "the wait")
    logs = run_folder(nightly.stack.layout.airflow, DAG_ID, "late")
    said = "".join(path.read_text() for path in logs.rglob("*.log"))
    assert "Waiting: snapshot ended 66: The source did not deliver" in said
    reason = f"dags/{DAG_ID}/dagRuns/late/taskInstances/snapshot/xcomEntries/reason"
    assert "snapshot waits: " in nightly.call("GET", reason).json()["value"]
    nightly.deliver(as_of, network[-1])
    nightly.until(lambda: nightly.run_ended("late"), "the late night")
    assert nightly.api.run_state(DAG_ID, "late") == "success"
    task = nightly.call("GET", f"dags/{DAG_ID}/dagRuns/late/taskInstances/snapshot").json()
    assert task["try_number"] == 1
    assert nightly.nights[f"{GRAPH}-{as_of:%Y%m%dT%H%M%SZ}"].completed


@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("as_ofs")
def test_a_night_without_a_delivery_that_is_failed_by_hand_is_red_and_listed(nightly: Nightly) -> None:
    as_of = nightly.last + timedelta(hours=2)
    (nightly.stack.layout.source / f"edges-{as_of:%Y-%m-%d}.parquet").unlink(missing_ok=True)
    nightly.api.post_run(DAG_ID, "ended", as_of)
    nightly.until(lambda: nightly.state("ended", "snapshot") == "up_for_reschedule", "the wait")
    nightly.patch(f"dags/{DAG_ID}/dagRuns/ended", {"state": "failed"})
    name = f"{GRAPH}-{as_of:%Y%m%dT%H%M%SZ}"
    page = Path(nightly.stack.layout.home / "reports" / f"{name}.html")
    # The run has its state at once; what enters the night comes after it.
    nightly.until(lambda: nightly.run_ended("ended") and name in nightly.nights and page.is_file(), "the ended night")
    assert nightly.api.run_state(DAG_ID, "ended") == "failed"
    entry = nightly.nights[name]
    assert (entry.outcome, entry.completed) == ("failed", False)
    assert "snapshot waits: snapshot ended 66: The source did not deliver" in entry.reason
    assert "Failed: no step left a record" in page.read_text()
