"""Read and check what was delivered, publish it as a snapshot, and start the night's run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pandas as pd

from pipeline.checks.markdown import clear_check_results, write_check_results
from pipeline.checks.quality import RefusedDelivery
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ingest.tonights_graph import TonightsGraph, tonights_graph
from pipeline.params.params import OUTSIDE_THE_RUN_KEY, Params
from pipeline.records.chain import GraphSnapshot
from pipeline.records.names import PARAMS_FILE, SNAPSHOT_FOLDER, stamp
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version, run_key


def run(folder: RunFolder, params: Params, *, doors: Doors, as_of: datetime) -> GraphSnapshot:
    """Publish the night's graph, freeze the parameters, open the MLflow run and leave the record.

    Raises:
        InvalidInput: the delivery breaks a rule, or the run folder is another graph's.
        NotDelivered: the source did not deliver yet.
        OutsideTrouble: a service does not answer.
        NothingToDo: the last night that ran to its end did so with this graph, these parameters and this code.
    """
    _require_own_name(folder, params, as_of)
    if (done := folder.find(GraphSnapshot)) is not None:
        return _same_start(done, params)
    clear_check_results(folder.path)
    with _checked(folder, params, doors, as_of) as (graph, results):
        key = run_key(graph.content_id, params.sha256, code_version())
        _expect_work(folder, graph, key, doors)
        with folder.staging(SNAPSHOT_FOLDER) as staged:
            publication = graph.publish(staged, doors)
        record = graph.record(folder.name, params, publication, key)
    folder.freeze(params)
    run_id = doors.registry.runs.open(record.graph, folder.name, run_key=key, params=_flat(params))
    for path in (folder.path / PARAMS_FILE, *results):
        doors.registry.runs.put_file(run_id, path, path.name)
    doors.registry.runs.log_metrics(run_id, graph.summary.metrics())
    doors.registry.runs.log_snapshot(run_id, record, doors.environment.data_repository)
    folder.put(record)
    return record


@contextmanager
def _checked(
    folder: RunFolder, params: Params, doors: Doors, as_of: datetime
) -> Iterator[tuple[TonightsGraph, tuple[Path, ...]]]:
    """Give the night's graph and the files with its check results; a refused delivery leaves those files too."""
    try:
        with tonights_graph(params.snapshot, doors, as_of) as graph:
            yield graph, write_check_results(folder.path, graph.checks, graph.summary)
    except RefusedDelivery as refused:
        write_check_results(folder.path, refused.checks, refused.change)
        raise


def _require_own_name(folder: RunFolder, params: Params, as_of: datetime) -> None:
    """Refuse a run folder named for another graph or another time: its records would be found as that run's."""
    if folder.graph != params.snapshot.graph:
        raise InvalidInput(
            f"The run folder {folder.name} is for graph {folder.graph}, but snapshot.graph in params.yaml is "
            f"{params.snapshot.graph}. Make them the same."
        )
    if folder.as_of is not None and stamp(folder.as_of) != stamp(as_of):
        raise InvalidInput(
            f"The run folder {folder.name} is named for another time than --as-of {as_of.isoformat()}. "
            f"Name it {folder.graph}-{stamp(as_of)}, or pass the as-of it is named for."
        )


def _same_start(done: GraphSnapshot, params: Params) -> GraphSnapshot:
    """Return the record of a run that is started again, unless it would go on with what it did not start with."""
    for what, started, now in (
        ("parameters", done.params_sha256, params.sha256),
        ("code", done.code_version, code_version()),
    ):
        if started != now:
            raise InvalidInput(
                f"Run {done.run_name} was started with other {what} ({started[:12]}, now {now[:12]}). A run keeps its "
                f"own: restore the {what}, or start a run of another as-of (with dvc repro: another night.run)."
            )
    return done


def _expect_work(folder: RunFolder, graph: TonightsGraph, key: str, doors: Doors) -> None:
    """Skip the night if it would repeat the last completed one; a failed night is run again."""
    last = doors.ledger.last_completed(graph.name)
    if last is not None and last.run_key == key and last.run_name != folder.name:
        if last.snapshot_tag in doors.snapshots.journal().retracted:
            return  # the same graph under its right as-of
        raise NothingToDo(
            f"The graph is unchanged since night {last.run_name}, which ended {last.outcome}: content id "
            f"{graph.content_id[:12]}, the same parameters and the same code."
        )


def _flat(params: Params) -> dict[str, str]:
    """Return every parameter that changes the model under its dotted name, as MLflow shows them."""
    values = pd.json_normalize(params.model_dump(mode="json", by_alias=True, exclude=OUTSIDE_THE_RUN_KEY), sep=".")
    return {str(name): str(value) for name, value in values.iloc[0].items()}
