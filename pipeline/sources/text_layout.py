"""How a text file of rows is laid out: comments, delimiter, header or none; recognised by its first lines."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from pipeline.errors import InvalidInput

DELIMITERS = (",", ";", "\t", "|")
COMMENTS = ("#", "%")
PLACED = ("source", "target")  # the first columns of a file without a header
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
LIST_NAME = re.compile("list|features", re.IGNORECASE)  # of a last column that stands for several, as in JODIE
SAMPLE_LINES = 100
LINE_CHARACTERS = 1 << 20  # a longer line is no header
csv.field_size_limit(LINE_CHARACTERS)  # split at a wrong delimiter, a line is one field
MATRIX_MARKET = "%%MatrixMarket"


@dataclass(frozen=True)
class TextLayout:
    """The layout of one file.

    skip: the lines before the header, or before the first row where there is none. delimiter: None stands for blanks
    and tabs in any number. columns: their names; without a header `source`, `target`, `column3` and so on. has_header:
    whether the first line after the skipped ones names them. open_ended: whether each row has more fields than the
    header, whose last name says that it is a list. entries: how many rows the file says that it has, if it says so.
    plain: whether DuckDB reads it as it is.
    """

    skip: int
    delimiter: str | None
    columns: tuple[str, ...]
    has_header: bool
    open_ended: bool = False
    entries: int | None = None
    plain: bool = False

    def fields(self, lines: Iterator[str], *, whole: bool = False) -> Iterator[list[str]]:
        """Yield the fields of each row that is not blank.

        whole: the lines go to the end of the file, so that a quote without an end is an error of `csv`. Else it would
        swallow the rows after it.
        """
        if self.delimiter is None:
            return (row for row in (line.split() for line in lines) if row)
        return (row for row in csv.reader(lines, delimiter=self.delimiter, strict=whole) if row)


def layout_of(path: Path, name: str) -> TextLayout:
    """Recognise the layout of a text file; name: what messages call it.

    Raises:
        InvalidInput: the file cannot be read, its first line is blank or no row, or it is not known whether its first
            line is a header.
    """
    with opened_text(path, name) as text:
        lines = list(itertools.takewhile(bool, (text.readline(LINE_CHARACTERS) for _ in range(SAMPLE_LINES))))
        return _recognised(path, name, lines, unix_and_dos=isinstance(text.newlines, tuple))


def _recognised(path: Path, name: str, lines: list[str], *, unix_and_dos: bool) -> TextLayout:
    if lines and lines[0].startswith(MATRIX_MARKET):
        return _matrix_market(lines, name)
    if lines and (given := re.fullmatch(r"sep=(.)\s*", lines[0])):
        return _with_header(lines, 1, given[1], name)
    skip = sum(1 for _ in itertools.takewhile(lambda line: line.startswith(COMMENTS), lines))
    first = next(iter(lines[skip:]), "")
    if len(first) >= LINE_CHARACTERS:
        raise InvalidInput(
            f"{name}, line {skip + 1} has {LINE_CHARACTERS:,} characters or more, which is neither a header nor a row. "
            f"Deliver the file with line ends, and its header in the first line."
        )
    blank = first.rstrip("\n")
    if not blank.strip():
        raise InvalidInput(
            f"{name}, line {skip + 1} is blank ({blank!r}). Deliver the file with its header in that line, "
            f"and its rows after it."
        )
    delimiter = _delimiter(lines[skip:])
    fields = next(TextLayout(skip, delimiter, (), has_header=False).fields(iter([first])))
    if named := _named_by_comment(lines[:skip], delimiter, len(fields), name):
        return TextLayout(skip, delimiter, named, has_header=False)
    if all(NUMBER.fullmatch(field.strip()) for field in fields):
        return TextLayout(skip, delimiter, _positions(fields, name, skip, delimiter), has_header=False)
    found = _with_header(lines, skip, delimiter, name)
    plain = skip == 0 and delimiter is not None and not found.open_ended and not unix_and_dos
    return TextLayout(
        skip, delimiter, found.columns, True, found.open_ended, plain=plain and path.suffix in (".csv", ".tsv", ".gz")
    )


@contextmanager
def opened_text(path: Path, name: str) -> Iterator[io.TextIOWrapper]:
    """Open a text file, unpacked by its suffix, with any line ends; errors within the block name the file.

    Raises:
        InvalidInput: it cannot be unpacked, or is not UTF-8.
    """
    try:
        with opened_bytes(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline=None) as text:
            yield text
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError, pa.ArrowInvalid) as error:
        raise InvalidInput(
            f"{name} cannot be read: {error}. Deliver a whole {path.suffix} file, or leave {path.suffix} out of its "
            f"name if it is not packed."
        ) from error
    except csv.Error as error:
        raise InvalidInput(
            f"{name} cannot be read: {error}. Deliver CSV with each row on a line of its own, and each quote closed."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8: {error}. Deliver the file encoded as UTF-8.") from error


def opened_bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacked by its suffix: .gz, .bz2, .zst or none of them."""
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if path.suffix == ".bz2":
        return cast(IO[bytes], bz2.open(path, "rb"))
    if path.suffix == ".zst":
        return cast(IO[bytes], io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")


def _with_header(lines: list[str], skip: int, delimiter: str | None, name: str) -> TextLayout:
    layout = TextLayout(skip, delimiter, (), has_header=True)
    rows = list(itertools.islice(layout.fields(iter(lines[skip:])), SAMPLE_LINES))
    header = tuple(field.strip() if delimiter is None else field for field in rows[0]) if rows else ()
    expect_distinct(header, name)
    # The last line of the sample may be cut off within a quoted field.
    open_ended = len(rows) > 1 and all(len(row) > len(header) > 1 for row in rows[1:][: SAMPLE_LINES - 2])
    if open_ended and not LIST_NAME.search(header[-1]):
        # Which fields the names belong to is not known: R names its rows in a first field that its header lacks.
        raise InvalidInput(
            f"{name} has a header of {len(header)} fields ({', '.join(header)}), but each row has more: "
            f"{rows[1][: len(header) + 1]}. Name every field in the header; R does so with write.csv, or with "
            f"write.table(..., col.names = NA). Only a last name that says list or features may stand for several."
        )
    return TextLayout(skip, delimiter, header, has_header=True, open_ended=open_ended)


def _delimiter(lines: list[str]) -> str | None:
    """Return the delimiter that splits the first line into most fields; None: blanks, where none of them splits it."""
    best = max(DELIMITERS, key=lambda candidate: len(next(csv.reader(lines[:1], delimiter=candidate))))
    if len(next(csv.reader(lines[:1], delimiter=best))) > 1:
        # A tab beside blanks: a comment in the style of SNAP is followed by rows of either.
        return best
    rows = [line.split() for line in lines if line.strip()]
    blanks = len(rows[0]) > 1 and all(len(row) >= len(rows[0]) for row in rows[:SAMPLE_LINES])
    return None if blanks else best


def _named_by_comment(comments: list[str], delimiter: str | None, width: int, name: str) -> tuple[str, ...] | None:
    """Return the names that the last comment gives the columns, if it names source, target and every other one."""
    if not comments:
        return None
    line = comments[-1].lstrip("".join(COMMENTS) + " ")
    found = next(TextLayout(0, delimiter, (), has_header=True).fields(iter([line])), [])
    names = tuple(field.strip() for field in found)
    if len(names) != width or not {"source", "target"} <= set(names):
        return None
    expect_distinct(names, name)
    return names


def _positions(fields: list[str], name: str, skip: int, delimiter: str | None) -> tuple[str, ...]:
    """Return names for the columns of a file without a header."""
    if len(fields) == 1:
        return ("node",)
    if delimiter == "," and skip == 0 and [field.strip() for field in fields] == [str(n) for n in range(len(fields))]:
        raise InvalidInput(
            f"{name}, line 1 reads {','.join(fields)}. That may be the first row, or column numbers that pandas wrote. "
            f"Give the file a header in its first line, for example source,target."
        )
    return (*PLACED, *(f"column{number}" for number in range(3, len(fields) + 1)))


def expect_distinct(header: Sequence[str], name: str) -> None:
    """Refuse a table two of whose columns have one name: which of them is meant cannot be told.

    Raises:
        InvalidInput: a name, blank ones excepted, stands twice.
    """
    named = [field for field in header if field.strip()]
    twice = next((field for position, field in enumerate(named) if field in named[:position]), None)
    if twice is not None:
        raise InvalidInput(f"{name} has two columns called {twice!r}. Rename one, so that it is clear which is meant.")


def _matrix_market(lines: list[str], name: str) -> TextLayout:
    words = lines[0].split()
    if len(words) < 5 or words[1:3] != ["matrix", "coordinate"]:
        raise InvalidInput(
            f"{name} is a Matrix Market file, but no list of coordinates: {lines[0].strip()!r}. Deliver `matrix "
            f"coordinate`, or a table with the columns source and target."
        )
    skip = sum(1 for _ in itertools.takewhile(lambda line: line.startswith("%") or not line.strip(), lines))
    size = lines[skip].split() if skip < len(lines) else []
    if len(size) != 3 or not all(word.isdecimal() for word in size):
        raise InvalidInput(f"{name}, line {skip + 1} is no size of a matrix: three whole numbers. Deliver it whole.")
    if size[0] != size[1]:
        raise InvalidInput(
            f"{name} is a matrix of {size[0]} rows and {size[1]} columns, so row 7 and column 7 are different nodes. "
            f"Deliver a table with the columns source and target, whose ids tell them apart."
        )
    columns = ("source", "target") if words[3].lower() == "pattern" else ("source", "target", "weight")
    if words[3].lower() == "complex":
        columns = (*columns, "imaginary")
    return TextLayout(skip + 1, None, columns, has_header=False, entries=int(size[2]))
