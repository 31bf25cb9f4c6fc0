"""Divide the snapshot's edges, draw the evaluation negatives, and certify that nothing leaks."""

from __future__ import annotations

from pipeline.doors import Doors
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot
from pipeline.records.digests import digests_of_folder
from pipeline.records.names import SPLIT_FOLDER
from pipeline.runs.data import snapshot_tables
from pipeline.runs.folder import RunFolder
from pipeline.sources.pair_files import read_pair_files
from pipeline.splits.certificate import edge_history
from pipeline.splits.fixed import given_split
from pipeline.splits.night_split import make_split


def run(folder: RunFolder, params: Params, *, doors: Doors) -> EdgeSplit:
    """Split the run's snapshot, publish the split to the data repository, and leave its record.

    Raises:
        InvalidInput: the graph is too small, or its dates do not allow the split that params.yaml asks for.
    """
    if (done := folder.find(EdgeSplit)) is not None:
        return done
    snapshot, tables = folder.get(GraphSnapshot), snapshot_tables(folder, doors)
    history, given = edge_history(tables), None
    if params.split.method == "fixed":
        text = tables.node_ids.dtype.kind != "i"
        place, scratch = doors.environment.source_split, doors.environment.home / "tmp"
        pairs = read_pair_files(place, scratch, params.snapshot, text=text)
        given = given_split(pairs, tables, history, int(snapshot.as_of.timestamp()))
    published = [item.as_of for item in doors.snapshots.list(snapshot.graph)]
    with folder.staging(SPLIT_FOLDER) as staged:
        made = make_split(staged, snapshot, tables, history, published, params.split, given)
        publication = doors.snapshots.publish_split(
            staged, graph=snapshot.graph, as_of=snapshot.as_of, run_key=snapshot.run_key
        )
        record = made.record(snapshot, params.split, publication.tag, digests_of_folder(staged))
    folder.put(record)
    return record
