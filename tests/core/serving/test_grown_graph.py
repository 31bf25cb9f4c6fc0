from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pandas as pd
import pytest
import torch

from ncnc_core.config.model import ModelConfig, NodeEmbedding
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.inputs.node_ids import Positions
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.serving.grown_graph import grown_graph, replaced_graph
from ncnc_core.serving.saved_model import ModelParts

SQUARE = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
FEATURES = torch.arange(8.0).view(4, 2)
NEW_ROW = pd.DataFrame([[9.0, 9.0]], index=["e"])


def parts(
    features: torch.Tensor | None = FEATURES, weight: torch.Tensor | None = None, node_embedding: NodeEmbedding = "off"
) -> ModelParts:
    config = ModelConfig(hidden_channels=4, node_embedding=node_embedding)
    network = LinkNetwork(config, num_features=0 if features is None else 2, num_ids=4)
    return ModelParts(config, network, Adjacency.from_edges(SQUARE, 4, weight), features, list("abcd"))


def test_another_graph_on_the_same_nodes_keeps_their_features() -> None:
    known = parts()
    table = pd.DataFrame({"source": ["a"], "target": ["c"]})
    for edges in (Positions(torch.tensor([[0], [2]])), [("a", "c")], table, table.assign(nodes=1, edge_index=2)):
        found = replaced_graph(known, edges, None, None, None)
        assert found.node_ids == known.node_ids
        assert found.features is known.features
        assert found.adjacency().edges().tolist() == [[0], [2]]


def test_new_ids_of_the_edges_become_nodes_behind_the_known_ones() -> None:
    found = replaced_graph(parts(None), [("z", "a"), ("y", "z")], None, None, None)
    assert found.node_ids == ["a", "b", "c", "d", "y", "z"]
    with pytest.raises(
        InvalidGraph, match=r"2 of 6 nodes are new to the model and have no features \(first: 'y'\)\. Give"
    ):
        replaced_graph(parts(), [("z", "a"), ("y", "z")], None, None, None)


def test_a_graph_that_brings_its_nodes_takes_their_features_by_id() -> None:
    for own in (FEATURES, FEATURES.to_sparse_csr()):
        found = replaced_graph(parts(own), nx.Graph([("d", "b")]), None, None, None)
        assert found.node_ids == ["d", "b"]
        assert found.features is not None
        assert found.features.to_dense().tolist() == [[6.0, 7.0], [2.0, 3.0]]
    table = pd.DataFrame([[1.0, 1.0], [2.0, 2.0]], index=["d", "q"])
    brought = replaced_graph(parts(), [("d", "q")], table, None, None)
    assert brought.node_ids == ["d", "q"]
    assert brought.features is not None
    assert brought.features.tolist() == [[1.0, 1.0], [2.0, 2.0]]


def test_learnt_vectors_stay_with_their_nodes_or_are_refused() -> None:
    known = parts(None, node_embedding="only")
    assert replaced_graph(known, [("a", "z")], None, None, None).node_ids == ["a", "b", "c", "d", "z"]
    with pytest.raises(InvalidGraph, match=r"a vector for each of 4 nodes by its place.*begin with the model's own"):
        replaced_graph(known, [("a", "b")], None, ["b", "a", "c", "d"], None)


def test_nodes_and_edges_are_added_and_removed() -> None:
    found, _ = grown_graph(parts(), [("e", "a"), ("b", "d")], None, NEW_ROW, None, [("a", "b")])
    assert found.node_ids == list("abcde")
    assert found.features is not None
    assert found.features[4].tolist() == [9.0, 9.0]
    assert found.adjacency.edges().tolist() == [[0, 0, 1, 1, 2], [3, 4, 2, 3, 3]]


class Walked(list[str]):
    """Ids of a model that are not searched once for each new node."""

    def __contains__(self, one: object) -> bool:
        raise AssertionError(f"{one} was searched for among all ids")

    def index(self, *_: object) -> int:
        raise AssertionError("an id was searched for among all")


def test_new_nodes_are_added_without_a_search_for_each() -> None:
    known = replace(parts(None), node_ids=Walked("abcd"))
    found, _ = grown_graph(known, [("e", "a"), ("f", "b")], ["e", "f"], None, None, [("a", "b")])
    assert list(found.node_ids) == list("abcdef")
    assert replaced_graph(known, [("z", "a")], None, None, None).node_ids == list("abcdz")


def test_edges_between_known_nodes_need_nothing_else() -> None:
    known = parts()
    found, _ = grown_graph(known, Positions(torch.tensor([[0], [2]])), None, None, None, None)
    assert found.features is known.features
    assert found.adjacency.num_edges == 5


def test_sparse_features_grow_sparse() -> None:
    found, _ = grown_graph(parts(FEATURES.to_sparse_csr()), None, ["e"], torch.tensor([[9.0, 9.0]]), None, None)
    assert found.features is not None
    assert found.features.layout == torch.sparse_csr
    assert found.features.to_dense()[4].tolist() == [9.0, 9.0]


def test_weights_are_kept_and_an_edge_without_one_weighs_one() -> None:
    known = parts(weight=torch.tensor([2.0, 3.0, 4.0, 5.0]))

    def weights(**options: object) -> dict[tuple[int, int], float]:
        settings: dict[str, object] = {"new_nodes": None, "features": None, "edge_weight": None, "removed_edges": None}
        found = grown_graph(known, **{**settings, **options})[0].adjacency  # type: ignore[arg-type]
        assert found.weight is not None
        upper = found.row < found.column
        return dict(zip(map(tuple, found.edges().T.tolist()), found.weight[upper].tolist(), strict=True))

    before = {(0, 1): 2.0, (1, 2): 3.0, (2, 3): 4.0, (0, 3): 5.0}
    assert weights(new_edges=[("a", "c"), ("b", "a")]) == before | {(0, 2): 1.0}  # b - a is there, and keeps its own
    assert weights(new_edges=[("a", "c")], edge_weight=[7.0]) == before | {(0, 2): 7.0}
    assert weights(new_edges=[("a", "b")], edge_weight=[7.0], removed_edges=[("a", "b")]) == before | {(0, 1): 7.0}
    with pytest.raises(InvalidGraph, match=r"edge 0-1 comes twice, with the weights 2\.0 and 7\.0"):
        weights(new_edges=[("a", "b")], edge_weight=[7.0])


@pytest.mark.parametrize(
    ("new_edges", "new_nodes", "features", "message"),
    [
        ([("a", "e")], None, None, r"new_edges name 1 nodes of 2 that the graph does not have \(first: 'e'\)"),
        (None, ["e"], None, r"1 of 1 nodes are new to the model and have no features \(first: 'e'\)\. Give features"),
        (None, ["e"], torch.zeros(1, 3), r"features of shape \[1, 3\], and those of the model's nodes are \[4, 2\]"),
        (
            None,
            ["e", "b"],
            torch.zeros(2, 2),
            r"1 of 2 new nodes are nodes of the model already \(first: 'b'\)\. Leave",
        ),
        (
            None,
            [7, 8],
            torch.zeros(2, 2),
            r"ids are text, and those of 2 new nodes are whole numbers \(first: 7\)\. Conv",
        ),
        (None, ["e", "f"], torch.zeros(1, 2), r"1 rows for 2 nodes"),
    ],
)
def test_what_does_not_fit_the_graph_is_refused(
    new_edges: object, new_nodes: list[str] | list[int] | None, features: object, message: str
) -> None:
    with pytest.raises(InvalidGraph, match=message):
        grown_graph(parts(), new_edges, new_nodes, features, None, None)


def test_features_for_a_graph_without_any_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"for 1 new nodes, but the model has none\. Leave them out"):
        grown_graph(parts(None), None, None, NEW_ROW, None, None)


@pytest.mark.parametrize(("pair", "position"), [((-1, 0), "-1"), ((4, 0), "4"), ((10**8, 0), "100000000")])
@pytest.mark.parametrize("what", ["new_edges", "removed_edges"])
def test_positions_beyond_the_nodes_are_refused(pair: tuple[int, int], position: str, what: str) -> None:
    new, removed = (Positions([pair]), None) if what == "new_edges" else (None, Positions([pair]))
    message = rf"{what} name position {position}, but the graph has.*0 to 3\. New nodes.*Correct the positions"
    with pytest.raises(InvalidGraph, match=message):
        grown_graph(parts(), new, None, None, None, removed)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            [("a", "b"), ("a", "c")],
            r"names 1 of 2 pairs that are no edges of the graph \(first: \('a', 'c'\)\)\. L",
        ),
        ([("e", "a")], r"1 of 1 pairs that are no edges of the graph \(first: \('e', 'a'\)\)"),
        ([(0, 1)], r"removed_edges name 2 nodes of 2.*If these are positions, 0 to 4, say so"),
    ],
)
def test_to_remove_what_is_no_edge_is_refused(pairs: object, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        grown_graph(parts(), None, None, NEW_ROW, None, pairs)


def test_weights_and_features_for_nothing_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"edge_weight was given without new_edges\. Give the edges"):
        grown_graph(parts(), None, None, None, [1.0], [("a", "b")])
    with pytest.raises(InvalidGraph, match=r"features were given without new nodes\. Name the nodes in new_nodes"):
        grown_graph(parts(), [("a", "c")], None, torch.zeros(1, 2), None, None)


def numbered(ids: list[int]) -> ModelParts:
    return replace(parts(None), node_ids=ids)


def test_positions_of_before_are_no_new_nodes() -> None:
    known = numbered([101, 102, 103, 104])
    with pytest.raises(InvalidGraph, match=r"name 4 nodes that the model does not know.*If these are positions"):
        replaced_graph(known, SQUARE, None, None, None)
    assert replaced_graph(known, Positions(SQUARE), None, None, None).edges.tolist() == SQUARE.tolist()
    assert replaced_graph(known, SQUARE + 101, None, None, None).edges.tolist() == SQUARE.tolist()
    assert replaced_graph(known, [(101, 999)], None, None, None).node_ids == [101, 102, 103, 104, 999]
    with pytest.raises(InvalidGraph, match=r"ids are text, and those of 2 new nodes are whole numbers \(first: 70\)"):
        replaced_graph(parts(None), [(70, 71)], None, None, None)


def test_columns_of_a_table_may_have_other_names() -> None:
    table = pd.DataFrame({"from": ["a"], "to": ["c"]})
    assert replaced_graph(parts(), table, None, None, None, source="from", target="to").edges.tolist() == [[0], [2]]


def timed_parts() -> ModelParts:
    config = ModelConfig(predictor="temporal_ncn", hidden_channels=4)
    graph = EventHistory.of_events(SQUARE, torch.tensor([10, 20, 30, 40]), 4).graph_at(40)
    return ModelParts(config, TemporalNetwork(config, num_features=0), graph, None, list("abcd"))


def test_edges_that_are_new_or_known_bring_their_times() -> None:
    found, _ = grown_graph(timed_parts(), [("b", "a"), ("e", "a")], ["e"], None, None, None, [60, 70])
    times = found.adjacency.times
    assert times is not None
    own = times.kept(found.adjacency.row < found.adjacency.column)
    assert found.adjacency.edges().T.tolist() == [[0, 1], [0, 3], [0, 4], [1, 2], [2, 3]]
    assert own.first.tolist() == [10, 40, 70, 20, 30]
    assert own.last.tolist() == [60, 40, 70, 20, 30]
    assert own.events.tolist() == [2, 1, 1, 1, 1]
    assert own.arrivals.tolist() == [10, 20, 30, 40, 70]


def test_a_removed_edge_stays_in_the_clock() -> None:
    found, _ = grown_graph(timed_parts(), None, None, None, None, [("a", "b")])
    assert found.adjacency.num_edges == 3
    assert found.adjacency.times is not None
    assert found.adjacency.times.arrivals.tolist() == [10, 20, 30, 40]


def test_another_graph_has_a_clock_of_its_own() -> None:
    found = replaced_graph(timed_parts(), [("a", "b"), ("a", "c")], None, None, None, [5, 6]).adjacency()
    assert found.times is not None
    assert found.times.arrivals.tolist() == [5, 6]


def test_edges_without_times_are_refused_where_the_model_reads_them() -> None:
    known = timed_parts()
    with pytest.raises(
        InvalidGraph, match=r"reads when edges came, but the new edges have no times\. Give time, one an"
    ):
        grown_graph(known, [("a", "c")], None, None, None, None)
    with pytest.raises(InvalidGraph, match=r"reads when edges came, but this graph's edges have no times\. Give time"):
        replaced_graph(known, [("a", "c")], None, None, None)
    with pytest.raises(InvalidGraph, match=r"time was given without new_edges\. Give the edges that it belongs to"):
        grown_graph(known, None, None, None, None, None, [5])
    with pytest.raises(InvalidGraph, match=r"time has the shape \[2\] for 1 edges"):
        grown_graph(known, [("a", "c")], None, None, None, None, [5, 6])


def test_a_model_that_reads_no_times_grows_on_a_graph_that_has_them() -> None:
    graph = replaced_graph(parts(), [("a", "b"), ("b", "c")], None, None, None, [5, 6])
    known = replace(parts(), adjacency=graph.adjacency())
    found = grown_graph(known, [("a", "c")], None, None, None, None)[0].adjacency
    assert found.times is not None
    assert found.times.arrivals.tolist() == [5, 6, 6]
