from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
import torch
from safetensors.torch import save

from pipeline.splits.packed_tensors import fits_int32, read_tensors, write_tensors

TENSORS = {
    "train": torch.arange(20).view(2, 10),
    "nothing": torch.zeros(2, 0, dtype=torch.int64),
    "late": torch.tensor([2**31, 2**40]),
    "a_transposed": torch.arange(6).view(3, 2).T,
    "narrow": torch.tensor([[5, 6]], dtype=torch.int32),
}


def test_the_bytes_are_those_of_safetensors_written_at_once(tmp_path: Path) -> None:
    write_tensors(tmp_path / "parts", TENSORS)
    at_once = {name: (tensor.int() if fits_int32(tensor) else tensor).contiguous() for name, tensor in TENSORS.items()}
    with pa.CompressedOutputStream(str(tmp_path / "whole"), "zstd") as out:
        out.write(save(at_once))
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_tensors_come_back_as_they_are_stored(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", TENSORS)
    found = dict(read_tensors(tmp_path / "file"))
    assert {name: values.tolist() for name, values in found.items()} == {
        name: tensor.tolist() for name, tensor in TENSORS.items()
    }
    assert {name for name, values in found.items() if values.dtype.itemsize == 8} == {"late"}


@pytest.mark.parametrize(
    ("value", "fits"), [(2**31 - 1, True), (2**31, False), (-(2**31), True), (-(2**31) - 1, False)]
)
def test_what_fits_into_32_bits_is_told_at_the_bound(value: int, fits: bool) -> None:
    assert fits_int32(torch.tensor([0, value])) is fits
