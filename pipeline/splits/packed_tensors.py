"""Whole numbers by name in one compressed file, written and read with one tensor in memory at a time.

The bytes are those of `safetensors.torch.save`, which holds all of them at once, and the file beside them: 2 GiB of a
split of ten million edges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

# In the order in which safetensors lays them out.
KINDS: dict[str, np.dtype[Any]] = {"I64": np.dtype("<i8"), "I32": np.dtype("<i4")}  # Any: one of int64 and int32
HEADER_ALIGNMENT = 8


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write int64 or int32 tensors, those as int32 whose values all fit; equal tensors give equal bytes."""
    kinds = {name: "I32" if fits_int32(tensor) else "I64" for name, tensor in tensors.items()}
    order = sorted(tensors, key=lambda name: (list(KINDS).index(kinds[name]), name))
    with pa.CompressedOutputStream(str(path), "zstd") as out:
        out.write(_header(order, kinds, tensors))
        for name in order:
            out.write(pa.py_buffer(np.ascontiguousarray(tensors[name].numpy(), KINDS[kinds[name]])))


def read_tensors(path: Path) -> Iterator[tuple[str, NDArray[np.int64] | NDArray[np.int32]]]:
    """Yield the tensors by name, read-only, as they are stored, in the order of the file."""
    with pa.CompressedInputStream(str(path), "zstd") as packed:
        header: dict[str, Any] = json.loads(packed.read(int.from_bytes(packed.read(8), "little")))
        header.pop("__metadata__", None)
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            start, stop = entry["data_offsets"]
            yield name, np.frombuffer(packed.read(stop - start), KINDS[entry["dtype"]]).reshape(entry["shape"])


def fits_int32(tensor: Tensor) -> bool:
    """Say whether all values fit into 32 bits."""
    limits = torch.iinfo(torch.int32)
    return tensor.numel() == 0 or (limits.min <= int(tensor.min()) and int(tensor.max()) <= limits.max)


def _header(order: list[str], kinds: Mapping[str, str], tensors: Mapping[str, Tensor]) -> bytes:
    entries, start = {}, 0
    for name in order:
        stop = start + tensors[name].numel() * KINDS[kinds[name]].itemsize
        entries[name] = {"dtype": kinds[name], "shape": list(tensors[name].shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % HEADER_ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
