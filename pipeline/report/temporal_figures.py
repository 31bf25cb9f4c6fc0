"""The figures of the parts about time: bars with their intervals, and scorers over bins of one quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from pipeline.records.scores import Interval
from pipeline.report.drawing import STANDS_FOR, Look, as_svg, new_figure, quiet, styled
from pipeline.report.figures import HEIGHT, ROW, WIDTH, Estimate


@dataclass(frozen=True)
class BinnedScores:
    """One scorer's estimate in each bin; None where a bin holds no edge."""

    label: str
    look: Look
    values: Sequence[Interval | None]


def bars(name: str, estimates: Sequence[Estimate], axis: str) -> Markup:
    """Draw estimates as bars from zero, below each other, each with its interval as a line."""
    with styled():
        figure = new_figure(WIDTH, 74 + ROW * len(estimates))
        axes = figure.subplots()
        quiet(axes, grid="x")
        for row, item in enumerate(estimates):
            axes.barh([row], [item.value.value], height=0.6, color=item.look.colour, alpha=0.55)
            axes.plot([item.value.low, item.value.high], [row, row], color=STANDS_FOR["ink"], linewidth=1.6)
        axes.axvline(0, color=STANDS_FOR["muted"], linewidth=1.2)
        axes.set_yticks(range(len(estimates)), [item.label for item in estimates])
        axes.set_ylim(len(estimates) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel(axis)
        return as_svg(figure, name)


def binned_figure(name: str, bins: Sequence[str], scorers: Sequence[BinnedScores], across: str, axis: str) -> Markup:
    """Draw each scorer's estimate and interval over the bins, in their order; a bin without edges leaves a gap."""
    with styled():
        figure = new_figure(WIDTH, HEIGHT + 20)
        axes = figure.subplots()
        quiet(axes)
        for place, scorer in enumerate(scorers):
            held = [(row, value) for row, value in enumerate(scorer.values) if value is not None]
            rows = [row + 0.1 * (place - (len(scorers) - 1) / 2) for row, _ in held]  # else intervals hide each other
            axes.plot(rows, [value.value for _, value in held], color=scorer.look.colour, marker=scorer.look.marker,
                      linestyle=scorer.look.line, label=scorer.label)  # fmt: skip
            axes.vlines(rows, [value.low for _, value in held], [value.high for _, value in held],
                        color=scorer.look.colour, linewidth=1.4)  # fmt: skip
        axes.set_xticks(range(len(bins)), list(bins))
        axes.set_xlim(-0.4, len(bins) - 0.6)
        axes.set_xlabel(across)
        axes.set_ylabel(axis)
        figure.legend(loc="outside upper left", ncols=1, borderaxespad=0)
        return as_svg(figure, name)
