"""The split in memory and in its file: which pairs train, validate and test, and the graphs they are scored on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import pyarrow as pa
import torch
from safetensors.torch import load, save
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency

SPLIT_FILE = "split.safetensors.zst"  # int32 where all values fit
FILE_OF_FORMAT_2 = "split.safetensors"  # int64, not compressed: four to five times as large


@dataclass(frozen=True, eq=False)
class SplitArrays:
    """Pairs are node positions, int64 [2, pairs]; the negatives of one edge are consecutive.

    train, valid, test [2, m]: the edges of each side. message_train, message_test [2, e]: the graph that the encoder
    sees while training and validating, and while testing. known_train [2, e]: the edges, also removed ones, that
    training negatives avoid. valid_negatives, test_negatives [2, m * k]. test_first_seen [m]: when each test edge
    first was, unix seconds.
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
        tensors = {field.name: _narrowed(getattr(self, field.name)).contiguous() for field in fields(self)}
        with pa.CompressedOutputStream(str(folder / SPLIT_FILE), "zstd") as out:
            out.write(save(tensors))

    @classmethod
    def load(cls, folder: Path) -> SplitArrays:
        """Read a split's file, also that of format 2."""
        if (before := folder / FILE_OF_FORMAT_2).is_file():
            return cls(**load(before.read_bytes()))
        with pa.CompressedInputStream(str(folder / SPLIT_FILE), "zstd") as packed:
            tensors = load(packed.read())
        return cls(**{name: tensor.long() for name, tensor in tensors.items()})

    def without_test(self) -> SplitArrays:
        """Return the split without anything of its test side, for those who must not see it."""
        none = self.test.new_zeros(2, 0)
        return replace(
            self, test=none, message_test=none, test_negatives=none, test_first_seen=self.test_first_seen.new_zeros(0)
        )

    def testing_graph(self, num_nodes: int) -> Adjacency:
        """Return the message graph of testing, the same for every model compared."""
        return Adjacency.from_edges(self.message_test, num_nodes)


def _narrowed(tensor: Tensor) -> Tensor:
    """Return positions or times in half the bytes where none is too large for it."""
    fits = tensor.numel() == 0 or torch.iinfo(torch.int32).min <= int(tensor.min()) <= int(tensor.max()) < 2**31
    return tensor.int() if fits else tensor
