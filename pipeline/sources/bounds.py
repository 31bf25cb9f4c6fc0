"""What reading a delivery may cost: bounds on its columns and on its size once it is unpacked."""

from __future__ import annotations

import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.formats import PACKED, is_typed
from pipeline.sources.taken_table import TakenTable
from pipeline.sources.text_layout import layout_of, opened_bytes

BLOCK_BYTES = 1 << 20
VALUE_BYTES = 8
HARMLESS_BYTES = 64 << 20  # up to this size no file is too much, however small it was packed


def expect_affordable(taken: TakenTable, params: SnapshotParams, *, columns: int, partly: bool) -> None:
    """Check the size of a table before it is read; nothing is unpacked beyond the bound.

    columns: how many will be read. partly: whether only a window of the rows will be.

    Raises:
        InvalidInput: its files are larger than `maximum_source_gib`, one has more columns than
            `maximum_source_columns`, or was packed to less than 1 / `maximum_source_expansion` of its size.
    """
    bound = int(params.maximum_source_gib * 2**30)
    total = 0
    for file in taken.files:
        try:
            _expect_few_columns(file.path, file.name, params.maximum_source_columns)
            total += _size(file.path, file.name, bound - total, params.maximum_source_expansion, columns, partly=partly)
        except (EOFError, zlib.error, OSError, pa.ArrowInvalid):
            return  # broken: it is refused with its reason when it is opened
        if total > bound:
            raise InvalidInput(
                f"{taken.name} is larger than {params.maximum_source_gib:g} GiB when it is unpacked. If it is meant to "
                f"be, raise snapshot.maximum_source_gib in params.yaml; reading takes memory and disk of that order."
            )


def _expect_few_columns(path: Path, name: str, most: int) -> None:
    if path.suffix == ".parquet":
        count = len(pq.read_schema(path).names)
    elif is_typed(path) or path.stat().st_size == 0:
        return  # JSON names its columns in each row, and an empty file is refused when it is opened
    else:
        count = len(layout_of(path, name).columns)
    if count > most:
        raise InvalidInput(
            f"{name} has {count} columns, more than {most}. Each takes time, whether it is read or not. "
            f"Deliver only what is needed, or raise snapshot.maximum_source_columns in params.yaml."
        )


def _size(path: Path, name: str, bound: int, expansion: float, columns: int, *, partly: bool) -> int:
    """Return how many bytes a file comes to; more than `bound` is as good as its size."""
    if path.suffix == ".parquet":
        # Equal values take no room in such a file, whatever their number; read, each takes its own.
        return 0 if partly else pq.read_metadata(path).num_rows * columns * VALUE_BYTES
    packed = path.stat().st_size
    if path.suffix not in PACKED:
        return packed
    unpacked = 0
    with opened_bytes(path) as file:
        while unpacked <= bound and (block := file.read(BLOCK_BYTES)):
            unpacked += len(block)
            if unpacked > max(HARMLESS_BYTES, expansion * packed):
                raise InvalidInput(
                    f"{name} unpacks to more than {expansion:g} times its {packed} bytes, as no edge list does. If it "
                    f"is meant to, raise snapshot.maximum_source_expansion in params.yaml."
                )
    return unpacked
