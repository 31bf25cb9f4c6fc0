"""The split in memory and in its file: which pairs train, validate and test, and the graphs they are scored on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from pipeline.splits.packed_tensors import read_tensors, write_tensors

SPLIT_FILE = "split.safetensors.zst"  # int32 where all values fit
FILE_OF_FORMAT_2 = "split.safetensors"  # int64, not compressed: four to five times as large


@dataclass(frozen=True, eq=False)
class SplitArrays:
    """Pairs are node positions, int64 [2, pairs]; the negatives of one edge are consecutive.

    train, valid, test [2, m]: the edges of each side. message_train, message_test [2, e]: the graph that the encoder
    sees while training and validating, and while testing. known_train [2, e]: the edges, also removed ones, that
    training negatives avoid. valid_negatives, test_negatives [2, m * k]. test_first_seen [m]: when each test edge
    first was, unix seconds. While a split is made its negatives are int32 where that is enough, and while it is
    certified all of it.
    """

    train: Tensor
    valid: Tensor
    test: Tensor
    message_train: Tensor
    message_test: Tensor
    known_train: Tensor
    valid_negatives: Tensor
    test_negatives: Tensor
    test_first_seen: Tensor

    def save(self, folder: Path) -> None:
        """Write the one file of a split; equal splits give equal bytes."""
        write_tensors(folder / SPLIT_FILE, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, folder: Path, *, narrow: bool = False) -> SplitArrays:
        """Read a split's file, also that of format 2; with `narrow`, in as many bits as it is stored in."""
        if (before := folder / FILE_OF_FORMAT_2).is_file():
            return cls(**load(before.read_bytes()))
        tensors = {}
        for name, values in read_tensors(folder / SPLIT_FILE):
            tensors[name] = torch.from_numpy(values.astype(values.dtype if narrow else np.int64))
        return cls(**tensors)

    def without_test(self) -> SplitArrays:
        """Return the split without anything of its test side, for those who must not see it."""
        none = self.test.new_zeros(2, 0)
        return replace(
            self, test=none, message_test=none, test_negatives=none, test_first_seen=self.test_first_seen.new_zeros(0)
        )

    def testing_graph(self, num_nodes: int) -> Adjacency:
        """Return the message graph of testing, the same for every model compared."""
        return Adjacency.from_edges(self.message_test, num_nodes)
