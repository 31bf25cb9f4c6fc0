import pytest

from pipeline.graphs.feature_drift import FeatureDrift, feature_drift
from pipeline.graphs.tables import CanonicalGraph
from tests.fixtures.checked_nights import changed
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, ring


def graph(**values: list[float]) -> CanonicalGraph:
    return changed(delivered(ring(4), nodes_of(ring(4)).assign(**values)))[0].graph


def test_graph_without_features_has_no_drift() -> None:
    bare = changed(delivered(ring(4)))[0].graph
    assert feature_drift(bare, bare) == FeatureDrift(columns=0)


def test_move_of_a_mean_is_told_in_standard_deviations_and_by_its_column() -> None:
    # rank is 0, 1, 2, 3: its deviation is the root of 1.25, and 2 more is 1.789 of them.
    drift = feature_drift(graph(rank=[2.0, 3.0, 4.0, 5.0]), graph())
    assert (drift.shift, drift.shifted) == (pytest.approx(2 / 1.25**0.5), "rank")
    assert drift.constant == drift.vanished == ()


def test_column_with_one_value_is_constant_and_has_vanished_if_it_varied() -> None:
    constant = graph(square=[0.0] * 4)
    assert feature_drift(constant, None).constant == ("square",)
    drift = feature_drift(constant, graph())
    assert (drift.constant, drift.vanished) == (("square",), ("square",))
    assert feature_drift(constant, constant).vanished == ()


def test_column_that_never_varied_has_no_deviation_to_move_by() -> None:
    drift = feature_drift(graph(square=[9.0] * 4), graph(square=[1.0] * 4))
    assert (drift.shift, drift.shifted) == (0.0, "rank")
    both = graph(rank=[1.0] * 4, square=[1.0] * 4)
    assert feature_drift(graph(), both).shift is None


def test_other_columns_than_before_are_not_compared() -> None:
    narrow = changed(delivered(ring(4), nodes_of(ring(4))[["node", "rank"]]))[0].graph
    drift = feature_drift(graph(), narrow)
    assert (drift.columns, drift.shift) == (2, None)
    assert feature_drift(narrow, None).columns == 1


def test_columns_of_other_names_are_not_compared_however_many() -> None:
    renamed = changed(delivered(ring(4), nodes_of(ring(4)).rename(columns={"rank": "place"})))[0].graph
    drift = feature_drift(renamed, graph())
    assert (drift.shift, drift.begun_anew) == (None, True)
    assert not feature_drift(graph(), graph()).begun_anew
    assert not feature_drift(graph(), None).begun_anew
