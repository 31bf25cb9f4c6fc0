"""The digest of what was taken, where no file's bytes say it: the same rows in any order have the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.delivery import Ids, NodeTable, RowCounts


def digest_of_edges(ids: Ids, pairs: Sequence[NDArray[np.int64]], rows: RowCounts, *, scope: str) -> str:
    """Return the sha256 over what the rows of an edge table came to; scope: which part of the source they are."""
    said = [rows.read, rows.self_loops, rows.repeated, rows.reciprocal, rows.left_out]
    digest = hashlib.sha256(f"ncnc events 1 {scope} {said} {len(ids)} {len(pairs)}\n".encode())
    digest.update(json.dumps(ids.tolist()).encode())
    for values in pairs:
        digest.update(np.ascontiguousarray(values, dtype="<i8").data)
    return digest.hexdigest()


def digest_of_nodes(nodes: NodeTable) -> str:
    """Return the sha256 over a node table in the order of its ids."""
    order = np.argsort(nodes.ids, kind="stable")
    digest = hashlib.sha256(f"ncnc nodes 1 {len(order)}\n".encode())
    digest.update(json.dumps(nodes.ids[order].tolist()).encode())
    if nodes.features is not None:
        digest.update(np.ascontiguousarray(nodes.features[order], dtype="<f4").data)
    if nodes.times is not None:
        digest.update(np.ascontiguousarray(nodes.times[order], dtype="<i8").data)
    return digest.hexdigest()
