from dataclasses import replace

import numpy as np
import pytest

from pipeline.checks.tables import MOST_CASES, table_checks
from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery, NodeTable
from tests.fixtures.checked_nights import AS_OF, checked, found
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, triangle_with_tail

NOW = int(AS_OF.timestamp())
PARAMS = SnapshotParams(feature_columns=("rank", "square"))


def good() -> Delivery:
    table = triangle_with_tail()
    return delivered(table.assign(time=NOW), nodes_of(table).assign(time=NOW))


def with_feature(value: float) -> Delivery:
    """Return the good delivery with another value of `square` at the third node."""
    delivery = good()
    assert delivery.nodes is not None
    assert delivery.nodes.features is not None
    features = delivery.nodes.features.copy()
    features[2, 1] = value
    return replace(delivery, nodes=replace(delivery.nodes, features=features))


def test_good_tables_pass_every_rule() -> None:
    results = {item.result.name: item.result for item in table_checks(good(), PARAMS, as_of=NOW)}
    assert set(results) == {
        "edge_ends", "edge_times", "node_ids", "node_times", "feature_values", "feature_range",
    }  # fmt: skip
    assert all(item.passed and item.observed == "0 fail" for item in results.values())
    assert results["feature_range"].threshold == "unbounded to unbounded"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_value_that_is_no_finite_number_is_refused_by_row_and_column(value: float) -> None:
    with pytest.raises(
        InvalidInput, match=r"feature_values: 1 feature values are NaN or infinite in nodes\.parquet "
        r"\(first: row 3, square = -?(nan|inf)\)\. Fill or leave out"
    ):  # fmt: skip
        checked(with_feature(value), params=PARAMS)


@pytest.mark.parametrize(("value", "passed"), [(-0.5, False), (0.0, True), (10.0, True), (10.5, False)])
def test_feature_must_lie_within_the_bounds(value: float, passed: bool) -> None:
    params = PARAMS.model_copy(update={"feature_minimum": 0.0, "feature_maximum": 10.0})
    if passed:
        assert found(checked(with_feature(value), params=params), "feature_range") == ("refuse", "0 fail", True)
        return
    with pytest.raises(
        InvalidInput, match=rf"feature_range: 1 feature values lie outside 0 to 10 .*row 3, square = {value}\).*widen"
    ):
        checked(with_feature(value), params=params)
    warned = checked(with_feature(value), params=params.model_copy(update={"warn_only": ("feature_range",)}))
    assert "feature_range" in warned.warnings


def test_node_that_stands_twice_is_refused() -> None:
    delivery = good()
    assert delivery.nodes is not None
    ids = delivery.nodes.ids.copy()
    ids[3] = ids[0]
    with pytest.raises(InvalidInput, match=r"node_ids: 1 ids are missing or repeated .*row 4, node = 10\).*one row"):
        checked(replace(delivery, nodes=replace(delivery.nodes, ids=ids)), params=PARAMS)


def test_missing_id_is_refused() -> None:
    nodes = NodeTable(np.array(["a", None], dtype=object))
    [node_ids] = [
        item for item in table_checks(replace(good(), nodes=nodes), PARAMS, as_of=NOW) if item.result.name == "node_ids"
    ]
    assert node_ids.refuses
    assert "row 2" in node_ids.result.observed


@pytest.mark.parametrize("moment", [-1, NOW + 1])
def test_times_outside_history_are_refused(moment: int) -> None:
    delivery = good()
    assert delivery.nodes is not None
    edges = replace(delivery, time=np.array([NOW, moment, NOW, NOW]))
    with pytest.raises(
        InvalidInput, match=rf"edge_times: 1 times lie .*row 2, time = {moment}\).*Check the source's clock"
    ):
        checked(edges, params=PARAMS)
    nodes = replace(delivery, nodes=replace(delivery.nodes, times=np.array([NOW, NOW, NOW, moment])))
    with pytest.raises(
        InvalidInput, match=rf"node_times: 1 times .*nodes\.parquet .*row 4, time = {moment}\).*node_time_"
    ):
        checked(nodes, params=PARAMS)


def test_ends_that_are_no_known_node_are_refused_before_a_graph_is_built() -> None:
    delivery = good()
    with pytest.raises(
        InvalidInput, match=r"edge_ends: 1 ends are unknown or not in order .*row 4, high = 9\).*reader"
    ):
        checked(replace(delivery, high=np.array([1, 2, 2, 9])), params=PARAMS)


def test_feature_may_be_named_as_a_key_is() -> None:
    params = SnapshotParams(feature_columns=("node", "time"))
    assert not checked(good(), params=params).refused


def test_wholly_wrong_table_lists_a_part_of_its_faults() -> None:
    features = np.full((5000, 1), np.nan, dtype=np.float32)
    delivery = replace(good(), nodes=NodeTable(np.arange(5000), features, columns=("a",)))
    [values] = [
        item for item in table_checks(delivery, SnapshotParams(), as_of=NOW) if item.result.name == "feature_values"
    ]
    assert values.message.startswith(f"feature_values: {MOST_CASES} or more feature values")
