"""The newest snapshot of a graph as a refresh needs it: its tables, and the fresh edges of its night's split."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import EdgeSplit, GraphSnapshot
from pipeline.records.names import RUNS, stamp
from pipeline.refreshes.judgement import FreshEdges
from pipeline.runs.data import published_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import FEATURE_COLUMNS
from pipeline.snapshots.published import PublishedSnapshot
from pipeline.splits.event_times import has_test_times, testing_graph
from pipeline.splits.known_features import features_for


@dataclass(frozen=True, eq=False)
class NewestGraph:
    """A published snapshot with the folder that its bytes are kept in; `record` is that of the night that published it.

    Without a record (`ncnc snapshots ingest` leaves none) there is no split, and no run of the night.
    """

    published: PublishedSnapshot
    folder: RunFolder
    record: GraphSnapshot | None
    tables: GraphTables

    def columns(self, doors: Doors) -> str | None:
        """Return the feature columns of the night's run, as MLflow has them; None where there is no run."""
        run_id = self.folder.mlflow_run()
        return None if run_id is None else doors.registry.runs.param(run_id, FEATURE_COLUMNS)

    def fresh_edges(self, seen_until: datetime, *, reads_times: bool, doors: Doors) -> FreshEdges | str:
        """Return the night's test edges that came after a time, with its test graph; or why there are none."""
        split = self.folder.find(EdgeSplit) if self.record is not None else None
        if split is None:
            return "the night of this graph has made no split"
        if reads_times and not has_test_times(split):
            return f"the model reads when edges came, and the {split.method} split has no times to test with"
        try:
            arrays = split_arrays(self.folder, doors)
        except InvalidInput as error:
            return f"the split of this graph's night cannot be read: {error}"
        count = arrays.test.shape[1]
        fresh = arrays.test_first_seen > int(seen_until.timestamp())
        negatives = arrays.test_negatives.view(2, count, -1)[:, fresh] if count else arrays.test_negatives
        return FreshEdges(
            positives=arrays.test[:, fresh],
            negatives=negatives.flatten(1),
            node_ids=self.tables.node_ids.tolist(),
            graph=testing_graph(self.tables, arrays, split),
            features=features_for(self.tables, split, "testing"),
        )


@contextmanager
def newest_graph(published: PublishedSnapshot, doors: Doors, folder: RunFolder | None = None) -> Iterator[NewestGraph]:
    """Give a snapshot with its night's run folder, whose verified copies it uses; without a night, in a folder for now.

    `folder` is the run's, where it is at hand; else it is the one in NCNC_HOME.

    Raises:
        TamperedRecord: a file differs from the snapshot's manifest.
    """
    name = f"{published.graph}-{stamp(published.as_of)}"
    folder = folder or RunFolder(doors.environment.home / RUNS / name, doors.registry)
    record = folder.find(GraphSnapshot)
    if record is not None and record.tag == published.tag:
        yield _with_tables(published, folder, record, doors)
        return
    with TemporaryDirectory() as scratch:
        yield _with_tables(published, RunFolder(Path(scratch) / name), None, doors)


def _with_tables(
    published: PublishedSnapshot, folder: RunFolder, record: GraphSnapshot | None, doors: Doors
) -> NewestGraph:
    tables = published_tables(folder, published.tag, published.manifest_sha256, doors)
    return NewestGraph(published, folder, record, tables)
