import pandas as pd

from pipeline.graphs.id_reuse import reused_ids
from pipeline.sources.delivery import Delivery
from tests.fixtures.checked_nights import changed
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, ring


def reused(tonight: Delivery, *earlier: Delivery) -> list[object]:
    change, _ = changed(tonight, *earlier)
    mask = reused_ids(change, changed(earlier[-1], *earlier[:-1])[0].graph)
    ids: list[object] = change.graph.tables.node_ids[mask].tolist()
    return ids


def tables(edges: pd.DataFrame, **values: list[float]) -> Delivery:
    """Deliver a graph whose node features are the given columns, else those of nodes_of."""
    return delivered(edges, nodes_of(edges).assign(**values))


def without(edges: pd.DataFrame, node: int) -> pd.DataFrame:
    return edges[(edges["source"] != node) & (edges["target"] != node)].reset_index(drop=True)


def test_unchanged_graph_reuses_no_id() -> None:
    assert reused(tables(ring(6)), tables(ring(6))) == []


def test_id_that_comes_back_with_other_features_is_reused() -> None:
    gone = delivered(without(ring(6), 3), nodes_of(ring(6)).query("node != 3"))
    other = nodes_of(ring(6))
    other.loc[other["node"] == 3, ["rank", "square"]] = [77.0, 78.0]
    assert reused(delivered(ring(6), other), tables(ring(6)), gone) == [3]
    assert reused(tables(ring(6)), tables(ring(6)), gone) == []  # as it left


def test_id_that_comes_back_among_strangers_is_reused() -> None:
    whole = ring(6)
    elsewhere = pd.concat([without(whole, 3), pd.DataFrame({"source": [3, 3], "target": [0, 5]})], ignore_index=True)
    assert reused(delivered(elsewhere), delivered(whole), delivered(without(whole, 3))) == [3]
    one_old = pd.concat([without(whole, 3), pd.DataFrame({"source": [3, 3], "target": [0, 4]})], ignore_index=True)
    assert reused(delivered(one_old), delivered(whole), delivered(without(whole, 3))) == []


def test_node_whose_features_all_change_at_once_is_reused() -> None:
    other = nodes_of(ring(6))
    other.loc[2, ["rank", "square"]] = [77.0, 78.0]
    assert reused(delivered(ring(6), other), tables(ring(6))) == [2]
    other = nodes_of(ring(6))
    other.loc[2, "rank"] = 77.0  # one feature moved, as features do
    assert reused(delivered(ring(6), other), tables(ring(6))) == []


def test_features_computed_anew_for_most_nodes_say_nothing_of_a_single_one() -> None:
    moved = tables(ring(6), rank=[float(i) + 10 for i in range(6)], square=[float(i) + 20 for i in range(6)])
    assert reused(moved, tables(ring(6))) == []


def test_single_feature_may_change_at_every_node() -> None:
    table = nodes_of(ring(6))[["node", "rank"]]
    assert reused(delivered(ring(6), table.assign(rank=[9.0, 1, 2, 3, 4, 5])), delivered(ring(6), table)) == []


def test_node_that_never_had_an_edge_has_no_earlier_life() -> None:
    lone = pd.concat([nodes_of(ring(6)), pd.DataFrame({"node": [9], "rank": [9.0], "square": [81.0]})])
    linked = pd.concat([ring(6), pd.DataFrame({"source": [9], "target": [0]})], ignore_index=True)
    assert reused(delivered(linked, lone), delivered(ring(6), lone), tables(ring(6))) == []


def test_node_whose_row_comes_a_night_late_is_not_reused() -> None:
    late = delivered(ring(6), nodes_of(ring(6)).query("node != 3"))
    assert reused(tables(ring(6)), late) == []  # its zeros were no features of its own


def test_features_of_other_columns_say_nothing_of_a_node() -> None:
    gone = delivered(without(ring(6), 3), nodes_of(ring(6)).query("node != 3"))
    renamed = nodes_of(ring(6)).rename(columns={"rank": "place", "square": "size"}).assign(place=9.0, size=9.0)
    assert reused(delivered(ring(6), renamed), tables(ring(6)), gone) == []
