"""What a run has left by the time its model is trained, and what an evaluation reads of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.training.data import TemporalData
from pipeline.doors import Doors
from pipeline.evaluation.comparison import FreshPairs
from pipeline.evaluation.slices import Slice, slices_of
from pipeline.evaluation.warm_and_cold import unknown_nodes
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.certificate import edge_history
from pipeline.splits.event_times import temporal_data, testing_graph
from pipeline.splits.known_features import features_for


@dataclass(frozen=True, eq=False)
class TrainedNight:
    """What a run has left by the time its model is trained."""

    folder: RunFolder
    snapshot: GraphSnapshot
    split: EdgeSplit
    trained: TrainedModel
    tables: GraphTables
    arrays: SplitArrays

    @classmethod
    def read(cls, folder: RunFolder, doors: Doors) -> TrainedNight:
        """Read the records, the graph and the split, each verified by its digests."""
        records = folder.get(GraphSnapshot), folder.get(EdgeSplit), folder.get(TrainedModel)
        return cls(folder, *records, snapshot_tables(folder, doors), split_arrays(folder, doors))

    @cached_property
    def graph(self) -> Adjacency:
        """The message graph of the split's test side; the graph that a model carries to serve on plays no part."""
        return testing_graph(self.tables, self.arrays, self.split)

    @cached_property
    def history(self) -> EdgeHistory:
        """Every edge that a snapshot ever held."""
        return edge_history(self.tables)

    @cached_property
    def times(self) -> TemporalData | None:
        """What happened up to the end of the validation window, where time divides the edges."""
        return temporal_data(self.tables, self.split)

    @property
    def window(self) -> float | None:
        """How many new edges the validation window had, in which ages are told; None where times divide no edges."""
        if self.times is None or self.graph.times is None:
            return None
        return float(self.times.window)

    @cached_property
    def features(self) -> Tensor | None:
        """The node features that were known at the cut before the test edges."""
        return features_for(self.tables, self.split, "testing")

    @property
    def unknown(self) -> Tensor | None:
        """The nodes that no model can tell apart; None where they have features."""
        return None if self.features is not None else unknown_nodes(self.graph, self.history, self.split.cut_valid)

    def slices_of(self, pairs: FreshPairs) -> tuple[Slice, ...]:
        """Divide the positives of some of the test pairs in every way that the night allows."""
        return slices_of(
            pairs.positives,
            pairs.first_seen,
            self.graph,
            self.history,
            cut_train=self.split.cut_train,
            cut_valid=self.split.cut_valid,
            previous_as_of=self.snapshot.previous_as_of,
            window=self.window,
        )
