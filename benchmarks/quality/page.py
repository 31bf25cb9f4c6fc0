"""The tables of docs/benchmarks.md, written between markers from the kept runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from math import inf
from pathlib import Path

from benchmarks.quality.methods import METHODS
from benchmarks.quality.play import definition_digest
from benchmarks.quality.protocol import PROTOCOLS
from benchmarks.quality.published import PUBLISHED, Published, published
from benchmarks.quality.results import SEEDS, Run, Summary, summary

BEGIN, END = "<!-- quality: begin -->", "<!-- quality: end -->"

Cells = dict[tuple[str, str], Summary]


class MarkersMissing(Exception):
    """The page has no place for the tables."""


def summaries(runs: Iterable[Run]) -> Cells:
    """Summarise by data set and method the runs whose definition is the present one: others were of other settings.

    Of runs cut short at different epochs, those of the longest trainings count.
    """
    present = cache(definition_digest)
    groups: dict[tuple[str, str], dict[float, dict[int, Run]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        cell = run.data, run.method
        if run.data in PROTOCOLS and run.method in METHODS and run.digest == present(*cell, run.most_epochs):
            groups[cell][run.most_epochs or inf][run.seed] = run
    return {cell: summary(by_length[max(by_length)].values()) for cell, by_length in groups.items()}


def tables(cells: Cells) -> str:
    """Return the Markdown of all tables: one a protocol's metric, then the seconds of a run."""
    by_metric: dict[int, list[str]] = defaultdict(list)
    for data, protocol in PROTOCOLS.items():
        if any(cell[0] == data for cell in cells):
            by_metric[protocol.hits_at].append(data)
    parts = []
    for hits_at, names in by_metric.items():
        parts.append(f"Hits@{hits_at} in percent, mean ± unbiased standard deviation over {SEEDS} seeds.")
        parts.append(_quality_table(cells, names))
    everything = [data for data in PROTOCOLS if any(cell[0] == data for cell in cells)]
    parts.append("Seconds of one run: choice, training, validation at every epoch and the one grading.")
    parts.append(_seconds_table(cells, everything))
    return "\n\n".join(parts)


def render(page: Path, cells: Cells) -> None:
    """Write the tables into the page, between its markers.

    Raises:
        MarkersMissing: the page lacks a marker; the message says which lines to add.
    """
    text = page.read_text()
    if BEGIN not in text or END not in text.partition(BEGIN)[2]:
        raise MarkersMissing(
            f"{page} has no place for the tables. Add the lines {BEGIN} and {END} to it, in this order."
        )
    before, _, rest = text.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{tables(cells)}\n\n{END}{rest.partition(END)[2]}")


def _quality_table(cells: Cells, names: Sequence[str]) -> str:
    header = ["method", *(column for name in names for column in (name, "published"))]
    rows = []
    for method in (name for name in METHODS if any((data, name) in cells for data in names)):
        row = [METHODS[method]]
        for data in names:
            figure = published(data, method)
            measured = cells.get((data, method))
            row += [measured.text if measured else "", figure.text if figure else ""]
        rows.append(row)
    rivals: dict[str, Published] = {data: PUBLISHED[data]["mplp"] for data in names if "mplp" in PUBLISHED[data]}
    if rivals:
        cells_of_rival = [column for data in names for column in ("", rivals[data].text if data in rivals else "")]
        rows.append(["MPLP, another model", *cells_of_rival])
    return _markdown(header, rows)


def _seconds_table(cells: Cells, names: Sequence[str]) -> str:
    rows = []
    for method in (name for name in METHODS if any((data, name) in cells for data in names)):
        found = [cells.get((data, method)) for data in names]
        rows.append([METHODS[method], *("" if one is None else f"{one.seconds:.1f}" for one in found)])
    return _markdown(["method", *names], rows)


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
