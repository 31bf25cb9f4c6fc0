from __future__ import annotations

import warnings

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from torch_geometric.data import Data, HeteroData

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.graphs import GraphInput, as_data, edge_weights, read_graph
from ncnc_core.inputs.node_ids import Positions
from tests.fixtures.evolving_graphs import random_events, same_times

NAMES = ["a", "b", "c", "d"]
SQUARE = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
FEATURES = torch.arange(8.0).view(4, 2)
WEIGHTS = [1.0, 2.0, 3.0, 4.0]


def table() -> pd.DataFrame:
    return pd.DataFrame({"source": list("abcd"), "target": list("bcda"), "w": WEIGHTS})


def square() -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from((name, {"x": row[0], "y": row[1]}) for name, row in zip(NAMES, FEATURES.tolist(), strict=True))
    graph.add_weighted_edges_from(zip("abcd", "bcda", WEIGHTS, strict=True), weight="w")
    return graph


def data() -> Data:
    both = torch.cat([SQUARE, SQUARE.flip(0)], 1)
    found = Data(x=FEATURES, edge_index=both, num_nodes=4, edge_weight=torch.tensor(WEIGHTS * 2))
    found.node_id = NAMES
    return found


def adjacency() -> Adjacency:
    return Adjacency.from_edges(SQUARE, 4, torch.tensor(WEIGHTS))


@pytest.mark.parametrize(
    "graph",
    [
        read_graph(Positions(SQUARE), FEATURES, NAMES, edge_weight=WEIGHTS),
        read_graph(Positions(SQUARE.T.numpy()), FEATURES.numpy(), np.array(NAMES), edge_weight=torch.tensor(WEIGHTS)),
        read_graph(list(zip("abcd", "bcda", strict=True)), FEATURES, NAMES, edge_weight=np.array(WEIGHTS)),
        read_graph(table(), FEATURES, NAMES, edge_weight="w"),
        read_graph(table().iloc[::-1], pd.DataFrame(FEATURES, index=NAMES), edge_weight="w"),
        read_graph(
            table().rename(columns={"source": "u", "target": "v"}),
            FEATURES,
            NAMES,
            edge_weight="w",
            source="u",
            target="v",
        ),
        read_graph(square(), ["x", "y"], edge_weight="w"),
        read_graph(square(), FEATURES, edge_weight="w"),
        read_graph(square().to_directed(), pd.DataFrame(FEATURES, index=NAMES), NAMES, edge_weight="w"),
        read_graph(data()),
        read_graph(as_data(adjacency(), FEATURES, NAMES)),
    ],
    ids=[
        "tensor",
        "arrays",
        "list",
        "table",
        "tables",
        "renamed",
        "networkx",
        "networkx-tensor",
        "networkx-table",
        "data",
        "own-data",
    ],
)
def test_every_form_gives_the_same_graph(graph: GraphInput) -> None:
    assert graph.num_nodes == 4
    assert graph.node_ids == NAMES
    assert graph.features is not None
    assert graph.features.tolist() == FEATURES.tolist()
    found = graph.adjacency()
    assert found.edges().tolist() == adjacency().edges().tolist()
    assert found.weight is not None
    assert found.weight.tolist() == adjacency().weight.tolist()  # type: ignore[union-attr]


def test_without_ids_positions_are_ids_and_the_highest_counts_the_nodes() -> None:
    graph = read_graph(SQUARE[:, :2])
    assert (graph.num_nodes, graph.node_ids, graph.features, graph.weight) == (3, [0, 1, 2], None, None)
    assert read_graph(SQUARE[:, :2], torch.zeros(5, 1)).num_nodes == 5
    assert read_graph(Data(edge_index=SQUARE[:, :2], num_nodes=7)).node_ids == list(range(7))


def test_ids_of_a_table_are_the_nodes_sorted_whatever_the_order_of_the_rows() -> None:
    forth = read_graph(pd.DataFrame({"source": [30, 10], "target": [20, 30]}))
    back = read_graph(pd.DataFrame({"source": [10, 30], "target": [30, 20]}))
    assert forth.node_ids == back.node_ids == [10, 20, 30]
    assert torch.equal(forth.adjacency().edges(), back.adjacency().edges())


def test_both_directions_and_repeats_are_one_edge() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = read_graph(torch.cat([SQUARE, SQUARE, SQUARE.flip(0)], 1))
    assert graph.adjacency().num_edges == 4


def test_self_loops_are_dropped_with_a_warning_that_counts_them() -> None:
    with pytest.warns(UserWarning, match=r"1 of 5 edges join a node with itself and are dropped"):
        graph = read_graph(torch.cat([SQUARE, torch.tensor([[2], [2]])], 1))
    assert graph.adjacency().num_edges == 4


@pytest.mark.parametrize(
    "edges", [torch.zeros(2, 0, dtype=torch.int64), [], pd.DataFrame({"source": [], "target": []})]
)
def test_a_graph_without_edges_has_the_nodes_that_are_named(edges: object) -> None:
    graph = read_graph(edges, node_ids=NAMES)
    assert (graph.num_nodes, graph.adjacency().num_edges) == (4, 0)
    assert read_graph(edges).num_nodes == 0


def test_networkx_keeps_isolated_nodes_and_their_order() -> None:
    graph = nx.MultiGraph([(5, 3), (5, 3)])
    graph.add_node(1)
    found = read_graph(graph)
    assert found.node_ids == [5, 3, 1]
    assert found.adjacency().edges().tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((table(), FEATURES), {}, r"features has rows without ids\. Give node_ids in the order of the rows"),
        ((table(), None, ["a", "b", "c"]), {}, r"name 1 nodes of 4 that the graph does not have \(first: 'd'\)"),
        ((table(), pd.DataFrame({"x": [1.0]}, index=["a"])), {}, r"that the graph does not have \(first: 'b'\)"),
        ((SQUARE, None, list("aabc")), {}, r"4 node ids, 3 of them different"),
        ((SQUARE, FEATURES[:3]), {}, r"features has 3 rows, but the edges name position 3\. Give one row a node, 4 or"),
        (([(10**11, 5), (5, 6)],), {}, r"position 100000000000, but there are 2 edges.*ids, give a table.*node_ids"),
        ((Data(x=FEATURES[:3], edge_index=SQUARE),), {}, r"edges name position 3, but the graph has positions 0 to 2"),
        ((SQUARE,), {"edge_weight": [1.0]}, r"edge_weight has the shape \[1\] for 4 edges\. Give one number an edge"),
        ((SQUARE,), {"edge_weight": "w"}, r"edge_weight names 'w', but Tensor has no columns.*Give one number an edge"),
        ((SQUARE,), {"edge_weight": list("abcd")}, r"edge_weight holds what is no number \(.*'a'\)\. Give one number"),
        ((SQUARE, None, list("abcd")), {}, r"whose ids are text\. Whole numbers are ids\. If these are positions"),
        ((SQUARE + 1, None, range(4)), {}, r"edges name position 4, but the graph has positions 0 to 3"),
        ((table(),), {"edge_weight": "v"}, r"columns \['source', 'target', 'w'\]\. Name one of them"),
        ((square(), ["x", "z"]), {}, r"Node 'a' has no attribute 'z', only \['x', 'y'\]\. Set it everywhere"),
        ((square(),), {"edge_weight": "v"}, r"Edge 'a'-'b' has no attribute 'v'"),
        ((square(), None, list("abce")), {}, r"node_ids has 4 ids that are not the graph's 4 nodes\. Leave"),
        ((nx.Graph([((0, 1), (1, 1))]),), {}, r"place 0 of the graph's nodes holds \(0, 1\) \(tuple\)"),
        ((HeteroData(),), {}, r"HeteroData has no single edge_index.*to_homogeneous"),
        ((Data(x=FEATURES),), {}, r"Data has no single edge_index or adj_t"),
        ((42,), {}, r"not as int\. Convert"),
    ],
)  # fmt: skip
def test_what_is_no_graph_is_refused_with_the_remedy(
    arguments: tuple[object, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidGraph, match=message):
        read_graph(*arguments, **options).adjacency()  # type: ignore[arg-type]


def test_data_leaves_out_what_the_graph_does_not_have() -> None:
    found = as_data(Adjacency.from_edges(SQUARE, 5), None, range(5))
    assert sorted(found.keys()) == ["edge_index", "num_nodes"]
    assert found.is_undirected()
    assert not found.has_self_loops()


def test_weights_come_as_float32_one_an_edge() -> None:
    found = edge_weights([1, 2], 2)
    assert found is not None
    assert (found.dtype, found.tolist()) == (torch.float32, [1.0, 2.0])
    assert edge_weights(None, 2) is None


def test_high_positions_are_taken_where_something_says_how_many_nodes_there_are() -> None:
    far = torch.tensor([[0], [10_000]])
    with pytest.raises(InvalidGraph, match=r"position 10000, but there are 1 edges"):
        read_graph(far)
    assert read_graph(far - torch.tensor([[0], [1]])).num_nodes == 10_000
    for graph in (
        read_graph(far, torch.zeros(10_001, 1)),
        read_graph(far, node_ids=range(10_001)),
        read_graph(Data(edge_index=far, num_nodes=10_001)),
    ):
        assert graph.num_nodes == 10_001


def test_an_edge_array_that_may_not_be_written_is_read_without_a_warning() -> None:
    edges = SQUARE.numpy().copy()
    edges.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_graph(edges).adjacency().num_edges == 4


def test_numbers_beside_ids_are_ids_and_without_any_they_number_the_nodes() -> None:
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=[2, 1, 0])
    found = read_graph([(2, 1), (1, 0)], table)
    assert (found.node_ids, found.edges.tolist()) == ([2, 1, 0], [[0, 1], [1, 2]])
    assert read_graph(np.array([[7], [9]]), node_ids=[9, 8, 7]).edges.tolist() == [[2], [0]]
    assert read_graph([(2, 1), (1, 0)]).node_ids == [0, 1, 2]


@pytest.mark.parametrize(
    ("graph", "count"),
    [
        (nx.DiGraph([(0, 1), (1, 0), (1, 2)]), "1 of 2"),
        (Data(edge_index=torch.tensor([[0, 1], [1, 2]])), "2 of 2"),
        (Data(edge_index=torch.tensor([[0, 1, 1], [1, 0, 2]])), "1 of 2"),
        (scipy.sparse.csc_array(np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]])), "1 of 2"),
        ([(0, 1), (1, 0), (1, 2), (2, 0)], "2 of 3"),
        (pd.DataFrame({"source": list("aba"), "target": list("bac")}), "1 of 2"),
    ],
    ids=["digraph", "data", "mixed-data", "matrix", "list", "table"],
)
def test_a_direction_that_is_dropped_is_said(graph: object, count: str) -> None:
    with pytest.warns(UserWarning, match=rf"{count} edges are given in one direction only.*direction is dropped"):
        read_graph(graph)


@pytest.mark.parametrize(
    "graph",
    [
        nx.DiGraph([(0, 1), (1, 0)]),
        nx.Graph([(1, 0), (1, 2)]),
        Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=2),
        [(1, 0), (1, 2), (0, 2), (1, 2)],
        [(1, 0), (0, 1)],
    ],
)
def test_a_graph_without_direction_is_read_in_silence(graph: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_graph(graph)


def test_repeats_are_later_events_where_there_are_times() -> None:
    graph = read_graph([("a", "b"), ("b", "c"), ("b", "a")], time=[5, 6, 9])
    times = graph.adjacency().times
    assert times is not None
    assert times.first.tolist() == [5, 5, 6, 6]
    assert times.last.tolist() == [9, 9, 6, 6]
    assert times.events.tolist() == [2, 2, 1, 1]
    history = graph.history
    assert history is not None
    assert history.first_seen.tolist() == [5, 6]
    assert read_graph([("a", "b")]).history is None
    assert read_graph([("a", "b")]).adjacency().times is None


def test_the_graph_is_that_of_its_history_at_the_end() -> None:
    ends, time = random_events(3)
    with pytest.warns(UserWarning, match="join a node with itself and are dropped"):
        graph = read_graph(ends, time=time)
    assert graph.directed
    history, found = graph.history, graph.adjacency()
    assert history is not None
    expected = history.graph_at(99)
    assert torch.equal(found.column, expected.column)
    assert same_times(found.times, expected.times)


@pytest.mark.filterwarnings("ignore:.*direction")
def test_an_edge_of_data_in_both_directions_is_one_event_a_time() -> None:
    edges = torch.tensor([[0, 1, 1, 2, 0, 1], [1, 0, 2, 1, 1, 0]])
    data = Data(edge_index=edges, num_nodes=3, edge_time=torch.tensor([5, 5, 6, 6, 9, 8]))
    times = read_graph(data).adjacency().times
    assert times is not None
    assert times.events.tolist() == [3, 3, 1, 1]  # of 0-1 at 5, 8 and 9
    listed = read_graph([(0, 1), (1, 0)], time=[5, 5]).adjacency().times
    assert listed is not None
    assert listed.events.tolist() == [2, 2]  # a list holds each event once
    weighted = Data(
        edge_index=edges[:, :2], num_nodes=2, edge_time=torch.tensor([5, 5]), edge_weight=torch.tensor([1.0, 2.0])
    )
    with pytest.raises(InvalidGraph, match=r"two weights|weigh"):  # one weight an edge, also where it has times
        read_graph(weighted).adjacency()


def test_data_of_a_graph_brings_its_times_back() -> None:
    graph = read_graph([("a", "b"), ("b", "c")], time=[5, 6])
    data = as_data(graph.adjacency(), None, graph.node_ids)
    assert same_times(read_graph(data).adjacency().times, graph.adjacency().times)


def test_edges_without_times_cannot_be_added_to_those_that_have_them() -> None:
    graph, more = read_graph([(0, 1)], time=[5]), torch.tensor([[0], [1]])
    with pytest.raises(InvalidGraph, match=r"valid was given without times, and the edges have them\. Leave valid out"):
        graph.with_edges(more, "temporal_ncn")
    with pytest.raises(InvalidGraph, match=r"edges have them\. ncnc reads no times: leave time out, or choose"):
        graph.with_edges(more, "ncnc")


@pytest.mark.parametrize(
    ("graph", "time", "directed"),
    [
        ([(0, 1), (1, 0), (1, 2)], [5, 6, 7], True),  # some both ways, others one
        ([(0, 1), (1, 2)], [5, 6], False),
        (Data(edge_index=torch.tensor([[0, 1], [1, 2]]), num_nodes=3), [5, 6], True),
        (Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=2), [5, 5], False),
    ],
)
def test_directions_are_kept_where_there_are_times_and_the_edges_say_any(
    graph: object, time: list[int], directed: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_graph(graph, time=time)
    times = found.adjacency().times
    assert times is not None
    assert found.directed == (times.sent is not None) == directed


def test_whether_a_graph_is_directed_may_be_said() -> None:
    pairs, time = [(0, 1), (1, 0), (2, 1)], [5, 5, 7]
    with pytest.warns(UserWarning, match="1 of 2 edges are given in one direction only"):
        assert read_graph(pairs, time=time, directed=False).adjacency().times.sent is None  # type: ignore[union-attr]
    times = read_graph(pairs[1:], time=time[1:], directed=True).adjacency().times
    assert times is not None
    assert times.sent is not None
    assert (times.sent.tolist(), times.events.tolist()) == ([0, 1, 0, 1], [1, 1, 1, 1])
    assert not read_graph(pairs[:2], directed=True).directed  # without times nothing reads it
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=2, edge_time=torch.tensor([5, 5]))
    both = read_graph(data, directed=True).adjacency().times
    assert both is not None
    assert both.sent is not None
    assert both.sent.tolist() == [1, 1]  # one event each way, and not one for both
