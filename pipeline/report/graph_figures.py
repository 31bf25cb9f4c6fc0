"""The figures of the graph: its degrees tonight and before, and how far it drifted over the nights."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from pipeline.graphs.shape import DegreeCount
from pipeline.report.drawing import STANDS_FOR, as_svg, look, new_figure, quiet, styled
from pipeline.report.trend import TrendNight

WIDTH, HEIGHT = 380.0, 270.0


def degree_figure(name: str, counts: Sequence[DegreeCount]) -> Markup:
    """Draw the share of nodes by degree, tonight's and the previous snapshot's."""
    with styled():
        figure = new_figure(WIDTH, HEIGHT)
        axes = figure.subplots()
        quiet(axes)
        sides = (
            ("previous snapshot", [item.before for item in counts], look("champion")),
            ("tonight", [item.tonight for item in counts], look("challenger")),
        )
        for label, nodes, drawn in sides:
            if total := sum(nodes):
                axes.plot(range(len(counts)), [100 * count / total for count in nodes], color=drawn.colour,
                          marker=drawn.marker, linestyle=drawn.line, label=label)  # fmt: skip
        axes.set_xticks(range(len(counts)), [degree_range(item) for item in counts], rotation=45, ha="right")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("edges of a node")
        axes.set_ylabel("% of the nodes")
        axes.legend(loc="best")
        return as_svg(figure, name)


def degree_range(item: DegreeCount) -> str:
    """Return a range of degrees as text, such as `3-9`."""
    return str(item.low) if item.low == item.high else f"{item.low}-{item.high}"


def drift_figure(name: str, nights: Sequence[TrendNight], measure: str, limits: Sequence[float]) -> Markup:
    """Draw one measure of drift over the nights, with the limits beyond which a check warns or refuses."""
    with styled():
        figure = new_figure(WIDTH, 190)
        axes = figure.subplots()
        quiet(axes)
        drawn = look("challenger")
        rows = [row for row, night in enumerate(nights) if measure in night.drift]
        axes.plot(rows, [nights[row].drift[measure] for row in rows], color=drawn.colour, marker="o", linewidth=1.6)
        for limit in limits:
            axes.axhline(limit, color=STANDS_FOR["bad"], linestyle="--", linewidth=1.4)
            axes.annotate(f"limit {limit:g}", (1, limit), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                          fontsize=11, color=STANDS_FOR["bad"])  # fmt: skip
        step = max(1, -(-len(nights) // 5))
        shown = range((len(nights) - 1) % step, len(nights), step)
        axes.set_xticks(list(shown), [f"{nights[row].as_of:%d %b}" for row in shown])
        axes.set_xlim(-0.6, len(nights) - 0.4)
        axes.margins(y=0.2)
        return as_svg(figure, name)
