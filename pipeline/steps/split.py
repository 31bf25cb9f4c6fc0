"""Divide the snapshot's edges, draw the evaluation negatives, and certify that nothing leaks."""

from __future__ import annotations

from datetime import UTC, datetime

import torch

from ncnc_core.adjacency import Adjacency, pair_keys
from ncnc_core.edge_split import SplitEdges, fixed_split, split_edges
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation_negatives import evaluation_negatives
from pipeline import fixed_split as fixed_files
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.graph_tables import GraphTables
from pipeline.leak_certificate import as_records, edge_history, split_certificate
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
        given = _given(tables, as_of, doors) if params.split.method == "fixed" else None
        split, arrays = divide(tables, as_of, [time for time in earlier if time < as_of], params.split, given)
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
        negative_kinds=("given",) if given and given.test_negatives is not None else params.split.negative_kinds,
    )
    folder.put(record)
    return record


def divide(
    tables: GraphTables,
    as_of: int,
    earlier: list[int],
    params: SplitParams,
    given: fixed_files.FixedSplit | None = None,
) -> tuple[SplitEdges, SplitArrays]:
    """Return the split of a graph with its negatives, drawn once so that every model meets the same ones.

    Raises:
        InvalidGraph: the graph cannot be divided as the parameters say.
        InvalidInput: the split is to be a fixed one, and none is given.
    """
    edges = torch.tensor(tables.edges)
    split = _split(tables, as_of, earlier, params, given)
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

    sides = {name: edges[:, getattr(split, name)] for name in ("train", "valid", "test")}
    if given is not None:  # in the order of the files, which their negatives follow
        sides = {"train": given.train, "valid": given.valid, "test": given.test}
    valid_negatives, test_negatives = (given.valid_negatives, given.test_negatives) if given else (None, None)
    message_train, message_test = edges[:, split.message_train], edges[:, split.message_test]
    return split, SplitArrays(
        **sides,
        message_train=message_train,
        message_test=message_test,
        known_train=edges[:, split.known_train],
        valid_negatives=negatives(sides["valid"], message_train) if valid_negatives is None else valid_negatives,
        test_negatives=negatives(sides["test"], message_test) if test_negatives is None else test_negatives,
        test_first_seen=edge_history(tables).look_up(sides["test"]).first_seen,
    )


def _split(
    tables: GraphTables, as_of: int, earlier: list[int], params: SplitParams, given: fixed_files.FixedSplit | None
) -> SplitEdges:
    edges = torch.tensor(tables.edges)
    if params.method == "fixed":
        if given is None:
            raise InvalidInput(
                "split.method is fixed, but no split is given. Set NCNC_SOURCE_SPLIT, or another method."
            )
        return fixed_split(edges, given.train, given.valid, given.test, num_nodes=tables.num_nodes, reason=given.reason)
    return split_edges(
        edges,
        torch.tensor(tables.first_seen),
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


def _given(tables: GraphTables, as_of: int, doors: Doors) -> fixed_files.FixedSplit:
    files = fixed_files.read_pair_files(doors.environment.source_split)
    return fixed_files.fixed_split(files, tables, edge_history(tables), as_of)


def _aware(time: int | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time, UTC)
