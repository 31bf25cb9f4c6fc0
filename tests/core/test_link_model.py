from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ncnc_core.config.model import ModelConfig, NodeEmbedding
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.ranking import roc_auc
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.recipes.recipe import recipe

CONFIG = ModelConfig(hidden_channels=8)


def ring_with_chords(count: int = 24) -> torch.Tensor:
    nodes = torch.arange(count)
    return torch.cat([torch.stack([nodes, (nodes + 1) % count]), torch.stack([nodes, (nodes + 2) % count])], 1)


def at(pairs: list[list[int]]) -> Positions:
    return Positions(torch.tensor(pairs))


def model(features: torch.Tensor | None = None, names: bool = False) -> LinkModel:
    adjacency = Adjacency.from_edges(ring_with_chords(), 24)
    torch.manual_seed(0)
    network = LinkNetwork(CONFIG, num_features=0 if features is None else features.shape[1])
    ids = [f"as{position}" for position in range(24)] if names else list(range(100, 124))
    return LinkModel(CONFIG, network, adjacency, features, ids)


@pytest.mark.parametrize("with_features", [False, True])
@pytest.mark.parametrize("names", [False, True])
def test_saved_model_scores_as_before(tmp_path: Path, with_features: bool, names: bool) -> None:
    before = model(torch.rand(24, 3) if with_features else None, names)
    before.save(tmp_path)
    after = LinkModel.load(tmp_path)
    pairs = Positions(torch.triu_indices(24, 24, offset=1))
    assert torch.equal(after.score_pairs(pairs), before.score_pairs(pairs))
    assert list(after.node_ids) == list(before.node_ids)
    assert after.config == before.config
    assert after.num_parameters == before.num_parameters


def test_saved_folder_holds_only_json_and_safetensors(tmp_path: Path) -> None:
    model().save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"model.json", "weights.safetensors", "graph.safetensors", "node_ids.json"}


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    served = model(torch.rand(24, 3))
    served.save(tmp_path / "a")
    served.save(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_ids_and_positions_give_the_same_scores() -> None:
    served = model()
    by_id = served.score_ids([100, 105], np.array([102, 110]))
    assert torch.equal(by_id, served.score_pairs(at([[0, 5], [2, 10]])))


def test_whole_numbers_are_ids_in_every_method_and_positions_where_it_is_said() -> None:
    served = model()
    first, second = served.position_of[100], served.position_of[105]
    score = served.score_ids([100], [105])
    assert torch.equal(served.score_pairs([(100, 105)]), score)
    assert torch.equal(served.score_pairs(Positions([(first, second)])), score)
    assert served.explain(100, 105).score == pytest.approx(float(score))
    for new, gone in (([(100, 105)], [(100, 101)]), (Positions([(0, 5)]), Positions([(0, 1)]))):
        changed = served.updated(new, removed_edges=gone)
        assert changed.adjacency.has(torch.tensor([[0, 0], [5, 1]])).tolist() == [True, False]
    assert served.evaluate([(100, 101)]).removed_edges == 1
    assert served.recommend(Positions([3]), 1).rows[0].source == 103
    for call in (served.score_pairs, served.evaluate, served.updated, served.with_graph):
        with pytest.raises(InvalidGraph, match=r"Whole numbers are ids\. If these are positions, 0 to 23, say so"):
            call(torch.tensor([[0, 5], [1, 6]]))


def test_features_without_their_graph_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"features were given without adjacency.*Give the graph"):
        model(torch.rand(24, 3)).score_pairs([(100, 101)], features=torch.rand(24, 3))


def test_text_asked_of_a_model_with_numbers_is_explained() -> None:
    with pytest.raises(InvalidGraph, match=r"first: '100'.*whose ids are whole numbers"):
        model().score_ids(["100"], ["101"])


def test_position_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"position 24, but the graph has positions 0 to 23"):
        model().score_pairs(at([[0], [24]]))


def test_no_pairs_give_no_scores() -> None:
    assert model().score_pairs([]).shape == (0,)
    assert model().score_ids([], []).shape == (0,)


def test_another_message_graph_may_have_more_nodes() -> None:
    served = model()
    grown = Adjacency.from_edges(torch.cat([ring_with_chords(), torch.tensor([[24], [0]])], 1), 25)
    assert served.score_pairs(at([[24], [1]]), adjacency=grown).shape == (1,)


def test_a_larger_graph_needs_its_own_features() -> None:
    served = model(torch.rand(24, 3))
    grown = Adjacency.from_edges(ring_with_chords(), 25)
    with pytest.raises(InvalidGraph, match=r"has 25 nodes, the model's features 24 rows\. Give the features"):
        served.score_pairs(at([[24], [1]]), adjacency=grown)
    assert served.score_pairs(at([[24], [1]]), adjacency=grown, features=torch.rand(25, 3)).shape == (1,)


def test_served_graph_given_again_scores_the_same() -> None:
    served = model(torch.rand(24, 3))
    pairs = at([[0, 5], [2, 10]])
    torch.testing.assert_close(served.score_pairs(pairs, adjacency=served.adjacency), served.score_pairs(pairs))


def test_probabilities_are_the_calibrated_scores_wherever_the_model_goes(tmp_path: Path) -> None:
    served, pairs = replace(model(), calibration=ScoreCalibration(2.0, -1.0)), at([[0, 3], [1, 9]])
    scores = served.score_pairs(pairs)
    served.save(tmp_path)
    grown = served.updated(new_edges=[(100, 105)])
    for one in (served, LinkModel.load(tmp_path), served.to("cpu")):
        assert torch.allclose(one.probabilities(pairs), torch.sigmoid(2 * scores - 1))
    assert torch.allclose(grown.probabilities(pairs), torch.sigmoid(2 * grown.score_pairs(pairs) - 1))
    assert bool((served.probabilities(pairs, prior=0.01) < served.probabilities(pairs)).all())
    with pytest.raises(InvalidGraph, match=r"no calibration \(None\)"):
        model().probabilities(pairs)


def test_repeated_ids_are_refused() -> None:
    served = model()
    with pytest.raises(InvalidGraph, match=r"24 node ids, 1 of them different, for 24 nodes.*one id of its own"):
        LinkModel(CONFIG, served.network, served.adjacency, None, [5] * 24)


def test_fit_learns_to_close_triangles() -> None:
    served = LinkModel.fit(
        ring_with_chords(60),
        model=ModelConfig(hidden_channels=16, predictor="ncn"),
        training=TrainingConfig(epochs=30, batch_size=32, patience=30),
        negatives_per_edge=10,
    )
    near, far = (
        served.score_pairs(at([[0, 10, 20], [2, 12, 22]])),
        served.score_pairs(at([[0, 10, 20], [30, 40, 50]])),
    )
    assert near.min() > far.max()
    assert served.num_nodes == 60


def test_model_is_read_and_asked_without_the_pipeline(tmp_path: Path) -> None:
    model().save(tmp_path)
    code = (
        "import sys; from pathlib import Path; from ncnc_core.link_model import LinkModel\n"
        f"assert LinkModel.load(Path({str(tmp_path)!r})).score_ids([100], [101]).shape == (1,)\n"
        "assert not any(name.split('.')[0] in ('pipeline', 'mlflow', 'pandas', 'airflow') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=120)


def test_a_node_has_no_score_with_itself() -> None:
    with pytest.raises(InvalidGraph, match=r"join a node with itself.*Leave them out"):
        model().score_pairs(at([[0, 3], [1, 3]]))
    with pytest.raises(InvalidGraph, match=r"join a node with itself"):
        model().explain(100, 100)


def test_text_pairs_and_tables_are_scored_by_id() -> None:
    served = model(names=True)
    expected = served.score_pairs(at([[0, 5], [2, 10]]))
    assert torch.equal(served.score_pairs([("as0", "as2"), ("as5", "as10")]), expected)
    table = pd.DataFrame({"source": ["as0", "as5"], "target": ["as2", "as10"]})
    assert torch.equal(served.score_pairs(table), expected)


def test_recommended_partners_are_the_best_scored_of_all_others() -> None:
    served = model(torch.rand(24, 3, generator=torch.Generator().manual_seed(0)))
    found = served.recommend(105, 4)
    assert found.to_frame().equals(served.recommend([105], 4, candidates="all").to_frame())
    others = [node for node in served.node_ids if node not in (103, 104, 105, 106, 107)]  # its four neighbours left out
    scores = served.score_ids([105] * len(others), others)
    assert [row.target for row in found] == [others[place] for place in scores.argsort(descending=True)[:4]]
    assert [row.score for row in found] == pytest.approx(scores.sort(descending=True).values[:4].tolist())
    with pytest.raises(InvalidGraph, match=r"unknown to the model \(first: 7\)"):
        served.recommend([105, 7])


def test_an_explanation_is_by_id_and_of_the_served_score() -> None:
    served = model(names=True)
    found = served.explain("as0", "as3")
    assert found.score == pytest.approx(float(served.score_ids(["as0"], ["as3"])))
    assert {part.node for part in found.of_role("common")} == {"as1", "as2"}


def test_an_edge_under_test_is_scored_as_if_the_graph_had_never_held_it() -> None:
    served = model()
    edges, negatives = torch.tensor([[0, 5], [1, 6]]), torch.tensor([[0, 5], [12, 17]])
    found = served.evaluate(Positions(edges), negatives + 100)
    without = served.adjacency.without(edges)
    scores = served.score_pairs(Positions(torch.cat([edges, negatives], 1)), adjacency=without)
    assert found.metrics["model"]["auc"].value == pytest.approx(roc_auc(scores[:2], scores[2:]))
    assert (found.removed_edges, served.adjacency.num_edges) == (2, 48)


@pytest.mark.parametrize("with_features", [False, True])
def test_old_pairs_score_bit_for_bit_the_same_on_the_unchanged_graph(with_features: bool) -> None:
    served = model(torch.rand(24, 3) if with_features else None, names=True)
    pairs = Positions(torch.triu_indices(24, 24, offset=1))
    again = served.with_graph(Positions(ring_with_chords()))
    assert torch.equal(again.score_pairs(pairs), served.score_pairs(pairs))
    added = served.updated(new_edges=[("as0", "as12")])
    back = added.updated(removed_edges=[("as0", "as12")])
    assert not torch.equal(added.score_pairs(pairs), served.score_pairs(pairs))
    assert torch.equal(back.score_pairs(pairs), served.score_pairs(pairs))


@pytest.mark.parametrize("with_features", [False, True])
def test_an_updated_model_scores_as_one_that_encodes_its_graph_whole(with_features: bool) -> None:
    served = model(torch.rand(24, 3) if with_features else None)
    served.score_pairs([(100, 101)])  # so that it holds embeddings
    row = torch.rand(1, 3) if with_features else None
    grown = served.updated([(100, 105)]).updated(removed_edges=[(110, 111)])
    grown = grown.updated([(124, 103)], [124], features=row)
    pairs = Positions(torch.triu_indices(25, 25, offset=1))
    torch.testing.assert_close(grown.score_pairs(pairs), replace(grown).score_pairs(pairs))
    assert not torch.equal(grown.score_pairs([(100, 103)]), served.score_pairs([(100, 103)]))
    other = replace(grown, network=model().network if not with_features else model(torch.rand(24, 3)).network)
    torch.testing.assert_close(other.score_pairs(pairs), replace(other).score_pairs(pairs))


@pytest.mark.parametrize("node_embedding", ["off", "only", "added"])
def test_new_nodes_are_scored_without_training(node_embedding: NodeEmbedding) -> None:
    config = ModelConfig(hidden_channels=8, node_embedding=node_embedding, structural_features=False)
    network = LinkNetwork(config, num_features=3, num_ids=24)
    served = LinkModel(config, network, Adjacency.from_edges(ring_with_chords(), 24), torch.rand(24, 3), range(24))
    grown = served.updated(new_edges=np.array([[24, 24], [0, 1]]), new_nodes=[24], features=torch.rand(1, 3))
    assert grown.num_nodes == 25
    assert torch.isfinite(grown.score_ids([24, 24], [2, 12])).all()
    assert grown.recommend(24, 2).rows[0].target in range(24)
    far = at([[10, 12], [13, 15]])  # more than two steps from the new edges: nothing they see has changed
    torch.testing.assert_close(grown.score_pairs(far), served.score_pairs(far))


def test_data_of_a_model_trains_the_same_model() -> None:
    served = model(torch.rand(24, 3), names=True)
    data = served.to_data()
    assert (data.num_nodes, data.num_edges, data.node_id) == (24, 96, list(served.node_ids))
    training = TrainingConfig(epochs=1)
    first, second = (
        LinkModel.fit(graph, *rest, model=CONFIG, training=training)
        for graph, *rest in ((data,), (Positions(ring_with_chords()), served.features, served.node_ids))
    )
    pairs = Positions(torch.triu_indices(24, 24, offset=1))
    assert first.node_ids == second.node_ids
    assert torch.equal(first.score_pairs(pairs), second.score_pairs(pairs))


def test_fit_is_quiet_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    LinkModel.fit(ring_with_chords(), model=CONFIG, training=TrainingConfig(epochs=1))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_sparse_features_train_score_and_come_back(tmp_path: Path) -> None:
    dense = (torch.rand(24, 6, generator=torch.Generator().manual_seed(0)) > 0.7).float()
    config = ModelConfig(hidden_channels=8, structural_features=False)
    served = LinkModel.fit(
        ring_with_chords(), dense.to_sparse(), model=config, training=TrainingConfig(epochs=1), node_ids=range(24)
    )
    served.save(tmp_path)
    pairs = Positions(torch.triu_indices(24, 24, offset=1))
    assert torch.equal(LinkModel.load(tmp_path).score_pairs(pairs), served.score_pairs(pairs))
    as_dense = LinkModel(config, served.network, served.adjacency, dense, served.node_ids)
    torch.testing.assert_close(as_dense.score_pairs(pairs), served.score_pairs(pairs))


def test_edge_weights_are_carried_and_reach_the_encoder_where_asked(tmp_path: Path) -> None:
    weight = torch.rand(48, generator=torch.Generator().manual_seed(0)) + 0.5
    config = ModelConfig(hidden_channels=8, edge_weights=True)
    served = LinkModel.fit(ring_with_chords(), edge_weight=weight, model=config, training=TrainingConfig(epochs=1))
    served.save(tmp_path)
    pairs = Positions(torch.triu_indices(24, 24, offset=1))
    assert torch.equal(LinkModel.load(tmp_path).score_pairs(pairs), served.score_pairs(pairs))
    level = served.with_graph(ring_with_chords(), edge_weight=torch.ones(48))
    assert not torch.equal(level.score_pairs(pairs), served.score_pairs(pairs))


def test_a_named_recipe_is_taken_where_nothing_else_is_said() -> None:
    once = TrainingConfig(epochs=1, batch_size=8)
    named = LinkModel.fit(ring_with_chords(), torch.rand(24, 3), recipe="cora", training=once)
    assert named.config == recipe("cora").model
    own = LinkModel.fit(ring_with_chords(), torch.rand(24, 3), recipe="cora", model=CONFIG, training=once)
    assert own.config == CONFIG


def test_without_a_word_the_graph_chooses_the_model() -> None:
    weight = torch.rand(48) + 0.5
    found = LinkModel.fit(ring_with_chords(), edge_weight=weight, training=TrainingConfig(epochs=1))
    chosen = automatic_config(Adjacency.from_edges(ring_with_chords(), 24, weight)).model
    assert found.config == chosen.model_copy(update={"standardize_features": False})  # there are none
    assert found.config.edge_weights
    with pytest.raises(InvalidGraph, match="There are 0 edges, and training needs 2"):
        LinkModel.fit([], node_ids=["a", "b"])


@pytest.mark.parametrize("form", [torch.Tensor.numpy, torch.Tensor.double, torch.Tensor.to_sparse_csr, pd.DataFrame])
def test_features_of_a_message_graph_come_in_every_form(form: Callable[[torch.Tensor], object]) -> None:
    served = model(torch.rand(24, 3))
    pairs, others = at([[0, 5], [2, 10]]), torch.rand(24, 3)
    given = form(others)
    if isinstance(given, pd.DataFrame):
        given = given.set_index(pd.Index(list(served.node_ids))).iloc[::-1]  # put into the nodes' order by id
    found = served.score_pairs(pairs, adjacency=served.adjacency, features=given)
    torch.testing.assert_close(found, served.score_pairs(pairs, adjacency=served.adjacency, features=others))
    assert not torch.equal(found, served.score_pairs(pairs))


def test_features_that_do_not_fit_the_message_graph_are_refused() -> None:
    served = model(torch.rand(24, 3))
    larger = Adjacency.from_edges(ring_with_chords(), 26)
    for adjacency, features, message in (
        (served.adjacency, np.zeros((5, 3)), r"5 rows for 24 nodes\. Give one row a node"),
        (larger, torch.zeros(24, 3), r"24 rows for 26 nodes\. Give one row a node"),
        (served.adjacency, np.zeros((24, 2)), r"built for 3 node features, but the graph has 2\. Give the graph the"),
    ):
        with pytest.raises(InvalidGraph, match=message):
            served.score_pairs([(100, 101)], adjacency=adjacency, features=features)
    assert served.score_pairs(Positions([(0, 25)]), adjacency=larger, features=np.ones((26, 3))).shape == (1,)


def test_categories_too_high_for_a_table_are_refused_before_it_is_made() -> None:
    far = torch.arange(24) * 10**11
    embedding = ModelConfig(hidden_channels=8, node_embedding="only")
    with pytest.raises(InvalidGraph, match=r"highest integer feature is 2300000000000 for 24 nodes.*Renumber"):
        LinkModel.fit(ring_with_chords(), far, model=embedding, training=TrainingConfig(epochs=1))


@pytest.mark.parametrize("nodes", [np.int64(102), torch.tensor(102), np.array([102]), torch.tensor([102]), [102]])
def test_partners_are_recommended_to_a_node_however_its_id_comes(nodes: object) -> None:
    served = model()
    assert served.recommend(nodes, np.int64(3)).rows == served.recommend(102, 3).rows


@pytest.mark.parametrize("with_features", [False, True])
def test_a_changed_model_is_on_the_device_of_its_network(with_features: bool) -> None:
    served = model(torch.rand(24, 3) if with_features else None)
    served.network.to("meta")  # a device that every machine has
    grown = served.updated([(100, 105)], removed_edges=[(100, 101)])
    for changed in (grown, served.with_graph(Positions(ring_with_chords()))):
        assert changed.adjacency.column.device.type == "meta"
        assert changed.adjacency.row_pointer.device.type == "meta"
        assert changed.features is None or changed.features.device.type == "meta"
