from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
import torch

from benchmarks import datasets
from benchmarks.datasets import MissingData, dataset_path, load
from ncnc_core.graph.adjacency import contains_keys, pair_keys


def present(name: str) -> bool:
    try:
        dataset_path(name)
    except MissingData:
        return False
    return True


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not present(name), reason=f"{name} is neither in $NCNC_DATA_DIR nor in ../shared/data beside the checkout"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NCNC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(datasets, "BESIDE_THE_CHECKOUT", tmp_path / "beside")
    return tmp_path


def test_a_missing_data_set_is_told_with_both_places(folder: Path) -> None:
    places = rf"no seal/USAir\.mat in {folder} nor in {folder / 'beside'}\. Put it there, or set NCNC_DATA_DIR"
    with pytest.raises(MissingData, match=places):
        load("usair")


def test_an_unset_variable_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NCNC_DATA_DIR")
    with pytest.raises(MissingData, match=rf"NCNC_DATA_DIR is not set, and there is no x in {folder / 'beside'}"):
        dataset_path("x")


def test_the_variable_goes_before_the_folder_beside_the_checkout(folder: Path) -> None:
    (folder / "beside").mkdir()
    (folder / "beside" / "x").touch()
    assert dataset_path("x") == folder / "beside" / "x"
    (folder / "x").touch()
    assert dataset_path("x") == folder / "x"


def test_an_unknown_data_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no data set 'corra'. There are: cora, citeseer"):
        load("corra")


def test_a_matrix_gives_each_undirected_edge_once(folder: Path) -> None:
    (folder / "seal").mkdir()
    net = scipy.sparse.coo_array((np.ones(5), ([2, 0, 1, 1, 3], [0, 2, 1, 2, 1])), shape=(5, 5)).tocsc()
    scipy.io.savemat(folder / "seal" / "USAir.mat", {"net": net})
    data = load("usair")
    assert data.edge_index.tolist() == [[0, 1, 1], [2, 2, 3]]  # the loop at 1 and the second direction of 0-2 are gone
    assert (data.num_nodes, data.x) == (5, None)


def test_the_follower_graph_is_read_from_one_based_text(folder: Path) -> None:
    (folder / "ego_twitter").mkdir()
    with gzip.open(folder / "ego_twitter" / "ego-twitter-undirected.jlg", "wt") as file:
        file.write("4,3,u,graph\n1,2\n4,2\n3,3\n")
    data = load("ego_twitter")
    assert data.edge_index.tolist() == [[0, 1], [1, 3]]
    assert data.num_nodes == 4


@pytest.mark.parametrize(
    ("name", "file", "nodes", "edges", "features"),
    [
        pytest.param("cora", "planetoid", 2708, 5278, 1433, marks=needs("planetoid")),
        pytest.param("citeseer", "planetoid", 3327, 4552, 3703, marks=needs("planetoid")),
        pytest.param("usair", "seal", 332, 2126, None, marks=needs("seal")),
        pytest.param("pb", "seal", 1222, 16714, None, marks=needs("seal")),
        pytest.param("yeast", "seal", 2375, 11693, None, marks=needs("seal")),
        pytest.param("power", "seal", 4941, 6594, None, marks=needs("seal")),
    ],
)
def test_the_published_data_sets_have_their_published_sizes(
    name: str, file: str, nodes: int, edges: int, features: int | None
) -> None:
    data = load(name)
    assert (data.num_nodes, data.edge_index.shape[1]) == (nodes, edges), file
    assert (None if data.x is None else data.x.shape) == (None if features is None else (nodes, features))
    if data.x is not None:
        assert data.x.unique().tolist() == [0.0, 1.0]  # raw: not normalised by row


@needs("ogbl_ddi")
def test_ddi_comes_with_its_official_split() -> None:
    data = load("ogbl_ddi")
    sides = ("edge_index", "valid_edges", "valid_negatives", "test_edges", "test_negatives")
    assert [data[side].shape[1] for side in sides] == [1067911, 133489, 101882, 133489, 95599]
    train = pair_keys(data.edge_index, data.num_nodes).sort().values
    for side in sides[1:]:
        assert not contains_keys(train, pair_keys(data[side], data.num_nodes)).any()
    assert data.num_nodes == 4267
    assert torch.equal(data.edge_index[0], data.edge_index[0].sort().values)
