from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.serving import saved_model
from ncnc_core.serving.saved_model import FORMAT, ModelParts, load_parts, save_parts
from ncnc_core.temporal.pair_features import pair_features
from tests.fixtures.evolving_graphs import pairs_of, random_events, same_times

EDGES = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])


def parts(features: torch.Tensor | None = None, weight: torch.Tensor | None = None) -> ModelParts:
    config = ModelConfig(hidden_channels=4, structural_features=False if features is not None else None)
    network = LinkNetwork(config, num_features=0 if features is None else features.shape[1])
    return ModelParts(config, network, Adjacency.from_edges(EDGES, 5, weight), features, list("abcde"))


def test_sparse_features_come_back_sparse_and_the_same(tmp_path: Path) -> None:
    features = torch.tensor([[0.0, 1.5, 0.0], [0.0] * 3, [2.5, 0.0, 0.0], [0.0] * 3, [0.0, 0.0, 1.0]]).to_sparse_csr()
    save_parts(parts(features), tmp_path)
    found = load_parts(tmp_path).features
    assert found is not None
    assert found.layout == torch.sparse_csr
    assert torch.equal(found.to_dense(), features.to_dense())


def test_edge_weights_come_back_at_their_edges(tmp_path: Path) -> None:
    before = parts(weight=torch.tensor([0.5, 1.5, 2.5, 3.5]))
    save_parts(before, tmp_path)
    after = load_parts(tmp_path).adjacency
    assert torch.equal(after.keys, before.adjacency.keys)
    assert after.weight is not None
    assert torch.equal(after.weight, before.adjacency.weight)  # type: ignore[arg-type]


def test_weights_of_the_network_come_back_bit_for_bit(tmp_path: Path) -> None:
    before = parts(torch.rand(5, 3))
    save_parts(before, tmp_path)
    after = load_parts(tmp_path)
    assert after.config == before.config
    assert after.node_ids == before.node_ids
    assert not after.network.training
    for name, tensor in before.network.state_dict().items():
        assert torch.equal(after.network.state_dict()[name], tensor)


def test_the_calibration_comes_back_and_a_folder_from_before_there_was_one_has_none(tmp_path: Path) -> None:
    save_parts(replace(parts(), calibration=ScoreCalibration(0.1, -2 / 3)), tmp_path / "new")
    assert load_parts(tmp_path / "new").calibration == ScoreCalibration(0.1, -2 / 3)
    save_parts(parts(), tmp_path / "old")
    assert "calibration" not in json.loads((tmp_path / "old" / "model.json").read_text())
    assert load_parts(tmp_path / "old").calibration is None


def test_what_comes_back_lies_in_memory_as_torch_aligns_it(tmp_path: Path) -> None:
    save_parts(parts(torch.rand(5, 3)), tmp_path)
    after = load_parts(tmp_path)
    # As a file lays them out they stood at odd addresses, and on AVX2 a loaded model's scores differed in the last bit.
    for tensor in (*after.network.state_dict().values(), after.features):
        assert tensor is not None
        assert tensor.data_ptr() % 64 == 0


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (FORMAT + 1, "It was written by a newer version: upgrade this one"),
        (1, "Load it with the version that wrote it, or train again"),
        (None, "Load it with the version that wrote it"),
    ],
)
def test_another_format_is_refused_and_the_remedy_depends_on_its_age(
    tmp_path: Path, number: int | None, remedy: str
) -> None:
    save_parts(parts(), tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**description, "format": number}))
    with pytest.raises(
        InvalidGraph, match=rf"format {number}, and this version.*reads the formats 2 to {FORMAT}\. {remedy[:20]}"
    ):
        load_parts(tmp_path)


def test_incomplete_folder_names_the_missing_file(tmp_path: Path) -> None:
    save_parts(parts(), tmp_path)
    (tmp_path / "graph.safetensors").unlink()
    with pytest.raises(InvalidGraph, match=r"lacks graph\.safetensors\. Give the folder"):
        load_parts(tmp_path)


def test_a_configuration_of_another_version_is_refused_with_the_field(tmp_path: Path) -> None:
    save_parts(parts(), tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    description["config"]["attention_heads"] = 4
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(InvalidGraph, match=r"does not know \(attention_heads: .*\)\. Load it with the version"):
        load_parts(tmp_path)


def test_reading_draws_no_random_numbers_and_leaves_weights_that_can_be_trained(tmp_path: Path) -> None:
    save_parts(parts(), tmp_path)
    before = torch.get_rng_state()
    network = load_parts(tmp_path).network
    assert torch.equal(torch.get_rng_state(), before)
    assert {one.device.type for one in [*network.parameters(), *network.buffers()]} == {"cpu"}
    assert all(one.requires_grad for one in network.parameters())


def without_digests(folder: Path) -> None:
    """Make a folder of format 2 of it."""
    description = json.loads((folder / "model.json").read_text())
    del description["sha256"]
    (folder / "model.json").write_text(json.dumps({**description, "format": 2}))


@pytest.mark.parametrize("name", ["weights.safetensors", "graph.safetensors"])
@pytest.mark.parametrize("kept", [0, 5, 100])
def test_a_file_cut_short_is_refused_with_its_size(tmp_path: Path, name: str, kept: int) -> None:
    save_parts(parts(), tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:kept])
    with pytest.raises(
        InvalidGraph, match=rf"{name} is not the file .*damaged \({kept} bytes\).*Copy the folder again"
    ):
        load_parts(tmp_path)
    without_digests(tmp_path)
    with pytest.raises(InvalidGraph, match=rf"{name} is cut short or damaged: {kept} bytes .*Copy the folder again"):
        load_parts(tmp_path)


def test_a_folder_without_digests_is_read_as_before(tmp_path: Path) -> None:
    save_parts(parts(), tmp_path)
    without_digests(tmp_path)
    assert load_parts(tmp_path).node_ids == list("abcde")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model.json", lambda text: text[: len(text) // 2]),
        ("model.json", lambda text: text.replace('"num_nodes"', '"nodes"')),
        ("model.json", lambda text: text.replace('"num_features": 0', '"num_features": 3')),
        ("model.json", lambda text: "[]"),
        ("model.json", lambda text: "\x00" * len(text)),
        ("node_ids.json", lambda text: text[:5]),
        ("node_ids.json", lambda text: '{"a": 1}'),
        ("node_ids.json", lambda text: '["a", null]'),
    ],
)
def test_damage_of_every_kind_is_an_invalid_graph(tmp_path: Path, name: str, change: Callable[[str], str]) -> None:
    save_parts(parts(), tmp_path)
    without_digests(tmp_path)  # so that the damage itself is met
    (tmp_path / name).write_text(change((tmp_path / name).read_text()))
    with pytest.raises(InvalidGraph, match=r"is damaged \(.*Copy the folder again|node_ids\.json holds"):
        load_parts(tmp_path)


def test_one_flipped_bit_is_found(tmp_path: Path) -> None:
    save_parts(parts(), tmp_path)
    path = tmp_path / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidGraph, match=r"weights\.safetensors is not the file that was saved with model\.json"):
        load_parts(tmp_path)


def test_a_save_that_fails_leaves_the_model_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_parts(parts(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved_model, "_graph_tensors", no_room)
    with pytest.raises(OSError, match="No space left"):
        save_parts(parts(weight=torch.rand(4)), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("renamed", [1, 2, 3])
def test_a_save_that_is_killed_between_two_renames_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    save_parts(parts(), tmp_path)
    replace_file, count = Path.replace, iter(range(10))

    def killed(path: Path, target: Path) -> Path:
        if next(count) == renamed:
            raise KeyboardInterrupt
        return replace_file(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_parts(replace(parts(weight=torch.rand(4)), node_ids=list("vwxyz")), tmp_path)
    with pytest.raises(InvalidGraph, match=r"is not the file that was saved with model\.json.*or of another save"):
        load_parts(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_neither_saved_nor_read(tmp_path: Path, value: float) -> None:
    whole = parts()
    save_parts(whole, tmp_path / "whole")
    name, tensor = next((name, one) for name, one in whole.network.state_dict().items() if one.dim())
    tensor.view(-1)[0] = value
    with pytest.raises(InvalidGraph, match=rf"The model has weights that are not finite: 1 of {tensor.numel()} in"):
        save_parts(whole, tmp_path / "broken")
    assert not (tmp_path / "broken").exists()
    save_file(whole.network.state_dict(), tmp_path / "whole" / "weights.safetensors")
    without_digests(tmp_path / "whole")
    with pytest.raises(InvalidGraph, match=rf"whole has weights that are not finite: 1 of \d+ in {name}\. Train again"):
        load_parts(tmp_path / "whole")


def test_the_scale_of_features_comes_back_and_a_folder_from_before_there_was_one_reads_them_raw(tmp_path: Path) -> None:
    given = parts(torch.rand(5, 3))
    assert given.network.standard is not None
    given.network.standard.fit(torch.rand(5, 3) * 1000, torch.ones(5, dtype=torch.bool))
    save_parts(given, tmp_path / "new")
    after = load_parts(tmp_path / "new").network.standard
    assert after is not None
    assert torch.equal(after.mean, given.network.standard.mean)

    raw = given.config.model_copy(update={"standardize_features": False})
    save_parts(replace(given, config=raw, network=LinkNetwork(raw, num_features=3)), tmp_path / "old")
    described = json.loads((tmp_path / "old" / "model.json").read_text())
    del described["config"]["standardize_features"]
    (tmp_path / "old" / "model.json").write_text(json.dumps(described))
    old = load_parts(tmp_path / "old")
    assert old.network.standard is None
    assert not old.config.standardize_features


def test_a_temporal_model_from_before_there_was_a_choice_reads_where_nodes_lie_and_scores_as_it_did(
    tmp_path: Path,
) -> None:
    graph = EventHistory.of_events(*random_events(0), 30).graph_at(25)
    config = ModelConfig(predictor="temporal_ncn", hidden_channels=4, spectral_proximity=True)
    network = TemporalNetwork(config, num_features=0)
    network.pair_scale.fit(pair_features(network.timed(graph), pairs_of(30, 80)).values)
    save_parts(ModelParts(config, network, graph, None, list(range(30))), tmp_path)
    described = json.loads((tmp_path / "model.json").read_text())
    del described["config"]["spectral_proximity"]
    (tmp_path / "model.json").write_text(json.dumps({**described, "format": 3}))
    old = load_parts(tmp_path)
    assert isinstance(old.network, TemporalNetwork)
    assert "place in the graph" in old.network.groups
    asked = pairs_of(30, 20, seed=1)
    first, second = (
        score_pairs(one, node_levels(one, None, at), at, asked)
        for one, at in ((network.eval(), graph), (old.network, old.adjacency))
    )
    assert torch.equal(first, second)


def test_times_come_back_at_their_edges_and_the_clock_with_them(tmp_path: Path) -> None:
    ends, time = random_events(0)
    graph = EventHistory.of_events(ends, time, 30).graph_at(25)
    config = ModelConfig(predictor="temporal_ncn", hidden_channels=4)
    network = TemporalNetwork(config, num_features=0)
    network.window.fill_(17)
    network.pair_scale.fit(torch.rand(80, network.pair_scale.mean.numel()))
    save_parts(ModelParts(config, network, graph, None, list(range(30))), tmp_path)
    found = load_parts(tmp_path)
    assert isinstance(found.network, TemporalNetwork)
    assert all(torch.equal(one, found.network.state_dict()[name]) for name, one in network.state_dict().items())
    assert torch.equal(found.adjacency.column, graph.column)
    assert same_times(found.adjacency.times, graph.times)
    save_parts(parts(), tmp_path)
    assert load_parts(tmp_path).adjacency.times is None


def test_directions_come_back_with_their_events_and_a_format_without_them_is_read(tmp_path: Path) -> None:
    ends, time = random_events(0)
    graph = EventHistory.of_events(ends, time, 30, directed=True).graph_at(25)
    config = ModelConfig(predictor="temporal_ncn", hidden_channels=4, edge_directions=True)
    network = TemporalNetwork(config, num_features=0)
    network.pair_scale.fit(torch.rand(80, network.pair_scale.mean.numel()))
    save_parts(ModelParts(config, network, graph, None, list(range(30))), tmp_path / "new")
    found = load_parts(tmp_path / "new")
    assert found.config.edge_directions
    assert same_times(found.adjacency.times, graph.times)

    plain = config.model_copy(update={"edge_directions": False})
    graph = EventHistory.of_events(ends, time, 30).graph_at(25)
    save_parts(
        ModelParts(plain, TemporalNetwork(plain, num_features=0), graph, None, list(range(30))), tmp_path / "old"
    )
    described = json.loads((tmp_path / "old" / "model.json").read_text())
    del described["config"]["edge_directions"]
    (tmp_path / "old" / "model.json").write_text(json.dumps(described | {"format": 3}))
    old = load_parts(tmp_path / "old")
    assert not old.config.edge_directions
    assert old.adjacency.times is not None
    assert old.adjacency.times.sent is None
