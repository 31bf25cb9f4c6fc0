"""Divide the snapshot's edges, draw the evaluation negatives, and certify that nothing leaks."""

from __future__ import annotations

from datetime import UTC, datetime

from ncnc_core.errors import InvalidGraph
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot
from pipeline.records.digests import digests_of_folder
from pipeline.records.names import SPLIT_FOLDER
from pipeline.runs.data import snapshot_tables
from pipeline.runs.folder import RunFolder
from pipeline.sources.pair_files import read_pair_files
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.certificate import as_records, edge_history, split_certificate
from pipeline.splits.division import divide
from pipeline.splits.fixed import given_split


def run(folder: RunFolder, params: Params, *, doors: Doors) -> EdgeSplit:
    """Split the run's snapshot, publish the split to the data repository, and leave its record.

    Raises:
        InvalidInput: the graph is too small, or its dates do not allow the split that params.yaml asks for.
    """
    if (done := folder.find(EdgeSplit)) is not None:
        return done
    snapshot, tables = folder.get(GraphSnapshot), snapshot_tables(folder, doors)
    as_of, history, given = int(snapshot.as_of.timestamp()), edge_history(tables), None
    if params.split.method == "fixed":
        text = tables.node_ids.dtype.kind != "i"
        pairs = read_pair_files(doors.environment.source_split, doors.environment.home / "tmp", text=text)
        given = given_split(pairs, tables, history, as_of)
    earlier = [int(item.as_of.timestamp()) for item in doors.snapshots.list(snapshot.graph)]
    earlier = [time for time in earlier if time < as_of]
    try:
        split, arrays = divide(tables, history, as_of, earlier, params.split, given)
    except InvalidGraph as error:
        raise InvalidInput(
            f"{snapshot.graph} as of {snapshot.as_of:%Y-%m-%d %H:%M} cannot be split: {error}"
        ) from error
    cut_train, cut_valid = _aware(split.cut_train), _aware(split.cut_valid)
    with folder.staging(SPLIT_FOLDER) as staged:
        arrays.save(staged)
        # Counted on the bytes that are published, not on what they were made from.
        checked = split_certificate(
            SplitArrays.load(staged), history, as_of=snapshot.as_of, cut_train=cut_train, cut_valid=cut_valid
        )
        publication = doors.snapshots.publish_split(
            staged, graph=snapshot.graph, as_of=snapshot.as_of, run_key=snapshot.run_key
        )
        files = digests_of_folder(staged)
    record = EdgeSplit(
        snapshot_sha256=snapshot.sha256,
        method=split.method,
        reason=split.reason,
        cut_train=cut_train,
        cut_valid=cut_valid,
        num_train=arrays.train.shape[1],
        num_valid=arrays.valid.shape[1],
        num_test=arrays.test.shape[1],
        num_message_train=arrays.message_train.shape[1],
        num_message_test=arrays.message_test.shape[1],
        seed=params.split.seed,
        files=files,
        tag=publication.tag,
        certificate=as_records(checked),
        negative_kinds=("given",) if given and given.test_negatives is not None else params.split.negative_kinds,
    )
    folder.put(record)
    return record


def _aware(time: int | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time, UTC)
