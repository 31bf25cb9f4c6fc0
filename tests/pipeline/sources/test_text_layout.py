from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import InvalidInput
from pipeline.sources.text_layout import TextLayout, layout_of


def layout(tmp_path: Path, content: str, name: str = "edges.csv") -> TextLayout:
    path = tmp_path / name
    path.write_bytes(content.encode())
    return layout_of(path, name)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_header_and_one_delimiter_is_what_duckdb_reads(tmp_path: Path, delimiter: str) -> None:
    found = layout(tmp_path, f"source{delimiter}target\n1{delimiter}2\n")
    assert (found.plain, found.delimiter, found.columns) == (True, delimiter, ("source", "target"))


@pytest.mark.parametrize(
    ("content", "skip", "delimiter", "columns", "has_header"),
    [
        ("sep=;\nsource;target\n1;2\n", 1, ";", ("source", "target"), True),
        ("# Directed graph\n# FromNodeId\tToNodeId\n38\t42\n", 2, "\t", ("source", "target"), False),
        ("% sym unweighted\n38 42\n18 20\n", 1, None, ("source", "target"), False),
        ("38,42\n18,20\n", 0, ",", ("source", "target"), False),
        ("0 1\n0 2\n", 0, None, ("source", "target"), False),
        ("1 2 0.5 1217567877\n", 0, None, ("source", "target", "column3", "column4"), False),
        ("source target\n1 2\n", 0, None, ("source", "target"), True),
        ("source\t target\n1\t2\n", 0, "\t", ("source", " target"), True),
        ("# SNAP\n# FromNodeId\tToNodeId\tSign\n1\t2\t-1\n", 2, "\t", ("source", "target", "column3"), False),
        ("#id,source,target\n1,10,20\n", 1, ",", ("id", "source", "target"), False),
        ("# source target\nann bob\n", 1, None, ("source", "target"), False),
        ("5\n7\n", 0, ",", ("node",), False),
        ("user name\nann\n", 0, ",", ("user name",), True),
    ],
)
def test_layouts_of_public_edge_lists(
    tmp_path: Path, content: str, skip: int, delimiter: str | None, columns: tuple[str, ...], has_header: bool
) -> None:
    found = layout(tmp_path, content)
    assert (found.skip, found.delimiter, found.columns, found.has_header) == (skip, delimiter, columns, has_header)


def test_matrix_market_says_how_many_entries_follow(tmp_path: Path) -> None:
    found = layout(tmp_path, "%%MatrixMarket matrix coordinate real symmetric\n% by us\n60 60 3\n2 1 5\n", "g.mtx")
    assert (found.skip, found.columns, found.entries) == (3, ("source", "target", "weight"), 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0,1\n0,2\n", r"line 1 reads 0,1\. .*column numbers that pandas wrote.*Give the file a header"),
        ("source,target,source\n1,2,3\n", r"two columns called 'source'\. Rename one"),
        ("#source,target,source\n1,2,3\n", r"two columns called 'source'\. Rename one"),
        (
            "source,target\nann,bob,\nbob,cy,\n",
            r"header of 2 fields \(source, target\), but each row has more: \['a",
        ),
        ('a,b,c\n1,2,"x\n' + ("1,2," + "y" * 20_000 + "\n") * 95, r"cannot be read: field larger.*each quote closed"),
        ("source target weight\n1 10 20 0.5\n2 20 30 0.5\n", r"header of 3 fields.*R does so.*col\.names = NA"),
        ("%%MatrixMarket matrix array real general\n2 2\n", r"no list of coordinates.*Deliver `matrix coordinate`"),
        (
            "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 3 1\n",
            r"2 rows and 3 columns, so row 7 and column 7",
        ),
        ("%%MatrixMarket matrix coordinate real general\nx\n", r"line 2 is no size of a matrix"),
        ("# only a comment\n", r"line 2 is blank"),
        ("x" * (1 << 20) + "\n", r"1,048,576 characters or more.*with line ends"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=rf"edges\.csv.*{message}"):
        layout(tmp_path, content)


def test_packed_files_are_looked_into(tmp_path: Path) -> None:
    content = b"source\ttarget\n1\t2\n"
    packed = {".gz": gzip.compress(content), ".bz2": bz2.compress(content), ".zst": pa.compress(content, "zstd", True)}
    for suffix, data in packed.items():
        path = tmp_path / f"edges.tsv{suffix}"
        path.write_bytes(data)
        found = layout_of(path, path.name)
        assert (found.columns, found.plain) == (("source", "target"), suffix == ".gz")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_what_is_not_packed_as_its_name_says_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"edges.csv{suffix}"
    path.write_bytes(b"source,target\n1,2\n")
    with pytest.raises(InvalidInput, match=rf"edges\.csv\{suffix} cannot be read.*leave \{suffix} out of its name"):
        layout_of(path, path.name)
