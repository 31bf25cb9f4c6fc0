from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from pipeline.graphs.tables import STILL_ALIVE, GraphTables
from pipeline.runs.refreshed_model import refreshed_model, save_refreshed

TIMES = np.full(5, 100)


def tables(*, features: int = 0) -> GraphTables:
    """A path of five nodes with one chord, whose edge 30-40 is gone."""
    edges = np.array([[0, 1, 2, 3, 0], [1, 2, 3, 4, 2]])
    removed = np.array([STILL_ALIVE, STILL_ALIVE, 200, STILL_ALIVE, STILL_ALIVE])
    known = np.ones((5, features), dtype=np.float32) if features else None
    return GraphTables(np.array([10, 20, 30, 40, 50]), known, edges, TIMES, removed, TIMES)


def test_weights_are_served_on_the_living_edges_and_on_the_features_of_now(make_model: Callable[..., Path]) -> None:
    source = LinkModel.load(make_model(num_features=3))
    found = refreshed_model(source, tables(features=3))
    assert list(found.node_ids) == [10, 20, 30, 40, 50]
    assert found.adjacency.edges().T.tolist() == [[0, 1], [0, 2], [1, 2], [3, 4]]
    assert found.features is not None
    assert found.features.tolist() == [[1.0] * 3] * 5
    state = source.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in found.network.state_dict().items())


def test_refresh_is_made_again_bit_for_bit_and_keeps_the_weights_file(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    source = make_model()
    weights = source / "weights.safetensors"
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        save_refreshed(source, tables(), tmp_path / name)
    for path in (tmp_path / "once").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    assert (tmp_path / "once" / "weights.safetensors").read_bytes() == weights.read_bytes()
    assert LinkModel.load(tmp_path / "once").num_nodes == 5


def test_graph_of_other_features_does_not_take_the_weights(make_model: Callable[..., Path]) -> None:
    source = LinkModel.load(make_model(num_features=3))
    with pytest.raises(
        InvalidGraph, match=r"features of shape \[4, 3\], and this graph's \[5, 2\]. Give the same columns"
    ):
        refreshed_model(source, tables(features=2))
    with pytest.raises(InvalidGraph, match=r"this graph's none"):
        refreshed_model(source, tables())
    assert source.on_graph(Adjacency.from_edges(torch.tensor([[0], [1]]), 2), torch.ones(2, 3), [1, 2]).num_nodes == 2
