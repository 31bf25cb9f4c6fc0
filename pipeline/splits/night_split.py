"""Tonight's split made whole: divided, saved, read back, and certified on the bytes that were saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ncnc_core.config.choices import RecordedNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits.edge_split import SplitEdges
from ncnc_core.splits.leak_invariants import Invariant, in_parts
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import GraphTables
from pipeline.params.params import SplitParams
from pipeline.records.chain import EdgeSplit, GraphSnapshot
from pipeline.records.digests import FileDigest
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.certificate import as_records, split_certificate
from pipeline.splits.division import divide
from pipeline.splits.fixed import FixedSplit

HELD_OUT = ("valid", "test")


@dataclass(frozen=True, eq=False)
class NightSplit:
    """A split as it lies in a folder, and what was counted on it there."""

    edges: SplitEdges
    arrays: SplitArrays
    negative_kinds: tuple[RecordedNegative, ...]
    num_historical_negatives: int | None
    num_returning: int | None
    certificate: tuple[Invariant, ...]

    @property
    def num_without_negatives(self) -> int:
        """The validation and test edges that were left out, as they have no negative."""
        return sum(int(getattr(self.edges, side).sum()) - getattr(self.arrays, side).shape[1] for side in HELD_OUT)

    def record(
        self, snapshot: GraphSnapshot, params: SplitParams, tag: str, files: tuple[FileDigest, ...]
    ) -> EdgeSplit:
        """Return the record of the split: the tag that it was published as, and its files, the manifest among them."""
        return EdgeSplit(
            snapshot_sha256=snapshot.sha256,
            method=self.edges.method,
            reason=self.edges.reason,
            cut_train=_aware(self.edges.cut_train),
            cut_valid=_aware(self.edges.cut_valid),
            num_train=self.arrays.train.shape[1],
            num_valid=self.arrays.valid.shape[1],
            num_test=self.arrays.test.shape[1],
            num_without_negatives=self.num_without_negatives,
            num_message_train=self.arrays.message_train.shape[1],
            num_message_test=self.arrays.message_test.shape[1],
            seed=params.seed,
            files=files,
            tag=tag,
            certificate=as_records(self.certificate),
            negative_kinds=self.negative_kinds,
            num_historical_negatives=self.num_historical_negatives,
            num_returning=self.num_returning,
        )


def make_split(
    folder: Path,
    snapshot: GraphSnapshot,
    tables: GraphTables,
    history: EdgeHistory,
    published: Sequence[datetime],
    params: SplitParams,
    given: FixedSplit | None,
) -> NightSplit:
    """Divide a snapshot's edges, save the split into a folder, and certify it.

    `published` are the times of the graph's snapshots; a split by time cuts at an earlier one. `given` is the split
    where the method is fixed. The certificate is counted on the saved bytes, not on what they were made from.

    Raises:
        InvalidInput: the graph is too small, or its dates do not allow the split that params.yaml asks for.
    """
    as_of = int(snapshot.as_of.timestamp())
    earlier = [time for time in (int(one.timestamp()) for one in published) if time < as_of]
    try:
        edges, arrays = divide(tables, history, as_of, earlier, params, given)
    except InvalidGraph as error:
        raise InvalidInput(
            f"{snapshot.graph} as of {snapshot.as_of:%Y-%m-%d %H:%M} cannot be split: {error}"
        ) from error
    arrays.save(folder)
    del arrays  # before its bytes are read back: one split of ten million edges is a GiB
    arrays = SplitArrays.load(folder, narrow=True)
    negatives_given = given is not None and given.test_negatives is not None
    kinds: tuple[RecordedNegative, ...] = ("given",) if negatives_given else params.negative_kinds
    certificate = split_certificate(
        arrays,
        history,
        as_of=snapshot.as_of,
        cut_train=_aware(edges.cut_train),
        cut_valid=_aware(edges.cut_valid),
        kinds=kinds,
    )
    returning = None if edges.cut_valid is None else _num_returning(history, as_of, edges.cut_valid)
    return NightSplit(edges, arrays, kinds, _num_historical(arrays, history, kinds), returning, certificate)


def _num_historical(arrays: SplitArrays, history: EdgeHistory, kinds: tuple[RecordedNegative, ...]) -> int | None:
    """Return how many test negatives were once an edge; the rest of the historical share are degree-matched."""
    if "historical" not in kinds:
        return None
    return sum(int(history.look_up(part).known.sum()) for part in in_parts(arrays.test_negatives))


def _num_returning(history: EdgeHistory, as_of: int, cut_valid: int) -> int:
    """Return how many edges were there by the cut, and came back after it: links, but no fresh ones, so not tested."""
    back = (history.first_seen <= cut_valid) & (history.alive_since > cut_valid)
    return int((back & history.alive_at(as_of)).sum())


def _aware(time: int | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time, UTC)
