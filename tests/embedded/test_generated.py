from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from embedded.generated import Generated, feature_names
from embedded.nights import DemoError, edges_file, nodes_file
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.recipes.automatic import automatic_config
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


def pairs(edges: pd.DataFrame) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in zip(edges.source, edges.target, strict=True)}


def test_the_log_grows_on_the_second_night(nights: dict[int, Tables]) -> None:
    assert as_set(nights[1][0]) < as_set(nights[2][0])
    assert pairs(nights[1][0]) < pairs(nights[2][0])
    assert len(nights[2][1]) > len(nights[1][1])


def test_pairs_come_again(nights: dict[int, Tables]) -> None:
    assert len(nights[1][0]) > 1.5 * len(pairs(nights[1][0]))


def test_the_automatic_recipe_reads_times_and_says_why(nights: dict[int, Tables]) -> None:
    edges, nodes = nights[1]
    place = pd.Index(nodes.node)
    ends = torch.from_numpy(np.stack([place.get_indexer(edges.source), place.get_indexer(edges.target)]))
    history = EventHistory.of_events(ends, torch.tensor(edges["at"].to_numpy()), len(nodes))
    features = torch.tensor(nodes.drop(columns="node").to_numpy())
    found = automatic_config(history.graph_at(int(edges["at"].max())), features)
    assert found.model.predictor == "temporal_ncn"
    assert found.reasons[0].startswith("The edges have times: the model reads how recent things are")


def test_the_unchanged_night_has_the_same_graph_in_other_bytes(nights: dict[int, Tables]) -> None:
    assert as_set(nights[3][0]) == as_set(nights[2][0])
    assert not nights[3][0].equals(nights[2][0])
    assert as_set(nights[3][1]) == as_set(nights[2][1])


def test_the_truncated_night_keeps_35_percent_of_the_events_and_too_few_edges(nights: dict[int, Tables]) -> None:
    assert as_set(nights[4][0]) < as_set(nights[3][0])
    assert len(nights[4][0]) == int(0.35 * len(nights[3][0]))
    least = Params.load(Generated(6).params).snapshot.minimum_edge_ratio
    assert len(pairs(nights[4][0])) < 0.9 * least * len(pairs(nights[3][0]))


def test_the_deliveries_are_the_same_every_time(nights: dict[int, Tables], tmp_path: Path) -> None:
    again = Generated(6, num_nodes=300)
    again.deliver(again.nights[1].as_of, tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(edges_file(tmp_path, again.nights[1].as_of)), nights[2][0])


def test_no_event_is_dated_after_its_delivery(nights: dict[int, Tables]) -> None:
    for night in Generated(6).nights:
        assert nights[night.number][0]["at"].max() <= night.as_of.timestamp()


def test_the_params_name_the_columns_that_are_delivered(nights: dict[int, Tables]) -> None:
    params = Params.load(Generated(6).params).snapshot
    edges, nodes = nights[1]
    assert list(edges.columns) == [params.source_column, params.target_column, params.time_column]
    assert list(nodes.columns) == [params.node_column, *params.feature_columns]
    assert list(params.feature_columns) == feature_names(len(params.feature_columns))
    assert params.graph == Generated(6).graph


def test_the_demo_trains_the_automatic_recipe_too_short_and_a_search_may_find_a_longer_training() -> None:
    train = Params.load(Generated(6).params).train
    assert (train.recipe, train.overrides()) == ("auto", ({}, {"epochs": 3, "windows": 3}))
    space = load_space(Generated(6).search.space).parameters
    assert 3 in space["training.epochs"].choices  # else the search could not say what it gained
    assert max(space["training.epochs"].choices) == 8
    assert space["training.windows"].high == 6


def test_what_must_come_of_each_night() -> None:
    last = ["skipped", "refused", "decided", "decided"]
    assert [night.expected for night in Generated(6).nights] == ["decided", "decided", *last]
    assert [night.expected for night in Generated(7).nights] == ["decided", "decided", "decided", *last]


def test_too_few_nights_are_refused() -> None:
    with pytest.raises(DemoError, match=r"at least 6 nights.*not 5\. Try NIGHTS=6"):
        Generated(5)


def test_the_last_two_nights_have_what_was_found_and_the_last_begins_with_the_champion() -> None:
    deliveries, found = Generated(6), {"training.epochs": 8}
    before, after = ({}, {}, {}, {}), (found, found)
    recipes = [
        deliveries.recipe(night, values).train
        for night, values in zip(deliveries.nights, (*before, *after), strict=True)
    ]
    assert recipes[:4] == [Params.load(deliveries.params).train] * 4
    assert [(train.training.epochs, train.warm_start) for train in recipes[4:]] == [(8, "none"), (8, "champion")]


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
