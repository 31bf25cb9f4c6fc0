"""What the page is put together from: sections of sentences, tables and figures, and how figures of speech look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from pipeline.records.evaluation import Interval

Tone = Literal["", "good", "bad", "warn"]
MISSING = "-"
DIGITS = 12  # of a digest, as people compare them


@dataclass(frozen=True)
class Cell:
    """One cell of a table, whose tone a sign and a word show as well as a colour; `bounds` stand behind a value."""

    text: str
    tone: Tone = ""
    bounds: str = ""
    number: bool = False
    code: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of each row is the row's heading.

    `prose` has sentences in its cells: in a narrow window each row becomes a block of lines. `many` has so many columns
    that bounds stand below their value.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: Literal["", "prose", "many"] = ""


@dataclass(frozen=True)
class Picture:
    """A figure: what it shows in a line, in words for those who do not see it, and as SVG.

    `narrow` stands in for `svg` where the window is narrow; `wide` lets the picture take the whole width.
    """

    title: str
    label: str
    svg: Markup
    narrow: Markup | None = None
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading of its own; `folded` are tables that are opened by whoever needs them.

    `half` lets it stand beside its neighbour where the window is wide.
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
    """Return a table; what is no cell becomes one of its text."""
    cells = tuple(tuple(item if isinstance(item, Cell) else Cell(str(item)) for item in row) for row in rows)
    return Table(caption, tuple(header), cells, kind)


def number(value: float | None, digits: int = 4) -> Cell:
    """Return a number as a cell: whole ones with thousands marked, others with so many significant digits."""
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
    """Return a metric as people write it."""
    names = {"mrr": "MRR", "auc": "AUC", "average_precision": "average precision", "brier": "Brier", "ece": "ECE"}
    return names.get(name, name.replace("shared_", "shared ").replace("hits@", "Hits@"))


def scorer_name(name: str) -> str:
    """Return a scorer as people write it."""
    return {"cold_control": "cold-start control"}.get(name, name.replace("_", " "))
