from pathlib import Path

import ibis
import pytest

from pipeline.csv_table import open_csv
from pipeline.errors import InvalidInput

ROWS = [{"source": "a", "target": "b"}, {"source": "c", "target": "d"}]


def rows(tmp_path: Path, content: bytes) -> list[dict[str, str | None]]:
    path = tmp_path / "e.csv"
    path.write_bytes(content)
    connection = ibis.duckdb.connect()
    try:
        found: list[dict[str, str | None]] = open_csv(connection, path, "e.csv").to_pyarrow().to_pylist()
    finally:
        connection.disconnect()
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_that_of_the_header(tmp_path: Path, delimiter: str) -> None:
    assert rows(tmp_path, f"source{delimiter}target\na{delimiter}b\nc{delimiter}d\n".encode()) == ROWS


@pytest.mark.parametrize(
    "content",
    [
        b"source,target\r\na,b\r\nc,d\r\n",
        b"source,target\ra,b\rc,d\r",
        b"\xef\xbb\xbfsource,target\na,b\nc,d",
        b'"source","target"\n"a","b"\n"c",d\n\n',
    ],
)
def test_line_ends_byte_order_mark_and_quotes_do_not_matter(tmp_path: Path, content: bytes) -> None:
    assert rows(tmp_path, content) == ROWS


def test_no_row_is_taken_for_a_comment_and_a_quoted_field_is_one_field(tmp_path: Path) -> None:
    found = rows(tmp_path, b'source,target\n#a,"b,\n""b"\n')
    assert found == [{"source": "#a", "target": 'b,\n"b'}]


def test_nameless_and_repeated_columns_get_names_of_their_own(tmp_path: Path) -> None:
    assert list(rows(tmp_path, b",source,Source,target\n0,a,x,b\n")[0]) == ["column0", "source", "Source_2", "target"]


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert rows(tmp_path, b"node\na\n") == [{"node": "a"}]


def test_blank_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"e\.csv, line 1 is blank \('  '\)\. Deliver the file with its header"):
        rows(tmp_path, b"  \na,b\n")
