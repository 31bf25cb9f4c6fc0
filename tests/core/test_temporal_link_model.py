"""The library's front on a graph whose edges have times: trained, asked, evaluated, saved and grown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel, Positions
from tests.fixtures.evolving_graphs import LATEST, active_groups

Active = tuple[torch.Tensor, torch.Tensor]
SMALL = ModelConfig(predictor="temporal_ncn", hidden_channels=4)
ONCE = TrainingConfig(epochs=1, windows=1, negatives_per_positive=2)
EDGES, TIME = active_groups(nodes=40, edges=240, group=12)


def small(**options: Any) -> LinkModel:
    given = {"time": TIME, "model": SMALL, "training": ONCE, "progress": False} | options
    return LinkModel.fit(Positions(EDGES), **given)


def ids(model: LinkModel, pairs: torch.Tensor) -> list[tuple[Any, ...]]:
    return [tuple(model.node_ids[one] for one in pair) for pair in pairs.T.tolist()]


def scores_of(model: LinkModel) -> torch.Tensor:
    return model.score_pairs(Positions(torch.triu_indices(model.num_nodes, model.num_nodes, offset=1)))


def test_a_model_that_reads_times_is_far_above_the_heuristics_where_recency_decides(
    evolving_model: LinkModel, active: Active
) -> None:
    found = evolving_model.evaluate(Positions(active[0][:, -LATEST:]), negatives_per_edge=50)
    assert found.removed_edges == 0
    best = max(found.metrics[name]["mrr"].value for name in HEURISTICS)
    assert found.metrics["model"]["mrr"].value > 2 * best
    assert found.metrics["model"]["hits@10"].value > 1.2 * max(
        found.metrics[name]["hits@10"].value for name in HEURISTICS
    )


def test_a_saved_model_scores_bit_for_bit_as_before(evolving_model: LinkModel, tmp_path: Path) -> None:
    evolving_model.save(tmp_path)
    again = LinkModel.load(tmp_path)
    assert again.config == evolving_model.config
    assert torch.equal(scores_of(again), scores_of(evolving_model))
    pairs = ids(evolving_model, evolving_model.adjacency.edges()[:, :5])
    assert torch.equal(again.probabilities(pairs, 0.1), evolving_model.probabilities(pairs, 0.1))


def test_new_edges_move_the_clock_and_nothing_else_does(evolving_model: LinkModel, active: Active) -> None:
    edges, time = active
    before = scores_of(evolving_model)
    assert torch.equal(scores_of(evolving_model.updated()), before)
    later = evolving_model.updated(Positions(edges[:, -LATEST:]), time=time[-LATEST:])
    whole = evolving_model.with_graph(Positions(edges), node_ids=evolving_model.node_ids, time=time)
    assert later.adjacency.times is not None
    assert later.adjacency.times.arrivals.tolist() == time.tolist()
    assert torch.equal(scores_of(later), scores_of(whole))  # grown edge by edge, or given whole
    assert not torch.allclose(scores_of(later), before)
    same = evolving_model.with_graph(
        Positions(edges[:, :-LATEST]), node_ids=evolving_model.node_ids, time=time[:-LATEST]
    )
    assert torch.equal(scores_of(same), before)
    repeated = evolving_model.updated(Positions(edges[:, :1]), time=time[-1:])  # a later event of a known edge
    assert repeated.adjacency.times is not None
    assert repeated.adjacency.times.arrivals.numel() == edges.shape[1] - LATEST


def test_a_later_event_of_an_edge_makes_its_nodes_likelier_where_recency_decides(
    evolving_model: LinkModel, active: Active
) -> None:
    """Two nodes that were active long ago and are now: each with the other's partners of now."""
    old, recent = active[0][:, :20], active[0][:, -LATEST - 20 : -LATEST].unique()
    latest = int(active[1][-LATEST - 1])
    again = evolving_model.updated(Positions(old), time=[latest] * 20)
    asked = torch.cartesian_prod(old.unique(), recent).T
    asked = asked[:, (asked[0] != asked[1]) & ~evolving_model.adjacency.has(asked)]
    gain = again.score_pairs(Positions(asked)) - evolving_model.score_pairs(Positions(asked))
    assert (gain > 0).float().mean() > 0.9


def test_a_node_that_is_new_is_scored_and_changes_no_other_score(evolving_model: LinkModel) -> None:
    known = Positions(evolving_model.adjacency.edges()[:, :50])
    more = evolving_model.updated(new_nodes=["x", "y", "z"])
    assert torch.equal(more.score_pairs(known), evolving_model.score_pairs(known))
    first, second = more.score_pairs([("x", "n000"), ("y", "n000")]).tolist()
    assert first == pytest.approx(second, abs=1e-6)  # nothing is known of either; rows of one product round apart
    joined = more.updated([("x", "n000"), ("x", "n001")], time=[1_900_000_000, 1_900_000_001])
    assert joined.score_pairs([("x", "n002")]).isfinite().all()


def test_partners_are_recommended_among_those_active_where_recency_decides(
    evolving_model: LinkModel, active: Active
) -> None:
    group = {evolving_model.node_ids[one] for one in active[0][:, -LATEST - 60 : -LATEST].unique().tolist()}
    node = evolving_model.node_ids[int(active[0][0, -LATEST - 1])]
    frame = evolving_model.recommend([node], k=8, progress=False).to_frame()
    assert len(set(frame["target"]) & group) >= 6
    assert len(group) < 60


def test_an_edge_under_test_leaves_the_graph_with_its_times(evolving_model: LinkModel, active: Active) -> None:
    held = active[0][:, :30]
    found = evolving_model.evaluate(Positions(held), negatives_per_edge=5)
    assert found.removed_edges == 30
    message = evolving_model.adjacency.without(held)
    direct = evolving_model.score_pairs(Positions(held), adjacency=message)
    assert not torch.allclose(direct, evolving_model.score_pairs(Positions(held)))


@pytest.mark.parametrize("form", ["table", "strings", "dates", "networkx", "data", "array"])
def test_every_form_of_a_graph_with_times_trains_the_same_model(form: str) -> None:
    table = pd.DataFrame({"source": EDGES[0], "target": EDGES[1], "t": TIME})
    dates = pd.to_datetime(table["t"], unit="s")
    options: dict[str, Any] = {"model": SMALL, "training": ONCE, "progress": False, "node_ids": range(40)}
    data = Data(edge_index=torch.cat([EDGES, EDGES.flip(0)], 1), num_nodes=40, edge_time=TIME.repeat(2))
    graph = nx.Graph()
    graph.add_nodes_from(range(40))
    graph.add_edges_from((u, v, {"t": t}) for u, v, t in table.itertuples(index=False))
    given: dict[str, tuple[Any, Any]] = {
        "table": (table, "t"),
        "strings": (table.assign(t=dates.dt.strftime("%Y-%m-%dT%H:%M:%S")), "t"),
        "dates": (table.assign(t=dates), "t"),
        "networkx": (graph, "t"),
        "data": (data, None),
        "array": (Positions(EDGES), dates.to_numpy()),
    }
    edges, time = given[form]
    found = LinkModel.fit(edges, time=time, **options)
    assert torch.equal(scores_of(found), scores_of(small(node_ids=range(40))))


def test_times_alone_choose_a_model_that_reads_them() -> None:
    found = LinkModel.fit(Positions(EDGES), time=TIME, training=ONCE, progress=False)
    assert found.config.predictor == "temporal_ncn"
    assert len(found.history) == 2  # an epoch to choose, and one to refit
    coarse = LinkModel.fit(Positions(EDGES), time=torch.zeros(240), training=ONCE, progress=False)
    assert coarse.config.predictor != "temporal_ncn"


def test_only_the_order_of_times_counts() -> None:
    assert torch.equal(scores_of(small(time=(TIME - TIME[0]).square() + 3)), scores_of(small()))


@pytest.mark.parametrize("sparse", [False, True])
def test_features_of_nodes_are_read_beside_times_and_come_back(sparse: bool, tmp_path: Path) -> None:
    features = torch.rand(40, 12, generator=torch.Generator().manual_seed(0))
    features = (features > 0.95).float().to_sparse_csr() if sparse else features * 1000
    found = small(features=features)
    assert found.network.num_features == 12
    assert found.config.standardize_features is not sparse
    found.save(tmp_path)
    assert torch.equal(scores_of(LinkModel.load(tmp_path)), scores_of(found))
    with pytest.raises(InvalidGraph, match=r"1 of 1 nodes are new to the model and have no features"):
        found.updated(new_nodes=[40])


def test_features_that_are_too_many_choose_another_model_and_are_refused_by_this_one() -> None:
    wide = torch.rand(40, 257)
    with pytest.raises(InvalidGraph, match=r"up to 256 node features, but there are 257\. Reduce them, or choose"):
        small(features=wide)
    assert LinkModel.fit(Positions(EDGES), wide, time=TIME, training=ONCE, progress=False).config.predictor == "ncnc"


def test_a_model_that_reads_times_is_not_trained_without_any() -> None:
    with pytest.raises(InvalidGraph, match=r"the edges have no times\. Give time, or choose the predictor ncnc"):
        small(time=None)


def test_times_of_another_unit_are_refused_where_the_graph_grows() -> None:
    model = small()  # of unix seconds
    with pytest.raises(InvalidGraph, match=rf"time holds 5, and .* go from {TIME.min()} to {TIME.max()}: these are"):
        model.updated([(0, 39)], time=[5])
    assert model.updated([(0, 39)], time=["2026-04-01"]).num_nodes == model.num_nodes


def test_a_model_is_named_in_one_line() -> None:
    assert (
        repr(small())
        == f"LinkModel(temporal_ncn: 40 nodes, {len(set(map(tuple, EDGES.T.tolist())))} edges, 0 features)"
    )


def test_validation_edges_without_times_are_refused_before_the_first_epoch() -> None:
    seen: list[Any] = []
    remedies = {"temporal_ncn": "Leave valid out: the latest edges", "ncn": "ncn reads no times: leave time out"}
    for name, remedy in remedies.items():
        model = ModelConfig.model_validate({"predictor": name, "hidden_channels": 4})
        with pytest.raises(InvalidGraph, match=rf"valid was given without times.*{remedy}"):
            small(valid=[(0, 1)], model=model, on_epoch=seen.append)
    assert seen == []


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_share_to_validate_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(InvalidGraph, match=rf"between 0 and 1, but it is {fraction}\. Give 0\.1"):
        small(valid_fraction=fraction)


def test_times_too_coarse_for_a_validation_window_or_for_one_before_it_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"too coarse to set the latest 10% of 240 edges apart: too many share one"):
        small(time=torch.zeros(240))
    with pytest.raises(InvalidGraph, match=r"120 edges had come by the end of training, too few for a window of 120"):
        small(time=(torch.arange(240) >= 120).long())


def test_changes_without_times_are_refused() -> None:
    found = small()
    with pytest.raises(InvalidGraph, match=r"but the new edges have no times\. Give time, one an edge"):
        found.updated([(0, 39)])
    with pytest.raises(InvalidGraph, match=r"but this graph's edges have no times\. Give time, one an edge"):
        found.with_graph(Positions(EDGES))
    with pytest.raises(InvalidGraph, match=r"this graph's edges have no times\. Give time, one a row, or score on"):
        found.score_pairs([(0, 1)], adjacency=Adjacency.from_edges(EDGES, 40))


@pytest.mark.parametrize("missing", [np.datetime64("NaT"), None, float("nan")])
def test_an_edge_without_a_time_is_refused(missing: Any) -> None:
    dated = isinstance(missing, np.datetime64)
    time = [np.datetime64(int(one), "s") if dated else float(one) for one in TIME[:-1]] + [missing]
    with pytest.raises(
        InvalidGraph, match=r"1 of 240 edges have no time \(first: place 239\)\. Leave them out, or give"
    ):
        small(time=time)


def test_the_served_graph_gives_its_times_to_data() -> None:
    found = small()
    data = found.to_data()
    assert found.adjacency.times is not None
    assert torch.equal(data.edge_time, found.adjacency.times.last)
    assert torch.equal(scores_of(found.with_graph(data)), scores_of(found))


def test_a_fit_that_was_interrupted_goes_on_from_its_folder(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(_: Any) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        small(checkpoint=tmp_path, on_epoch=stop)
    epochs: list[Any] = []
    found = small(checkpoint=tmp_path, on_epoch=epochs.append)
    assert [one.epoch for one in epochs] == [2]
    assert torch.equal(scores_of(found), scores_of(small()))


def directed(**options: Any) -> LinkModel:
    """Some edges go both ways, for the model is to find out that they have a direction."""
    edges = torch.cat([EDGES, EDGES[:, :40].flip(0)], 1)
    given = {"time": torch.cat([TIME, TIME[:40] + 5]), "training": ONCE, "progress": False, "node_ids": range(40)}
    return LinkModel.fit(Positions(edges), **given | options)


def test_directions_are_read_where_edges_have_them_and_links_are_undirected_still(tmp_path: Path) -> None:
    found = directed()
    assert found.config.edge_directions
    pairs = torch.triu_indices(40, 40, offset=1)
    assert torch.equal(found.score_pairs(Positions(pairs)), found.score_pairs(Positions(pairs.flip(0))))
    assert not directed(directed=False).config.edge_directions
    found.save(tmp_path)
    assert torch.equal(scores_of(LinkModel.load(tmp_path)), scores_of(found))
    assert "directed paths" in str(found.explain(0, 1))
    assert len(found.recommend([0], 3, progress=False)) == 3


def test_a_new_event_counts_the_way_it_goes_and_another_graph_has_its_own_directions() -> None:
    found, pair = directed(), EDGES[:, 100:101]
    there, back = (found.updated(Positions(one), time=[int(TIME[-1]) + 9]) for one in (pair, pair.flip(0)))
    assert not torch.equal(scores_of(there), scores_of(back))
    options: dict[str, Any] = {"node_ids": range(40), "time": TIME}
    first, second = (found.with_graph(Positions(one), **options) for one in (EDGES, EDGES.flip(0)))
    assert not torch.equal(scores_of(first), scores_of(second))  # also where no edge stands in both
