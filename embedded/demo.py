"""The demo: plays simulated nights on the real scheduler, one after the other, and shows their outcomes."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from embedded.airflow_api import AirflowApi
from embedded.as_caida import AsCaida, find_archive
from embedded.batches import known_links, read_batches, served_edges
from embedded.generated import MINIMUM_NIGHTS, Generated
from embedded.layout import Layout
from embedded.night_results import NightResult, read_results
from embedded.nights import Deliveries, DemoError, Night
from embedded.processes import StackError, alone
from embedded.recipe_search import search_recipe
from embedded.settings import Settings, free_port
from embedded.stack import DAG_ID, Stack
from embedded.summary import WIDTH, show_summary
from embedded.task_log import last_words, run_folder
from embedded.watched_run import ENDED, LONGEST_SECONDS, POLL_SECONDS, WatchedRun
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import StepError
from pipeline.ledger.served_weights import champion_in_words
from pipeline.ledger.story import story
from pipeline.records.names import RUNS
from pipeline.terminal import Said, Terminal, styled
from pipeline.training.search_space import Value

BATCH_DAG_ID = "batch_recommendations"
ROLLBACK_DAG_ID = "champion_rollback"
ROLLBACK_RUN_ID = "rollback-1"
EVENT_SECONDS = 30.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def settings_for(deliveries: Deliveries, layout: Layout) -> Settings:
    """Return the settings of the demo's stack; it has no schedule, so only the demo starts runs."""
    return Settings(
        graph=deliveries.graph,
        params=str(layout.params),
        schedule="none",
        source_edges=str(layout.source / "edges-{date}.parquet"),
        source_nodes=str(layout.source / "nodes-{date}.parquet") if deliveries.has_nodes else None,
        airflow_port=free_port(8080),
        mlflow_port=free_port(5000),
        approval="person",
    )


class Demo:
    """Plays the nights of one graph on one stack."""

    def __init__(self, deliveries: Deliveries, stack: Stack, console: Terminal) -> None:
        self.deliveries, self.stack, self.console = deliveries, stack, console
        self.source = stack.layout.source
        self.found: Mapping[str, Value] = {}
        self.shown: list[Path] = []  # the folders of the batches that were shown

    def play(self) -> list[NightResult]:
        """Start the stack, play every night and read the results; the stack is always stopped at the end."""
        try:
            self._set_recipe(self.deliveries.nights[0])
            api = self.stack.up()
            self._ingest()
            for night in self.deliveries.nights:
                search = self.deliveries.search
                if search is not None and night.number == search.before:
                    run_dir = self._run_dir(self.deliveries.nights[search.on - 1])
                    self.found = search_recipe(search, run_dir, self.stack, self.console)
                self._play_night(api, night)
            self._check_runs(api)
            self._await_recommendations(api)
            if self._roll_back(api):
                self._await_recommendations(api)
            return read_results(self.deliveries, Doors(Environment(self.stack.environment)))
        finally:
            with unstoppable():
                ended = self.stack.down()
            self.console.print(styled(("stack:", "dim"), f" stopped; {ended} processes ended, none is left"))

    def _ingest(self) -> None:
        history = self.deliveries.history
        for number, as_of in enumerate(history, start=1):
            self.deliveries.deliver(as_of, self.source)
            self._say(f"history: {as_of:%Y-%m-%d}, {number} of {len(history)} earlier weeks published as snapshots")
            argv = ("ncnc", "snapshots", "ingest", "--as-of", as_of.isoformat())
            self.stack.processes.run("ingest", argv, self.stack.environment)

    def _set_recipe(self, night: Night) -> None:
        """Write the params.yaml that the stack's processes read, as a person would change it by day."""
        self.stack.layout.root.mkdir(parents=True, exist_ok=True)
        self.stack.layout.params.write_text(self.deliveries.recipe(night, self.found).to_yaml())

    def _run_dir(self, night: Night) -> Path:
        return self.stack.layout.home / RUNS / night.run_name(self.deliveries.graph)

    def _play_night(self, api: AirflowApi, night: Night) -> None:
        self.deliveries.deliver(night.as_of, self.source)
        self._set_recipe(night)
        self._say(styled((f"night {night.number}", "bold"), f" as of {night.as_of:%Y-%m-%d}: {night.story}"))
        api.post_run(DAG_ID, night.run_id, night.as_of)
        self._watched(api, DAG_ID, night.run_id, f"night {night.number}").follow(night.answer)

    def _await_recommendations(self, api: AirflowApi) -> None:
        """Wait for the batches of the versions that came to serve, and show those that were not shown yet."""
        started, said = time.monotonic(), ""
        while len(api.run_states(BATCH_DAG_ID)) <= len(self.shown) and time.monotonic() - started < EVENT_SECONDS:
            time.sleep(POLL_SECONDS)  # the scheduler takes a moment to make a run of an event
        while running := [run for run, state in api.run_states(BATCH_DAG_ID).items() if state not in ENDED]:
            if running[0] != said:
                said = running[0]
                self._say(styled(("recommendations", "bold"), " for every node, by each version that came to serve"))
            self.stack.processes.check()
            if time.monotonic() - started > LONGEST_SECONDS:
                raise DemoError(f"{said} of {BATCH_DAG_ID} has not ended in {LONGEST_SECONDS:.0f} s.")
            time.sleep(POLL_SECONDS)
        doors = Doors(Environment(self.stack.environment))
        for batch in read_batches(self.stack.layout):
            if batch.folder not in self.shown:
                self.shown.append(batch.folder)
                held = known_links(batch, served_edges(batch, doors))
                told = f"{batch.links:,} links for {batch.nodes:,} nodes by {batch.model}, {held} of them in its graph"
                self._say(f"  {told}: {batch.folder}")

    def _roll_back(self, api: AirflowApi) -> bool:
        """Roll the last promotion back through the form of the rollback DAG; return whether there was one."""
        reason, graph = self.deliveries.rollback_reason, self.deliveries.graph
        aliases = Doors(Environment(self.stack.environment)).registry.aliases.of(graph)
        if reason is None or "previous" not in aliases:
            return False
        version = aliases["previous"]
        told = f" a person rolls version {aliases['champion']} back: {reason}"
        self._say(styled(("afterwards", "bold"), told))
        conf = {"graph": graph, "version": version, "reason": reason}
        api.post_run(ROLLBACK_DAG_ID, ROLLBACK_RUN_ID, None, conf)
        self._watched(api, ROLLBACK_DAG_ID, ROLLBACK_RUN_ID, f"the rollback to version {version}").follow()
        return True

    def _watched(self, api: AirflowApi, dag_id: str, run_id: str, title: str) -> WatchedRun:
        return WatchedRun(api, self.stack.processes, self.console, dag_id, run_id, title)

    def _check_runs(self, api: AirflowApi) -> None:
        """Raise unless exactly the nights of the demo have run."""
        asked = {night.run_id: night.as_of for night in self.deliveries.nights}
        seen = api.runs(DAG_ID)
        if seen != asked:
            raise DemoError(f"Airflow ran {sorted(seen)}, but the demo asked for {sorted(asked)} with their dates.")
        self._say(f"runs: {len(asked)}, as planned")

    def _say(self, text: Said) -> None:
        self.console.print(text)


@contextmanager
def unstoppable() -> Iterator[None]:
    """Ignore Ctrl-C and other stop signals for a moment, so that a second one leaves no processes behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def choose(data: str, nights: int | None) -> Deliveries:
    """Return the deliveries that the command line asks for."""
    if data == "as_caida":
        return AsCaida(find_archive(), nights or 8)
    return Generated(nights or MINIMUM_NIGHTS)


def contradictions(deliveries: Deliveries, results: list[NightResult], layout: Layout) -> list[str]:
    """Return every outcome that differs from what the demo expects."""
    known = {result.night.number for result in results}
    found = [result.contradiction for result in results if result.contradiction]
    for night in deliveries.nights:
        if night.number not in known:
            logs = run_folder(layout.airflow, DAG_ID, night.run_id)
            found.append(f"night {night.number} is not in the ledger. {last_words(logs)} (its tasks' logs: {logs})")
    return found


def run(deliveries: Deliveries, layout: Layout, console: Terminal) -> int:
    """Play a demo from scratch, show it, and return the exit code."""
    with alone(layout):
        started = time.monotonic()
        earlier = Settings.read(layout)
        if earlier is not None and earlier.schedule is None:
            raise DemoError(
                f"{layout.root} holds a stack of your own, for graph {earlier.graph}. The demo would delete it first. "
                f"Move that folder away, or remove it with make clean."
            )
        settings = settings_for(deliveries, layout)
        stack = Stack(layout, settings, console)
        stack.down()  # before its folder goes
        shutil.rmtree(layout.root, ignore_errors=True)
        results = Demo(deliveries, stack, console).play()
        entries = Doors(Environment(stack.environment)).ledger.entries(deliveries.graph)
        console.print(styled((f"took {time.monotonic() - started:.0f} s\n", "dim")))
        show_summary(deliveries.graph, results, story(entries), layout, console, served=champion_in_words(entries))
        wrong = contradictions(deliveries, results, layout)
        for line in wrong:
            console.print(styled(("contradiction:", "red"), f" {line}"))
        if not sys.stdout.isatty():  # for a program; on a terminal it would push the summary off the screen
            print(json.dumps({"nights": [result.as_json() for result in results]}), flush=True)  # noqa: T201  the one line
        return 1 if wrong else 0


def main(argv: list[str] | None = None) -> int:
    """Run `python -m embedded.demo`."""
    parser = argparse.ArgumentParser(prog="python -m embedded.demo", description=__doc__)
    parser.add_argument("--data", choices=("generated", "as_caida"), default="generated")
    parser.add_argument("--nights", type=int, default=None, help="generated: 6 or more; as_caida: 5 to 11, default 8")
    arguments = parser.parse_args(argv)
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    console = Terminal(width=None if sys.stdout.isatty() else WIDTH)
    try:
        deliveries = choose(arguments.data, arguments.nights)
        return run(deliveries, Layout.named("demo" if arguments.data == "generated" else arguments.data), console)
    except (DemoError, StackError, StepError) as error:
        console.print(styled(("the demo failed:", "red"), f" {error}"))
        return 1
    except KeyboardInterrupt as stop:
        console.print(f"stopped by {stop or 'Ctrl-C'}; nothing is left running")
        return 130


if __name__ == "__main__":
    sys.exit(main())
