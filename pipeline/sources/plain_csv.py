"""A text file in another layout, written again as the CSV that DuckDB reads."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import InvalidInput
from pipeline.sources.text_layout import TextLayout, opened_text


def write_plain_csv(path: Path, name: str, layout: TextLayout, target: Path) -> None:
    """Write the rows of a file with a header, commas and one kind of line end; name: what messages call it.

    Raises:
        InvalidInput: a row has another number of fields than the others, a quote has no end, or rows are missing.
    """
    with opened_text(path, name) as text, target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(layout.columns)
        lines = itertools.islice(text, layout.skip + layout.has_header, None)
        written = 0
        for row in _whole_rows(layout, lines, name):
            writer.writerow(row)
            written += 1
    if layout.entries not in (None, written):
        raise InvalidInput(
            f"{name} says that it has {layout.entries} entries, but {written} rows follow. It was cut off, or files "
            f"were put together. Deliver the whole file."
        )


def _whole_rows(layout: TextLayout, lines: Iterator[str], name: str) -> Iterator[list[str]]:
    width = len(layout.columns)
    for number, row in enumerate(layout.fields(lines, whole=True), start=1):
        if layout.open_ended and len(row) > width:
            # The header's last name stands for a list, and everything before it is where it belongs.
            yield [*row[: width - 1], ",".join(row[width - 1 :])]
        elif len(row) == width and not layout.open_ended:
            yield row
        else:
            wanted = f"more than {width}" if layout.open_ended else f"{width}"
            raise InvalidInput(
                f"{name}, row {number} has {len(row)} fields, but the others have {wanted}: {row[:6]}. Mend the row, "
                f"and deliver the file again."
            )
