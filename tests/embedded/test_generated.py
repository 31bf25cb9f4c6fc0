from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from embedded.generated import Generated, feature_names
from embedded.nights import DemoError, edges_file, nodes_file
from pipeline.params.params import Params
from pipeline.training.search_space import load_space

Tables = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Tables]:
    """The delivered edges and nodes of every night of a small graph."""
    folder = tmp_path_factory.mktemp("source")
    deliveries = Generated(6, num_nodes=300)
    for night in deliveries.nights:
        deliveries.deliver(night.as_of, folder)
    return {
        night.number: (
            pd.read_parquet(edges_file(folder, night.as_of)),
            pd.read_parquet(nodes_file(folder, night.as_of)),
        )
        for night in deliveries.nights
    }


def as_set(edges: pd.DataFrame) -> set[tuple[int, ...]]:
    return set(edges.itertuples(index=False, name=None))


def test_the_graph_grows_on_the_second_night(nights: dict[int, Tables]) -> None:
    first, second = as_set(nights[1][0]), as_set(nights[2][0])
    assert second - first
    assert first - second  # edges vanish too
    assert len(nights[2][1]) > len(nights[1][1])


def test_the_unchanged_night_has_the_same_graph_in_other_bytes(nights: dict[int, Tables]) -> None:
    assert as_set(nights[3][0]) == as_set(nights[2][0])
    assert not nights[3][0].equals(nights[2][0])
    assert as_set(nights[3][1]) == as_set(nights[2][1])


def test_the_last_night_keeps_35_percent_of_the_edges(nights: dict[int, Tables]) -> None:
    assert as_set(nights[4][0]) < as_set(nights[3][0])
    assert len(nights[4][0]) == int(0.35 * len(nights[3][0]))


def test_the_deliveries_are_the_same_every_time(nights: dict[int, Tables], tmp_path: Path) -> None:
    again = Generated(6, num_nodes=300)
    again.deliver(again.nights[1].as_of, tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(edges_file(tmp_path, again.nights[1].as_of)), nights[2][0])


def test_no_edge_is_dated_after_its_delivery(nights: dict[int, Tables]) -> None:
    for night in Generated(6).nights:
        assert nights[night.number][0].formed_at.max() <= night.as_of.timestamp()


def test_the_params_name_the_columns_that_are_delivered(nights: dict[int, Tables]) -> None:
    params = Params.load(Generated(6).params).snapshot
    edges, nodes = nights[1]
    assert list(edges.columns) == [params.source_column, params.target_column, params.time_column]
    assert list(nodes.columns) == [params.node_column, *params.feature_columns]
    assert list(params.feature_columns) == feature_names(len(params.feature_columns))
    assert params.graph == Generated(6).graph


def test_the_demos_recipe_is_written_out_and_a_search_may_find_a_longer_training() -> None:
    train = Params.load(Generated(6).params).train
    assert (train.recipe, train.model.predictor, train.training.epochs) == ("given", "ncnc", 3)
    assert max(load_space(Generated(6).search.space).parameters["training.epochs"].choices) == 12


def test_what_must_come_of_each_night() -> None:
    last = ["skipped", "refused", "decided", "decided"]
    assert [night.expected for night in Generated(6).nights] == ["decided", "decided", *last]
    assert [night.expected for night in Generated(7).nights] == ["decided", "decided", "decided", *last]


def test_too_few_nights_are_refused() -> None:
    with pytest.raises(DemoError, match=r"at least 6 nights.*not 5\. Try NIGHTS=6"):
        Generated(5)


def test_the_last_two_nights_have_what_was_found_and_the_last_begins_with_the_champion() -> None:
    deliveries, found = Generated(6), {"training.epochs": 12}
    before, after = ({}, {}, {}, {}), (found, found)
    recipes = [
        deliveries.recipe(night, values).train
        for night, values in zip(deliveries.nights, (*before, *after), strict=True)
    ]
    assert recipes[:4] == [Params.load(deliveries.params).train] * 4
    assert [(train.training.epochs, train.warm_start) for train in recipes[4:]] == [(12, "none"), (12, "champion")]


def test_the_search_is_on_the_night_that_grew_and_leaves_the_networks_shape_alone() -> None:
    deliveries = Generated(6)
    search = deliveries.search
    assert (search.on, search.before) == (2, 5)
    assert deliveries.nights[search.on - 1].expected == "decided"
    space = load_space(search.space)
    assert space.present(Params.load(deliveries.params).train) is not None  # the search begins with what there is
    assert [name for name in space.parameters if name.startswith("model.")] == ["model.predictor_dropout"]


def test_a_person_rejects_the_first_model_of_the_recipe_and_approves_the_second() -> None:
    answers = [night.answer and night.answer.choice for night in Generated(6).nights]
    assert answers == ["Approve", "Approve", None, None, "Reject", "Approve"]
