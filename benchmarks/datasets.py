"""The published data sets, read from the folder that holds them; nothing is downloaded and nothing is copied."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import scipy.io
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.io import read_planetoid_data

from ncnc_core.graph.adjacency import Adjacency

BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[2] / "shared" / "data"


class MissingData(Exception):
    """A data set is in none of the places where one is looked for."""


def dataset_path(name: str) -> Path:
    """Return a file or folder of $NCNC_DATA_DIR, or else of ../shared/data beside the checkout.

    Raises:
        MissingData: neither place has it; the message names both.
    """
    given = os.environ.get("NCNC_DATA_DIR")
    places = [*([Path(given)] if given else []), BESIDE_THE_CHECKOUT]
    for place in places:
        if (place / name).exists():
            return place / name
    wanted = " nor in ".join(str(place) for place in places)
    first = "" if given else "NCNC_DATA_DIR is not set, and "
    raise MissingData(f"{first}there is no {name} in {wanted}. Put it there, or set NCNC_DATA_DIR to a folder with it.")


def load(name: str) -> Data:
    """Return a data set as PyG's `Data`: num_nodes, edge_index with each undirected edge once, x where it has features.

    Edges are sorted, source < target, without loops and repeats. ogbl_ddi's edge_index are its training edges alone,
    and `valid_edges`, `valid_negatives`, `test_edges`, `test_negatives` are its official split, each [2, pairs].

    Raises:
        MissingData: the files are not there.
        KeyError: there is no data set of this name; the message lists those there are.
    """
    if name not in DATASETS:
        raise KeyError(f"There is no data set {name!r}. There are: {', '.join(DATASETS)}.")
    return DATASETS[name]()


def _planetoid(name: str) -> Data:
    """Features as they are, not normalised by row. PyG reads the raw files, which are pickles of scipy matrices."""
    data = read_planetoid_data(str(dataset_path("planetoid")), name)
    return _undirected(data.edge_index, data.num_nodes, data.x.to(torch.float32))


def _seal(name: str) -> Data:
    net = scipy.io.loadmat(dataset_path(f"seal/{name}.mat"))["net"].tocoo()
    return _undirected(torch.from_numpy(np.stack([net.row, net.col]).astype(np.int64)), net.shape[0])


def _ogbl_ddi() -> Data:
    folder = dataset_path("ogbl_ddi")
    edges = pd.read_csv(folder / "raw" / "edge.csv.gz", header=None).to_numpy(dtype=np.int64)
    num_nodes = pd.read_csv(folder / "raw" / "num-node-list.csv.gz", header=None).to_numpy(dtype=np.int64).item()
    data = _undirected(torch.from_numpy(edges.T.copy()), num_nodes)
    # Legacy archives of numpy arrays: weights_only refuses them unless exactly these four names are allowed.
    rebuild = cast(Callable[..., object], np.empty(0).__reduce__()[0])
    allowed = (rebuild, "numpy.core.multiarray._reconstruct")
    with torch.serialization.safe_globals([allowed, np.ndarray, np.dtype, np.dtypes.Int64DType]):
        for side in ("valid", "test"):
            pairs = torch.load(folder / "split" / "target" / f"{side}.pt", weights_only=True)
            data[f"{side}_edges"], data[f"{side}_negatives"] = _columns(pairs["edge"]), _columns(pairs["edge_neg"])
    return data


def _ego_twitter() -> Data:
    """Read gzip text: a header line, then 1-based u,v."""
    with gzip.open(dataset_path("ego_twitter/ego-twitter-undirected.jlg"), "rt") as file:
        num_nodes = int(file.readline().split(",")[0])
        edges = pd.read_csv(file, header=None, usecols=[0, 1]).to_numpy(dtype=np.int64)
    return _undirected(torch.from_numpy(edges.T - 1), num_nodes)


def _columns(pairs: np.ndarray) -> Tensor:
    return torch.from_numpy(pairs).to(torch.int64).t().contiguous()


def _undirected(edges: Tensor, num_nodes: int, features: Tensor | None = None) -> Data:
    once = Adjacency.from_edges(edges, num_nodes).edges()
    return Data(x=features, edge_index=once, num_nodes=num_nodes)


DATASETS: dict[str, Callable[[], Data]] = {
    "cora": lambda: _planetoid("cora"),
    "citeseer": lambda: _planetoid("citeseer"),
    "usair": lambda: _seal("USAir"),
    "pb": lambda: _seal("PB"),
    "yeast": lambda: _seal("Yeast"),
    "power": lambda: _seal("Power"),
    "facebook": lambda: _seal("facebook"),
    "ogbl_ddi": _ogbl_ddi,
    "ego_twitter": _ego_twitter,
}
