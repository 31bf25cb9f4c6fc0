"""Deliveries built from the tables of small_graphs, as a source would have read them."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from pipeline.delivery import Delivery


def delivered(edges: pd.DataFrame, nodes: pd.DataFrame | None = None, name: str = "edges.parquet") -> Delivery:
    """Return an edge table, with its column time where it has one, and a node table, as a delivery."""
    text = edges["source"].dtype.kind != "i"
    kind = object if text else np.int64
    return Delivery(
        edges_file=name,
        nodes_file="nodes.parquet" if nodes is not None else None,
        sha256=hashlib.sha256(edges.to_csv().encode()).hexdigest(),
        source=edges["source"].to_numpy(dtype=kind),
        target=edges["target"].to_numpy(dtype=kind),
        time=edges["time"].to_numpy(dtype=np.int64) if "time" in edges else None,
        row=np.arange(len(edges)) + 1,
        node_ids=nodes["node"].to_numpy(dtype=kind) if nodes is not None else None,
        features=nodes.drop(columns="node").to_numpy(dtype=np.float32) if nodes is not None else None,
    )
