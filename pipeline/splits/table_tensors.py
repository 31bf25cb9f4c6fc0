"""The edges of a snapshot and their times as tensors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.graphs.tables import GraphTables


class TableTensors(NamedTuple):
    """Every edge that a snapshot ever held, int64 [2, edges], and its times, int64 [edges], as in `GraphTables`."""

    edges: Tensor
    first_seen: Tensor
    alive_since: Tensor
    removed_at: Tensor

    @classmethod
    def of(cls, tables: GraphTables) -> TableTensors:
        """Return tensors in the memory of the tables, 40 bytes an edge; what is read-only there is copied."""
        arrays = (tables.edges, tables.first_seen, tables.alive_since, tables.removed_at)
        return cls(*(torch.from_numpy(np.require(array, requirements="W")) for array in arrays))
