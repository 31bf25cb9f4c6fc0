from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from torch_geometric.data import Data

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.graph_parts import graph_parts, names_its_nodes
from ncnc_core.inputs.graphs import GraphInput, read_graph
from ncnc_core.inputs.node_ids import Positions

NAMES = ["a", "b", "c", "d"]
MATRIX = scipy.sparse.coo_matrix(
    ([2.0, 3.0, 4.0, 2.0, 3.0, 4.0, 0.0], ([0, 1, 2, 1, 2, 3, 0], [1, 2, 3, 0, 1, 2, 3])), shape=(4, 4)
)
DENSE = torch.from_numpy(MATRIX.toarray()).float()


class SparseTensor:
    """The part of torch_sparse's SparseTensor that is read."""

    def sparse_sizes(self) -> tuple[int, int]:
        return (4, 4)

    def coo(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        coo = DENSE.to_sparse()
        return (*coo.indices(), coo.values())


@pytest.mark.parametrize(
    "matrix",
    [
        MATRIX,
        MATRIX.tocsr(),
        MATRIX.tocsc(),
        MATRIX.tolil(),
        scipy.sparse.csc_array(MATRIX),
        DENSE.to_sparse(),
        DENSE.to_sparse_csr(),
        DENSE.to_sparse_csc(),
        SparseTensor(),
        Data(adj_t=DENSE.to_sparse_csr()),
        Data(adj_t=SparseTensor()),
    ],
    ids=[
        "coo",
        "csr",
        "csc",
        "lil",
        "array",
        "torch-coo",
        "torch-csr",
        "torch-csc",
        "sparse-tensor",
        "adj_t",
        "adj_t2",
    ],
)
def test_every_sparse_matrix_gives_the_same_graph_with_its_weights(matrix: object) -> None:
    found = read_graph(matrix, node_ids=NAMES)
    assert (found.num_nodes, found.node_ids) == (4, NAMES)
    adjacency = found.adjacency()
    assert adjacency.edges().tolist() == [[0, 1, 2], [1, 2, 3]]  # the zero at (0, 3) is no edge
    assert adjacency.weight is not None
    assert adjacency.weight.tolist() == [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]


def test_a_matrix_of_ones_has_no_weights_and_takes_others() -> None:
    ones = MATRIX.astype(bool)
    assert read_graph(ones).weight is None
    assert read_graph(DENSE.bool().float().to_sparse_csr()).weight is None
    assert read_graph(ones, edge_weight=np.arange(6) + 1.0).weight is not None


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((scipy.sparse.eye_array(3, 4),), {}, r"shape \[3, 4\].*Give a square one"),
        ((MATRIX,), {"node_ids": list("abc")}, r"3 node ids for a sparse matrix of 4 rows\. Give one id a row"),
        ((MATRIX,), {"edge_weight": [1.0] * 6}, r"other values than ones, and edge_weight was given too\. Leave"),
        ((DENSE.triu().to_sparse() + 2 * DENSE.tril().to_sparse(),), {}, r"comes twice, with the weights 2\.0 and"),
        (([("a", "b")],), {"source": "from"}, r"source='from'.*list is no table\. Leave them out"),
        (
            (Data(edge_index=torch.tensor([[0, 1], [1, 0]]), wieght=torch.ones(2)),),
            {"edge_weight": "weight"},
            r"edge_weight names 'weight', but the Data has only \['edge_index', 'wieght'\]\. Name one of them",
        ),
    ],
)  # fmt: skip
def test_what_is_not_there_or_does_not_fit_is_refused(
    arguments: tuple[object, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidGraph, match=message):
        read_graph(*arguments, **options).adjacency()  # type: ignore[arg-type]


def test_a_weight_attribute_of_data_is_read_by_its_name() -> None:
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), strength=torch.tensor([3.0, 3.0]))
    found = read_graph(data, edge_weight="strength")
    assert found.weight is not None
    assert found.weight.tolist() == [3.0, 3.0]


def test_data_and_networkx_name_their_nodes_and_a_table_with_such_columns_does_not() -> None:
    assert names_its_nodes(nx.path_graph(3))
    assert names_its_nodes(Data(edge_index=torch.zeros(2, 0, dtype=torch.int64)))
    for name in ("nodes", "edges", "edge_index", "adj_t"):
        table = pd.DataFrame({"source": [1], "target": [2], "nodes": [5], name: [3]})
        assert not names_its_nodes(table)
        assert read_graph(table).node_ids == [1, 2]


def test_positions_may_come_as_a_table() -> None:
    table = pd.DataFrame({"from": [0, 1], "to": [1, 3], "w": [1.0, 2.0]})
    parts = graph_parts(Positions(table), None, NAMES, "w", source="from", target="to")  # type: ignore[arg-type]
    assert (parts.ends.values.tolist(), parts.ends.are_ids) == ([[0, 1], [1, 3]], False)
    assert list(parts.weight) == [1.0, 2.0]


TIMED = pd.DataFrame({"source": ["a", "b", "a"], "target": ["b", "c", "b"], "t": [5, 6, 9]})


def test_a_column_or_an_attribute_of_each_edge_is_its_time() -> None:
    graph = nx.Graph([("a", "b", {"t": "2026-03-01"}), ("b", "c", {"t": "2026-03-02"})])
    forms: list[GraphInput] = [
        read_graph(TIMED, time="t"),
        read_graph(TIMED, time=[5, 6, 9]),
        read_graph([("a", "b"), ("b", "c"), ("a", "b")], time=[5, 6, 9]),
    ]
    assert all(one.time is not None and one.time.tolist() == [5, 6, 9] for one in forms)
    dated = read_graph(graph, time="t")
    assert dated.time is not None
    assert dated.time.tolist() == [1_772_323_200, 1_772_409_600]


def test_times_of_data_are_edge_time_or_time_where_it_is_one_an_edge() -> None:
    edges, time = torch.tensor([[0, 1], [1, 2]]), torch.tensor([7, 8])
    read = [
        read_graph(Data(edge_index=edges, num_nodes=3, edge_time=time)),
        read_graph(Data(edge_index=edges, num_nodes=3, time=time)),
        read_graph(Data(edge_index=edges, num_nodes=3, stamp=time), time="stamp"),
        read_graph(Data(edge_index=edges, num_nodes=3, edge_time=time + 9), time=time),
    ]
    assert all(one.time is not None and one.time.tolist() == [7, 8] for one in read)
    for other in (torch.tensor([7, 8, 9]), torch.tensor(7), 7, None):  # one a node, one for all, none
        assert read_graph(Data(edge_index=edges, num_nodes=3, time=other)).time is None


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (TIMED, r"time names 'when', but the edges have the columns \['source', 'target', 't'\]\. Name one of them"),
        (
            Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2),
            r"names 'when', but the Data has only .*edge_time or time",
        ),
        (nx.Graph([("a", "b", {"t": 1})]), r"Edge 'a'-'b' has no attribute 'when', only \['t'\]"),
        ([(0, 1)], r"time names 'when', but list has no columns and no attributes\. Give one number an edge"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*direction")
def test_a_time_by_a_name_that_is_not_there_is_refused(edges: object, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        read_graph(edges, time="when")
