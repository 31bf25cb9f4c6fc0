"""The drawing of the index: the champion and the floor, the age of its weights, and the graph, over all nights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipeline.report.blocks import metric_name
from pipeline.report.drawing import STANDS_FOR, as_svg, look, new_figure, quiet, styled
from pipeline.report.figures import NARROW, WIDE
from pipeline.report.kept_figures import NightFigures
from pipeline.report.night_rows import NightRow

DRAWN_NIGHTS = 366
MARKED_NIGHTS = 60  # more than these, and marks hide each other
HEIGHTS = (230.0, 100.0, 100.0, 100.0)
Value = Callable[[NightFigures], float | None]
# Kinds of rows that are marked on the time axis, each with its sign.
MARKS = {
    "promoted": ("^", "promoted", "ink"),
    "promotion": ("^", "promoted", "ink"),
    "rollback": ("v", "rolled back", "bad"),
    "failed": ("x", "failed or refused", "bad"),
    "refused": ("x", "failed or refused", "bad"),
}


def nights_figure(name: str, rows: Sequence[NightRow], metric: str, *, width: float = WIDE) -> Markup:
    """Draw the last year of nights as four panels over one axis of time."""
    shown = [row for row in rows if row.night is not None][-DRAWN_NIGHTS:]
    with styled():
        figure = new_figure(width, sum(HEIGHTS) + (60 if width > NARROW else 100))
        panels = figure.subplots(4, 1, sharex=True, height_ratios=HEIGHTS)
        for axes in panels:
            quiet(axes)
            axes.yaxis.set_major_locator(MaxNLocator(4))
        _scores(panels[0], shown, metric)
        _marks(panels[0], rows, shown)
        _ages(panels[1], shown)
        _line(panels[2], shown, "edges", lambda night: night.edges)
        panels[2].yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        _line(panels[3], shown, "degree shift", lambda night: night.drift.get("degree_shift"))
        _dates(panels[3], shown, most=10 if width > NARROW else 4)
        figure.align_ylabels()
        handles, labels = _once(panels[0])
        figure.legend(handles, labels, loc="outside upper left", ncols=6 if width > NARROW else 2, borderaxespad=0)
        return as_svg(figure, name)


def _scores(axes: Axes, shown: Sequence[NightRow], metric: str) -> None:
    scored = [(_day(row.when), row.figures) for row in shown if row.figures and row.figures.champion]
    drawn, floor = look("champion"), look("floor")
    days = [day for day, _ in scored]
    bounds = [night.champion for _, night in scored if night.champion]
    few = len(scored) <= MARKED_NIGHTS
    if few:
        axes.vlines(days, [b.low for b in bounds], [b.high for b in bounds], color=drawn.colour, linewidth=1.4)
    else:
        axes.fill_between(days, [b.low for b in bounds], [b.high for b in bounds], color=drawn.colour, alpha=0.25,
                          linewidth=0, label="its interval")  # fmt: skip
    axes.plot(days, [b.value for b in bounds], color=drawn.colour, linestyle="-", linewidth=1.6,
              marker=drawn.marker if few else "", markersize=5, label="champion")  # fmt: skip
    beside = [(_day(row.when), row.figures.floor.value) for row in shown if row.figures and row.figures.floor]
    axes.plot([day for day, _ in beside], [value for _, value in beside], color=floor.colour, linestyle=floor.line,
              linewidth=1.6, marker=floor.marker if few else "", markersize=4, label="best of the floor")  # fmt: skip
    axes.set_ylabel(metric_name(metric))
    low, high = axes.get_ylim()
    axes.set_ylim(bottom=low - 0.14 * (high - low))  # room for the marks


def _marks(axes: Axes, rows: Sequence[NightRow], shown: Sequence[NightRow]) -> None:
    """Mark nights below the scores; an event between two nights stands at the night before it."""
    day, found = None, dict[str, list[float]]()
    first = shown[0].when
    for row in rows:
        day = _day(row.when) if row.night is not None else day
        if row.kind in MARKS and day is not None and day >= _day(first):
            found.setdefault(row.kind, []).append(day)
    for kind, days in found.items():
        marker, label, colour = MARKS[kind]
        axes.plot(days, [0.05] * len(days), linestyle="none", marker=marker, markersize=7, label=label,
                  color=STANDS_FOR[colour], transform=axes.get_xaxis_transform())  # fmt: skip


def _ages(axes: Axes, shown: Sequence[NightRow]) -> None:
    aged = [(_day(row.when), row.age_days) for row in shown if row.age_days is not None]
    axes.step([day for day, _ in aged], [age for _, age in aged], where="post", color=look("champion").colour,
              linewidth=1.6)  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_ylabel("age, days")


def _line(axes: Axes, shown: Sequence[NightRow], label: str, value: Value) -> None:
    points = [(_day(row.when), found) for row in shown if row.figures and (found := value(row.figures)) is not None]
    few = len(points) <= MARKED_NIGHTS
    axes.plot([day for day, _ in points], [found for _, found in points], color=look("challenger").colour,
              linewidth=1.6, marker="." if few else "")  # fmt: skip
    axes.set_ylabel(label)


def _dates(axes: Axes, shown: Sequence[NightRow], *, most: int) -> None:
    step = max(1, -(-len(shown) // most))
    named = shown[(len(shown) - 1) % step :: step]  # the last night has its date
    axes.set_xticks([_day(row.when) for row in named], [f"{row.when:%d %b}" for row in named])
    margin = 0.6 + (_day(shown[-1].when) - _day(shown[0].when)) / 100
    axes.set_xlim(_day(shown[0].when) - margin, _day(shown[-1].when) + margin)


def _once(axes: Axes) -> tuple[list[Artist], list[str]]:
    """Return the legend's entries, each label once."""
    handles, labels = axes.get_legend_handles_labels()
    first = {label: handle for handle, label in zip(reversed(handles), reversed(labels), strict=True)}
    return list(reversed(first.values())), list(reversed(first))


def _day(when: datetime) -> float:
    return when.timestamp() / 86400  # matplotlib's own axis of time: days since 1970


def _short(value: float) -> str:
    """Return a count as an axis shows it: 1.2M, 34k."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"
