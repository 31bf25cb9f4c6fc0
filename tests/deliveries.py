"""Deliveries built from the tables of small_graphs, row by row in plain Python: the oracle of what a source reads."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from pipeline.sources.delivery import Delivery, NodeTable, RowCounts


def delivered(
    edges: pd.DataFrame, nodes: pd.DataFrame | None = None, name: str = "edges.parquet", *, later: int = 0
) -> Delivery:
    """Return an edge table, with its column time where it has one, and a node table, as a delivery."""
    text = edges["source"].dtype.kind != "i"
    kind = object if text else np.int64
    times = edges["time"].tolist() if "time" in edges else [0] * len(edges)
    earliest: dict[tuple[object, object], int] = {}
    loops: list[str] = []
    again: list[str] = []
    for row, (a, b, time) in enumerate(zip(edges["source"].tolist(), edges["target"].tolist(), times, strict=True), 1):
        pair = (min(a, b), max(a, b))
        if a == b:
            loops.append(f"row {row}, {a} - {b}")
            continue
        if pair in earliest:
            again.append(f"row {row}, {a} - {b}")
        earliest[pair] = min(time, earliest.get(pair, time))
    ids = sorted(set(edges["source"]) | set(edges["target"]))
    code = {node: position for position, node in enumerate(ids)}
    pairs = sorted(earliest, key=lambda pair: (code[pair[0]], code[pair[1]]))
    return Delivery(
        edges_file=name,
        nodes_file="nodes.parquet" if nodes is not None else None,
        sha256=hashlib.sha256(edges.to_csv().encode()).hexdigest(),
        ids=np.array(ids, dtype=kind),
        low=np.array([code[low] for low, _ in pairs], dtype=np.int64),
        high=np.array([code[high] for _, high in pairs], dtype=np.int64),
        time=np.array([earliest[pair] for pair in pairs], dtype=np.int64) if "time" in edges else None,
        rows=RowCounts(
            read=len(edges) + later,
            self_loops=len(loops),
            repeated=len(again),
            later=later,
            first_self_loop=loops[0] if loops else "",
            first_repeated=again[0] if again else "",
        ),
        nodes=_node_table(nodes, kind) if nodes is not None else None,
        newest=max(times) if "time" in edges else None,
    )


def _node_table(nodes: pd.DataFrame, kind: type) -> NodeTable:
    columns = nodes.drop(columns=["node", "time"], errors="ignore")
    features = columns.to_numpy(dtype=np.float32) if len(columns.columns) else None
    times = nodes["time"].to_numpy(dtype=np.int64) if "time" in nodes else None
    return NodeTable(nodes["node"].to_numpy(dtype=kind), features, times, tuple(columns.columns))
