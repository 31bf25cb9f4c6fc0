"""Some nodes' rows of a feature table, whatever its form."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.kernels.neighbor_sampler import NO_LIMIT, thin_rows


def feature_rows(features: Tensor, nodes: Int64[Tensor, " nodes"]) -> Tensor:
    """Return the rows of these nodes, [nodes, features], or [nodes] of integer ids; sparse rows stay sparse.

    Only these rows are read, so a table may be memory-mapped: `torch.from_numpy(numpy.load(path, mmap_mode="c"))`.
    """
    if features.layout != torch.sparse_csr:
        return features.index_select(0, nodes.to(features.device))
    pointer, column = features.crow_indices().cpu().numpy(), features.col_indices().cpu().numpy()
    # torch selects no rows of compressed sparse tensors; whole rows are rows thinned to no limit.
    nothing = np.zeros(0, dtype=np.int64)
    untouched = np.zeros(features.shape[0], dtype=np.bool_)
    rows, entry, _ = thin_rows(pointer, column, nothing, untouched, nodes.cpu().numpy(), NO_LIMIT, np.uint64(0))
    chosen = torch.from_numpy(entry).to(features.device)
    return torch.sparse_csr_tensor(
        torch.from_numpy(rows).to(features.device),
        features.col_indices()[chosen],
        features.values()[chosen],
        size=(nodes.numel(), features.shape[1]),
        check_invariants=False,  # rows of a valid table are valid
    )
