from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ncnc_core.adjacency import Adjacency
from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from ncnc_core.link_network import LinkNetwork
from ncnc_core.model_config import ModelConfig
from ncnc_core.training_config import TrainingConfig

CONFIG = ModelConfig(hidden_channels=8)


def ring_with_chords(count: int = 24) -> torch.Tensor:
    nodes = torch.arange(count)
    return torch.cat([torch.stack([nodes, (nodes + 1) % count]), torch.stack([nodes, (nodes + 2) % count])], 1)


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
    pairs = torch.triu_indices(24, 24, offset=1)
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
    assert torch.equal(by_id, served.score_pairs(torch.tensor([[0, 5], [2, 10]])))


def test_unknown_ids_are_counted_and_the_first_is_named() -> None:
    with pytest.raises(
        InvalidGraph, match=r"2 of 3 node ids are unknown to the model \(first: 7\).*train on a snapshot"
    ):
        model().score_ids([100, 7, 8], [101, 102, 103])


def test_text_asked_of_a_model_with_numbers_is_explained() -> None:
    with pytest.raises(InvalidGraph, match=r"first: '100'.*whose ids are whole numbers"):
        model().score_ids(["100"], ["101"])


def test_sources_and_targets_of_different_length_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"2 sources and 1 targets\. Give one target a source"):
        model().score_ids([100, 101], [102])


def test_position_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"position 24, but the graph has positions 0 to 23"):
        model().score_pairs(torch.tensor([[0], [24]]))


def test_no_pairs_give_no_scores() -> None:
    assert model().score_pairs(torch.zeros(2, 0, dtype=torch.int64)).shape == (0,)
    assert model().score_ids([], []).shape == (0,)


def test_another_message_graph_may_have_more_nodes() -> None:
    served = model()
    grown = Adjacency.from_edges(torch.cat([ring_with_chords(), torch.tensor([[24], [0]])], 1), 25)
    assert served.score_pairs(torch.tensor([[24], [1]]), adjacency=grown).shape == (1,)


def test_a_larger_graph_needs_its_own_features() -> None:
    served = model(torch.rand(24, 3))
    grown = Adjacency.from_edges(ring_with_chords(), 25)
    with pytest.raises(InvalidGraph, match=r"has 25 nodes, the model's features 24 rows\. Give the features"):
        served.score_pairs(torch.tensor([[24], [1]]), adjacency=grown)
    assert served.score_pairs(torch.tensor([[24], [1]]), adjacency=grown, features=torch.rand(25, 3)).shape == (1,)


def test_served_graph_given_again_scores_the_same() -> None:
    served = model(torch.rand(24, 3))
    pairs = torch.tensor([[0, 5], [2, 10]])
    torch.testing.assert_close(served.score_pairs(pairs, adjacency=served.adjacency), served.score_pairs(pairs))


def test_repeated_ids_are_refused() -> None:
    served = model()
    with pytest.raises(InvalidGraph, match=r"24 node ids, 1 of them different, for 24 nodes.*one id of its own"):
        LinkModel(CONFIG, served.network, served.adjacency, None, [5] * 24)


def test_incomplete_folder_names_the_missing_file(tmp_path: Path) -> None:
    model().save(tmp_path)
    (tmp_path / "graph.safetensors").unlink()
    with pytest.raises(InvalidGraph, match=r"lacks graph\.safetensors\. Give the folder"):
        LinkModel.load(tmp_path)


def test_folder_of_another_format_is_refused(tmp_path: Path) -> None:
    model().save(tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**description, "format": 99}))
    with pytest.raises(InvalidGraph, match=r"format 99, this version reads format 1.*train again"):
        LinkModel.load(tmp_path)


def test_fit_learns_to_close_triangles() -> None:
    served = LinkModel.fit(
        ring_with_chords(60),
        model=ModelConfig(hidden_channels=16, predictor="ncn"),
        training=TrainingConfig(epochs=30, batch_size=32, patience=30),
        negatives_per_edge=10,
    )
    near, far = (
        served.score_pairs(torch.tensor([[0, 10, 20], [2, 12, 22]])),
        served.score_pairs(torch.tensor([[0, 10, 20], [30, 40, 50]])),
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
