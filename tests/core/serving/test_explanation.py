from __future__ import annotations

import warnings

import pytest
import torch

from ncnc_core.config.model import ModelConfig, PredictorName
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels
from ncnc_core.overlap.dense import is_dense
from ncnc_core.serving.explanation import LinkExplanation, NeighborPart, explain_pair

NUM_NODES = 30


def random_edges(seed: int = 0, count: int = 110) -> torch.Tensor:
    return torch.randint(NUM_NODES, (2, count), generator=torch.Generator().manual_seed(seed))


def explained(predictor: PredictorName, source: int = 0, target: int = 1, **options: object) -> LinkExplanation:
    torch.manual_seed(3)
    config = ModelConfig(predictor=predictor, hidden_channels=8, **options)  # type: ignore[arg-type]
    network = LinkNetwork(config, num_features=4)
    features = torch.randn(NUM_NODES, 4, generator=torch.Generator().manual_seed(1)) * 3
    adjacency = Adjacency.from_edges(random_edges(), NUM_NODES)
    levels = node_levels(network, features, adjacency)
    return explain_pair(network, levels, adjacency, source, target, list(range(NUM_NODES)))


def pairs_with_much_around() -> list[tuple[int, int]]:
    return [(0, 1), (2, 9), (5, 28), (7, 3)]


@pytest.mark.parametrize("predictor", ["gae", "gae_cn", "ncn", "ncn2", "ncn_diff", "ncnc"])
@pytest.mark.parametrize("pair", pairs_with_much_around())
def test_the_parts_add_up_to_the_score(predictor: PredictorName, pair: tuple[int, int]) -> None:
    found = explained(predictor, *pair)
    total = found.base + found.pair + sum(part.contribution for part in found.neighbors)
    assert total == pytest.approx(found.score, abs=5e-4)
    assert found.remainder == pytest.approx(found.score - total, abs=1e-9)


@pytest.mark.parametrize("predictor", ["ncn", "ncnc"])
def test_the_parts_add_up_on_a_dense_graph_too_whose_scores_are_pooled_in_another_way(predictor: PredictorName) -> None:
    edges = torch.randint(90, (2, 3200), generator=torch.Generator().manual_seed(0))
    adjacency = Adjacency.from_edges(edges, 90)
    assert is_dense(adjacency)
    torch.manual_seed(3)
    network = LinkNetwork(ModelConfig(predictor=predictor, hidden_channels=8), num_features=0)
    levels = node_levels(network, None, adjacency)
    found = explain_pair(network, levels, adjacency, 3, 70, list(range(90)))
    assert len(found.neighbors) > 20
    assert found.remainder == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize("predictor", ["gae_cn", "ncn", "ncn2", "ncn_diff", "ncnc"])
def test_the_explanation_is_the_same_from_either_end(predictor: PredictorName) -> None:
    turned = {"source_only": "target_only", "target_only": "source_only", "common": "common"}
    turned |= {"near_source": "near_target", "near_target": "near_source"}
    forth, back = explained(predictor, 5, 28), explained(predictor, 28, 5)
    assert forth.score == pytest.approx(back.score, abs=1e-5)
    assert forth.pair == pytest.approx(back.pair, abs=1e-5)
    theirs = {(part.node, turned[part.role]): part for part in back.neighbors}
    assert len(theirs) == len(forth.neighbors) > 0
    for part in forth.neighbors:
        other = theirs[part.node, part.role]
        assert part.contribution == pytest.approx(other.contribution, abs=1e-5)
        assert part.weight == pytest.approx(other.weight, abs=1e-5)


def test_completed_neighbours_carry_their_completion_weight_and_only_they() -> None:
    found = explained("ncnc", 5, 28, completion_alpha=0.7)
    assert {part.weight for part in found.of_role("common")} <= {1.0}
    completed = found.of_role("source_only") + found.of_role("target_only")
    assert completed
    assert all(0 < part.weight < 0.7 for part in completed)


def test_without_completion_there_are_no_completed_neighbours() -> None:
    found = explained("ncnc", 5, 28, completion_alpha=0.0)
    assert {part.role for part in found.neighbors} <= {"common"}


def test_equal_neighbours_have_equal_parts_and_one_of_no_weight_has_none() -> None:
    found = explained("gae_cn", 5, 28)
    assert len({round(part.contribution, 9) for part in found.neighbors}) <= 1
    frozen = explained("ncnc", 5, 28, completion_offset=1000.0)
    for part in frozen.of_role("source_only") + frozen.of_role("target_only"):
        assert part.contribution == pytest.approx(0.0, abs=1e-9)


def test_parts_come_in_the_order_of_what_they_add() -> None:
    contributions = [part.contribution for part in explained("ncnc", 5, 28).neighbors]
    assert contributions == sorted(contributions, reverse=True)


def test_a_club_that_makes_friends_outranks_a_station_where_all_pass() -> None:
    people, stations = 120, 3
    person = torch.arange(people)
    club = person % 60  # of two members, who are joined
    station = torch.randint(stations, (people,), generator=torch.Generator().manual_seed(0))
    friends = torch.stack([person[:60], person[60:]])
    to_club, to_station = torch.stack([person, people + club]), torch.stack([person, people + 60 + station])
    kind = torch.nn.functional.one_hot(torch.tensor([0] * people + [1] * 60 + [2] * stations), 3).float()
    model = LinkModel.fit(
        torch.cat([friends, to_club, to_station], 1),
        kind,
        model=ModelConfig(predictor="ncn", hidden_channels=16, encoder="none", structural_features=False),
        training=TrainingConfig(epochs=40, batch_size=64, patience=40),
        negatives_per_edge=10,
    )
    both = [place for place in range(60) if station[place] == station[place + 60]]
    unseen = model.updated(removed_edges=[(place, place + 60) for place in both])
    for place in both[:5]:
        found = unseen.explain(place, place + 60)
        assert [part.node for part in found.neighbors] == [people + place, people + 60 + int(station[place])]


def test_frame_has_a_row_a_part_and_shares_that_add_up_to_one_in_size() -> None:
    found = explained("ncnc", 5, 28)
    frame = found.to_frame()
    assert len(frame) == len(found.neighbors) + 2
    assert frame["contribution"].sum() == pytest.approx(found.score - found.remainder)
    assert frame["share"].abs().sum() == pytest.approx(1.0)
    assert list(frame["role"].tail(2)) == ["pair", "base"]


def test_frame_names_neighbours_by_their_ids_of_whatever_size() -> None:
    large = 2**53  # from here on, floating-point numbers leave whole numbers out
    parts = tuple(NeighborPart(large + place, "common", 1.0, 0.5) for place in range(3))
    frame = LinkExplanation(1, 2, 2.5, False, 1.0, 0.0, parts, 0.0).to_frame()
    assert frame["node"].tolist()[:3] == [large, large + 1, large + 2]
    assert frame["node"].isna().tolist() == [False, False, False, True, True]
    assert frame["share"].isna().tolist() == [False, False, False, False, True]


def test_text_names_the_pair_and_its_largest_parts_and_sums_up_the_rest() -> None:
    parts = tuple(NeighborPart(f"n{place}", "common", 1.0, 1.0 - place / 10) for place in range(12))
    found = LinkExplanation("a", "b", 2.5, True, -1.0, 0.25, (*parts, NeighborPart("z", "source_only", 0.5, -0.9)), 0.0)
    lines = str(found).splitlines()
    assert lines[0] == "a - b: logit 2.500 (an edge of the graph)"
    assert lines[1:4] == [
        "    -1.000  base: nothing known of the pair",
        "    +0.250  the two nodes themselves",
        "    +1.000  n0 (common)",
    ]
    assert lines[-1] == "    -1.000  3 more neighbours"
    assert "(source only, weight 0.500)" in str(
        LinkExplanation("a", "b", 0.0, False, 0.0, 0.0, found.neighbors[-1:], 0.0)
    )


def test_learnt_vectors_alone_are_explained_without_a_warning() -> None:
    torch.manual_seed(0)
    config = ModelConfig(encoder="none", node_embedding="only", hidden_channels=8)
    network = LinkNetwork(config, num_features=0, num_ids=NUM_NODES)
    adjacency = Adjacency.from_edges(random_edges(), NUM_NODES)
    levels = [level.requires_grad_() for level in node_levels(network, None, adjacency)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = explain_pair(network, levels, adjacency, 0, 1, list(range(NUM_NODES)))
    total = found.base + found.pair + sum(part.contribution for part in found.neighbors)
    assert total == pytest.approx(found.score, abs=5e-4)
