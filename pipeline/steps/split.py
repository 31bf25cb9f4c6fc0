"""Divide the snapshot's edges, draw the evaluation negatives, and certify that nothing leaks."""

from __future__ import annotations

from datetime import UTC, datetime

import torch

from ncnc_core.adjacency import Adjacency, pair_keys
from ncnc_core.edge_split import SplitEdges, split_edges
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation_negatives import evaluation_negatives
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.graph_tables import GraphTables
from pipeline.leak_certificate import as_records, split_certificate
from pipeline.params import Params, SplitParams
from pipeline.records import EdgeSplit, GraphSnapshot, digests_of_folder
from pipeline.run_data import SPLIT_FOLDER, snapshot_tables
from pipeline.run_folder import RunFolder
from pipeline.split_arrays import SplitArrays


def run(folder: RunFolder, params: Params, *, doors: Doors) -> EdgeSplit:
    """Split the run's snapshot, publish the split to the data repository, and leave its record.

    Raises:
        InvalidInput: the graph is too small, or its dates do not allow the split that params.yaml asks for.
    """
    if (done := folder.find(EdgeSplit)) is not None:
        return done
    snapshot, tables = folder.get(GraphSnapshot), snapshot_tables(folder, doors)
    as_of = int(snapshot.as_of.timestamp())
    earlier = [int(item.as_of.timestamp()) for item in doors.snapshots.list(snapshot.graph)]
    try:
        split, arrays = divide(tables, as_of, [time for time in earlier if time < as_of], params.split)
    except InvalidGraph as error:
        raise InvalidInput(
            f"{snapshot.graph} as of {snapshot.as_of:%Y-%m-%d %H:%M} cannot be split: {error}"
        ) from error
    with folder.staging(SPLIT_FOLDER) as staged:
        arrays.save(staged)
        # Counted on the bytes that are published, not on what they were made from.
        checked = split_certificate(
            SplitArrays.load(staged), tables, as_of=as_of, cut_train=split.cut_train, cut_valid=split.cut_valid
        )
        publication = doors.snapshots.publish_split(
            staged, graph=snapshot.graph, as_of=snapshot.as_of, run_key=snapshot.run_key
        )
        files = digests_of_folder(staged)
    record = EdgeSplit(
        snapshot_sha256=snapshot.sha256,
        method=split.method,
        reason=split.reason,
        cut_train=_aware(split.cut_train),
        cut_valid=_aware(split.cut_valid),
        num_train=arrays.train.shape[1],
        num_valid=arrays.valid.shape[1],
        num_test=arrays.test.shape[1],
        num_message_train=arrays.message_train.shape[1],
        num_message_test=arrays.message_test.shape[1],
        seed=params.split.seed,
        files=files,
        tag=publication.tag,
        certificate=as_records(checked),
        negative_kinds=params.split.negative_kinds,
    )
    folder.put(record)
    return record


def divide(tables: GraphTables, as_of: int, earlier: list[int], params: SplitParams) -> tuple[SplitEdges, SplitArrays]:
    """Return the split of a graph with its negatives, drawn once so that every model meets the same ones."""
    edges, first_seen = torch.tensor(tables.edges), torch.tensor(tables.first_seen)
    split = split_edges(
        edges,
        first_seen,
        torch.tensor(tables.removed_at),
        as_of=as_of,
        snapshot_times=earlier,
        method=params.method,
        valid_fraction=params.valid_fraction,
        test_fraction=params.test_fraction,
        minimum_test_edges=params.minimum_test_edges,
        seed=params.seed,
        alive_since=torch.tensor(tables.alive_since),
    )
    ever = pair_keys(edges, tables.num_nodes).unique()
    generator = torch.Generator().manual_seed(params.seed)

    def negatives(positives: torch.Tensor, message_edges: torch.Tensor) -> torch.Tensor:
        return evaluation_negatives(
            positives,
            params.negatives_per_edge,
            ever,
            generator,
            kinds=params.negative_kinds,
            adjacency=Adjacency.from_edges(message_edges, tables.num_nodes),
            seed=params.seed,
        )

    message_train, message_test = edges[:, split.message_train], edges[:, split.message_test]
    return split, SplitArrays(
        train=edges[:, split.train],
        valid=edges[:, split.valid],
        test=edges[:, split.test],
        message_train=message_train,
        message_test=message_test,
        known_train=edges[:, split.known_train],
        valid_negatives=negatives(edges[:, split.valid], message_train),
        test_negatives=negatives(edges[:, split.test], message_test),
        test_first_seen=first_seen[split.test],
    )


def _aware(time: int | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time, UTC)
