from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch_geometric.data import Data

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.labelled_pairs import labelled_pairs, require_labels_in_graph

EDGES = torch.tensor([[0, 1], [1, 2]])
LABELLED = torch.tensor([[0, 1, 0, 1], [1, 2, 3, 3]])


def data(**fields: torch.Tensor) -> Data:
    return Data(edge_index=EDGES, num_nodes=4, **fields)


@pytest.mark.parametrize(
    "given",
    [
        data(edge_label_index=LABELLED, edge_label=torch.tensor([1.0, 1, 0, 0])),
        data(pos_edge_label_index=LABELLED[:, :2], neg_edge_label_index=LABELLED[:, 2:]),
    ],
    ids=["together", "apart"],
)
def test_edges_and_negatives_come_apart(given: Data) -> None:
    found = labelled_pairs(given)
    assert found is not None
    assert found.edges.values.tolist() == [[0, 1], [1, 2]]
    assert found.negatives.values.tolist() == [[0, 1], [3, 3]]
    assert found.beside(None) == (found.edges, found.negatives)
    with pytest.raises(InvalidGraph, match=r"negatives of its own, and others were given too\. Leave one"):
        found.beside([(0, 3)])


def test_without_negatives_there_are_none_and_others_may_be_given() -> None:
    found = labelled_pairs(data(edge_label_index=EDGES, edge_label=torch.ones(2)))
    assert found is not None
    assert found.negatives is None
    assert found.beside([(0, 3)])[1] == [(0, 3)]


def test_pairs_and_tables_are_no_data_and_data_without_labels_is_refused() -> None:
    assert labelled_pairs([(0, 1)]) is None
    assert labelled_pairs(pd.DataFrame({"source": [1], "target": [2], "edge_index": [3]})) is None
    with pytest.raises(InvalidGraph, match=r"no labelled pairs, only \['edge_index', 'num_nodes'\]\. Give what Random"):
        labelled_pairs(data())


def test_labels_that_the_training_graph_lacks_are_refused() -> None:
    graph = Adjacency.from_edges(EDGES, 4)
    require_labels_in_graph(data(), graph.has)
    require_labels_in_graph(EDGES, graph.has)
    require_labels_in_graph(data(edge_label_index=LABELLED, edge_label=torch.tensor([1.0, 1, 0, 0])), graph.has)
    with pytest.raises(InvalidGraph, match=r"1 of 3 labelled training edges are not in the graph.*ratio=0\.0"):
        require_labels_in_graph(data(edge_label_index=LABELLED, edge_label=torch.tensor([1.0, 1, 1, 0])), graph.has)
