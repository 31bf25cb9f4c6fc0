"""The figures of the scores: estimates with their intervals, the trend, training, reliability, sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.ticker import MaxNLocator

from pipeline.records.chain import EpochPoint
from pipeline.records.evaluation import SensitivityResult
from pipeline.records.scores import Interval, ModelScores
from pipeline.report.blocks import metric_name, scorer_name
from pipeline.report.drawing import STANDS_FOR, Look, as_svg, look, new_figure, quiet, styled
from pipeline.report.trend import TrendNight

WIDTH, HEIGHT = 380.0, 270.0  # of a figure that fits a telephone; wider windows put several side by side
WIDE, NARROW = 1000.0, 380.0
ROW = 26.0
Side = Literal["challenger", "champion", "floor"]


@dataclass(frozen=True)
class Estimate:
    """One row of a forest plot."""

    label: str
    value: Interval
    look: Look


def forest(name: str, estimates: Sequence[Estimate], axis: str, *, zero: bool = False) -> Markup:
    """Draw estimates below each other, each with its interval as a line; `zero` marks where there is no difference."""
    with styled():
        figure = new_figure(WIDTH, 74 + ROW * len(estimates))
        axes = figure.subplots()
        quiet(axes, grid="x")
        for row, item in enumerate(estimates):
            value = item.value
            axes.plot([value.low, value.high], [row, row], color=item.look.colour, linewidth=2.2)
            axes.plot([value.value], [row], color=item.look.colour, marker=item.look.marker, markersize=7)
        if zero:
            axes.axvline(0, color=STANDS_FOR["muted"], linewidth=1.2)
        axes.set_yticks(range(len(estimates)), [item.label for item in estimates])
        axes.set_ylim(len(estimates) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(axis)
        return as_svg(figure, name)


def trend_figure(name: str, nights: Sequence[TrendNight], metric: str, *, width: float = WIDE) -> Markup:
    """Draw champion, challenger and the best of the floor over the nights; a triangle below marks a promotion."""
    with styled():
        figure = new_figure(width, 300)
        axes = figure.subplots()
        quiet(axes)
        gap = 0.12 if width > NARROW else 0.16
        _over_nights(axes, nights, "champion", -gap, lambda night: night.champion)
        _over_nights(axes, nights, "challenger", gap, lambda night: night.challenger)
        _over_nights(axes, nights, "floor", 0.0, lambda night: night.floor)
        promoted = [row for row, night in enumerate(nights) if night.outcome == "promoted"]
        axes.plot(promoted, [0.03] * len(promoted), linestyle="none", marker="^", markersize=9, label="promoted",
                  color=STANDS_FOR["ink"], transform=axes.get_xaxis_transform())  # fmt: skip
        lost = [row for row, night in enumerate(nights) if night.challenger is None]
        axes.plot(lost, [0.03] * len(lost), linestyle="none", marker="x", markersize=7, label="not evaluated",
                  color=STANDS_FOR["muted"], transform=axes.get_xaxis_transform())  # fmt: skip
        _night_ticks(axes, nights, most=12 if width > NARROW else 5)
        axes.set_ylabel(metric_name(metric))
        axes.set_ylim(bottom=_below(axes.get_ylim()))
        figure.legend(loc="outside upper left", ncols=5 if width > NARROW else 2, borderaxespad=0)
        return as_svg(figure, name)


def _over_nights(
    axes: Axes, nights: Sequence[TrendNight], side: Side, offset: float, score: Callable[[TrendNight], Interval | None]
) -> None:
    points = [(row + offset, value) for row, night in enumerate(nights) if (value := score(night)) is not None]
    if not points:
        return
    drawn, rows = look(side), [row for row, _ in points]
    label = {"floor": "best of the floor"}.get(side, side)
    axes.plot(rows, [value.value for _, value in points], color=drawn.colour, marker=drawn.marker,
              linestyle=drawn.line, linewidth=1.6, markersize=6, label=label)  # fmt: skip
    if side != "floor":
        axes.vlines(rows, [value.low for _, value in points], [value.high for _, value in points],
                    color=drawn.colour, linewidth=1.4)  # fmt: skip


def _below(limits: tuple[float, float]) -> float:
    """Leave room for the marks at the lower edge."""
    low, high = limits
    return low - 0.1 * (high - low)


def _night_ticks(axes: Axes, nights: Sequence[TrendNight], *, most: int) -> None:
    step = max(1, -(-len(nights) // most))
    rows = range((len(nights) - 1) % step, len(nights), step)  # tonight, the last, has its date
    axes.set_xticks(list(rows), [f"{nights[row].as_of:%d %b}" for row in rows])
    axes.set_xlim(-0.6, len(nights) - 0.4)


def training_figure(name: str, history: Sequence[EpochPoint], best_epoch: int, metric: str) -> Markup:
    """Draw the loss and, below it on the same epochs, the validation metric with the best epoch marked."""
    with styled():
        figure = new_figure(WIDTH, HEIGHT + 50)
        upper, lower = figure.subplots(2, 1, sharex=True)
        drawn = look("challenger")
        upper.plot([item.epoch for item in history], [item.loss for item in history], color=STANDS_FOR["other"],
                   linestyle="--", marker=".", markersize=5)  # fmt: skip
        upper.set_ylabel("loss")
        valued = [(item.epoch, item.value) for item in history if item.value is not None]
        lower.plot([epoch for epoch, _ in valued], [value for _, value in valued], color=drawn.colour,
                   marker=".", markersize=5)  # fmt: skip
        for axes in (upper, lower):
            quiet(axes)
            axes.axvline(best_epoch, color=STANDS_FOR["ink"], linewidth=1.2, linestyle=":")
        at_best = [point for point in valued if point[0] == best_epoch]
        lower.plot([epoch for epoch, _ in at_best], [value for _, value in at_best], color=drawn.colour,
                   marker="*", markersize=13, linestyle="none")  # fmt: skip
        lower.set_ylabel(f"{metric_name(metric)}, validation")
        lower.set_xlabel(f"epoch (★ the best, {best_epoch})")
        lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        figure.align_ylabels()
        return as_svg(figure, name)


def reliability_figure(name: str, scorers: Sequence[ModelScores]) -> Markup:
    """Draw how often pairs are edges against how likely they are said to be; on the diagonal the two agree."""
    with styled():
        figure = new_figure(WIDTH, WIDTH)
        axes = figure.subplots()
        quiet(axes, grid="both")
        axes.plot([0, 1], [0, 1], color=STANDS_FOR["muted"], linewidth=1.2, label="stated = observed")
        for scores in scorers:
            drawn, held = look(scores.name), [item for item in scores.reliability if item.weight > 0]
            stated, observed = [item.stated for item in held], [item.observed for item in held]
            axes.plot(stated, observed, color=drawn.colour, linestyle=drawn.line, linewidth=1.6)
            for item in held:
                if item.observed_low is not None and item.observed_high is not None:
                    axes.vlines(item.stated, item.observed_low, item.observed_high, color=drawn.colour, linewidth=1.2)
            sizes = [20 + 400 * item.weight for item in held]
            axes.scatter(stated, observed, s=sizes, color=drawn.colour, marker=drawn.marker, alpha=0.85,
                         label=scorer_name(scores.name))  # fmt: skip
        axes.set_xlabel("stated probability")
        axes.set_ylabel("share that are edges")
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        for handle in axes.legend(loc="upper left").legend_handles:
            if isinstance(handle, PathCollection):
                handle.set_sizes([40])  # the legend's marks are one size, whatever the bins hold
        return as_svg(figure, name)


def sensitivity_figure(name: str, results: Sequence[SensitivityResult], metric: str) -> Markup:
    """Draw each scorer's metric from the most edges removed, over the graph as it is, to the most added."""
    with styled():
        figure = new_figure(WIDTH, HEIGHT + 20)
        axes = figure.subplots()
        quiet(axes)
        changes = sorted({_signed(item) for item in results} | {0.0})
        for scorer in dict.fromkeys(item.scorer for item in results):
            own = {_signed(item): item for item in results if item.scorer == scorer}
            rows = [row for row, change in enumerate(changes) if change in own or change == 0]
            middle = next(iter(own.values())).unchanged
            values = [own[changes[row]].value.value if changes[row] in own else middle for row in rows]
            drawn = look(scorer)
            axes.plot(rows, values, color=drawn.colour, marker=drawn.marker, linestyle=drawn.line,
                      label=scorer_name(scorer))  # fmt: skip
            for row in rows:
                if changes[row] in own:
                    value = own[changes[row]].value
                    axes.vlines([row], [value.low], [value.high], color=drawn.colour, linewidth=1.4)
        axes.set_xticks(range(len(changes)), ["as it is" if not change else f"{change:+.0%}" for change in changes])
        axes.set_xlabel("message edges removed or added at random")
        axes.set_ylabel(metric_name(metric))
        figure.legend(loc="outside upper left", ncols=2, borderaxespad=0)
        return as_svg(figure, name)


def _signed(item: SensitivityResult) -> float:
    return item.share if item.change == "add" else -item.share
