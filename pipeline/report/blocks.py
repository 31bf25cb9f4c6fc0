"""The building blocks of the page: sections of sentences, tables and pictures, and the formats of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from pipeline.records.scores import Interval

Tone = Literal["", "good", "bad", "warn"]
MISSING = "-"
DIGITS = 12  # of a digest, as people compare them


@dataclass(frozen=True)
class Cell:
    """One cell of a table; `bounds` are shown behind the value.

    `tone` sets the colour. The text must say the same with a sign or a word.
    """

    text: str
    tone: Tone = ""
    bounds: str = ""
    number: bool = False
    code: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of each row is the row's heading.

    kind: `prose` has sentences in its cells, and a narrow window shows each row as a block of lines. `many` has many
    columns, and shows bounds below their value.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: Literal["", "prose", "many"] = ""


@dataclass(frozen=True)
class Picture:
    """A figure as SVG, with its caption and a description for screen readers.

    A narrow window shows `narrow` instead of `svg`. `wide` gives the picture the whole width.
    """

    title: str
    label: str
    svg: Markup
    narrow: Markup | None = None
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page under its own heading; the tables in `folded` are closed until a reader opens them.

    A wide window shows two neighbouring sections with `half` side by side.
    """

    anchor: str
    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    folded: tuple[Table, ...] = ()
    half: bool = False


def table(
    caption: str,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    kind: Literal["", "prose", "many"] = "",
) -> Table:
    """Return a table; a value that is not a cell becomes a cell of its text."""
    cells = tuple(tuple(item if isinstance(item, Cell) else Cell(str(item)) for item in row) for row in rows)
    return Table(caption, tuple(header), cells, kind)


def number(value: float | None, digits: int = 4) -> Cell:
    """Return a number as a cell: an integer with thousands separators, another with `digits` significant digits."""
    if value is None:
        return Cell(MISSING, number=True)
    return Cell(f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}", number=True)


def seconds(value: float) -> Cell:
    """Return a duration in seconds as a cell."""
    return Cell(f"{value:,.1f}", number=True)


def estimate(interval: Interval | None, *, signed: bool = False) -> Cell:
    """Return an estimate with its bounds as a cell."""
    if interval is None:
        return Cell(MISSING, number=True)
    value, bounds = estimate_text(interval, signed=signed).split(" ", 1)
    return Cell(value, bounds=bounds, number=True)


def estimate_text(interval: Interval, *, signed: bool = False) -> str:
    """Return an estimate with its bounds; a difference carries its sign."""
    sign = "+" if signed else ""
    return f"{interval.value:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"


def judged(passed: bool, *, warning: bool = False) -> Cell:
    """Return a verdict as a cell: a sign, a word and a colour."""
    if passed:
        return Cell("✓ holds", "good")
    return Cell("! warns", "warn") if warning else Cell("✗ fails", "bad")


def digest(value: str | None) -> Cell:
    """Return the first digits of a digest as a cell."""
    return Cell(short(value), code=True)


def short(value: str | None) -> str:
    """Return the first digits of a digest."""
    return value[:DIGITS] if value else MISSING


def metric_name(name: str) -> str:
    """Return the display name of a metric."""
    names = {"mrr": "MRR", "auc": "AUC", "average_precision": "average precision", "brier": "Brier", "ece": "ECE"}
    return names.get(name, name.replace("shared_", "shared ").replace("hits@", "Hits@"))


def scorer_name(name: str) -> str:
    """Return the display name of a scorer."""
    return {"cold_control": "cold-start control"}.get(name, name.replace("_", " "))
