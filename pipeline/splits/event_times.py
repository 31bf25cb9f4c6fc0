"""When the edges of a snapshot came, as the core reads it, and the graphs that it makes at the cuts of a split."""

from __future__ import annotations

import torch

from ncnc_core.config.choices import USUAL_NEGATIVES, EvaluationNegative
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import FOREVER, EventHistory
from ncnc_core.training.data import TemporalData
from pipeline.errors import TamperedRecord
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import EdgeSplit
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.table_tensors import TableTensors

# Kinds of negatives that training meets where the evaluation has them; the others are found in files, or end at a cut.
LEARNT: tuple[EvaluationNegative, ...] = ("uniform", "degree_matched", "hard")


def event_history(tables: GraphTables) -> EventHistory:
    """Return every edge that a snapshot ever held with its events, and which way they went where it says that."""
    repeats = torch.tensor(tables.repeats.edge), torch.tensor(tables.repeats.time)
    ways = (tables.first_forward, tables.repeats.forward)
    forward = [None if way is None else torch.tensor(way) for way in ways] if ways[0] is not None else [None, None]
    return EventHistory(*TableTensors.of(tables), *repeats, tables.num_nodes, *forward)


def temporal_data(tables: GraphTables, split: EdgeSplit) -> TemporalData | None:
    """Return what a temporal model may learn from: nothing after the second cut; None where time does not divide."""
    if split.cut_train is None or split.cut_valid is None:
        return None
    train, valid = (int(cut.timestamp()) for cut in (split.cut_train, split.cut_valid))
    kinds = tuple(kind for kind in split.negative_kinds if kind in LEARNT)
    return TemporalData(event_history(tables).until(valid), train, valid, kinds or USUAL_NEGATIVES)


def has_test_times(split: EdgeSplit) -> bool:
    """Return whether the message graph of testing has times: where a split divides by a hash, it has none."""
    return split.method == "temporal" and split.cut_valid is not None


def testing_graph(tables: GraphTables, arrays: SplitArrays, split: EdgeSplit) -> Adjacency:
    """Return the message graph of testing, the same for every model compared, with times where time divides the edges.

    Raises:
        TamperedRecord: the split's message edges are not those that were alive at its cut.
    """
    graph = arrays.testing_graph(tables.num_nodes)
    if not has_test_times(split) or split.cut_valid is None:
        return graph
    timed = event_history(tables).graph_at(int(split.cut_valid.timestamp()))
    if not (torch.equal(graph.row_pointer, timed.row_pointer) and torch.equal(graph.column, timed.column)):
        raise TamperedRecord(
            f"The split's test graph has {graph.num_edges} edges, and {timed.num_edges} were alive at "
            f"{split.cut_valid:%Y-%m-%d %H:%M:%S}. It was changed after it was written; delete the run folder and let "
            f"the step make it again."
        )
    return timed


def serving_graph(tables: GraphTables, *, timed: bool) -> Adjacency:
    """Return the graph that a model serves on: all living edges, with their times where the model reads them."""
    if not timed:
        return Adjacency.from_edges(torch.from_numpy(tables.edges[:, tables.living]), tables.num_nodes)
    return event_history(tables).graph_at(FOREVER - 1)  # after every event and every removal
