"""The tables of docs/benchmarks.md about dated graphs, written between markers from the kept runs."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

from benchmarks.evolving.graphs import GRAPHS, WEEKS
from benchmarks.evolving.methods import METHODS, SEEDED
from benchmarks.evolving.runs import Run, digest_of
from ncnc_core.evaluation.edge_mean import paired_difference

BEGIN, END = "<!-- evolving: begin -->", "<!-- evolving: end -->"
Cells = dict[tuple[str, str], list[Run]]


def cells_of(runs: Iterable[Run]) -> Cells:
    """Group the runs of today's definitions by graph and method."""
    present = {method: digest_of(method) for method in METHODS}
    cells: Cells = defaultdict(list)
    for run in runs:
        if run.method in present and run.digest == present[run.method]:
            cells[run.data, run.method].append(run)
    return dict(cells)


def tables(cells: Cells) -> str:
    """Return the Markdown of all tables."""
    parts = ["Test MRR; mean ± standard deviation over the seeds where a method draws, and their number if not 3."]
    parts.append(_table(cells, lambda run: run.mrr))
    for title, part in (("warm", lambda run: run.warm), ("cold", lambda run: run.cold)):
        parts.append(f"The same of {title} test edges.")
        parts.append(_table(cells, part))
    parts.append("CPU seconds of learning, features included, on one thread.")
    parts.append(_table(cells, lambda run: run.cpu, digits=1))
    if any((data, "temporal") in cells for data in WEEKS):
        parts.append(_weeks(cells))
    return "\n\n".join(parts)


def render(page: Path, cells: Cells) -> None:
    """Write the tables into the page, between its markers."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{tables(cells)}\n\n{END}{rest.partition(END)[2]}")


def _table(cells: Cells, part: Callable[[Run], float], digits: int = 3) -> str:
    rows = [["method", *GRAPHS], ["---", *("---:" for _ in GRAPHS)]]
    for method, title in METHODS.items():
        found = [cells.get((data, method), []) for data in GRAPHS]
        if any(found):
            rows.append([title, *(_figure([part(run) for run in runs], method, digits) for runs in found)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _figure(values: Sequence[float], method: str, digits: int) -> str:
    if not values:
        return ""
    text = f"{statistics.fmean(values):.{digits}f}"
    if method not in SEEDED:
        return text
    if len(values) > 1:
        text = f"{text} ± {statistics.stdev(values):.{digits}f}"
    return text if len(values) == 3 else f"{text} ({len(values)} seed{'s' * (len(values) > 1)})"


def _weeks(cells: Cells) -> str:
    """Return the judged weeks: the temporal model minus the best of the floor, paired, and pooled over the weeks."""
    floor = [method for method in METHODS if method not in SEEDED]
    rows, ours, others, ends = [], [], [], []
    for data in (data for data in WEEKS if (data, "temporal") in cells):
        best = max((cells[data, name][0] for name in floor if (data, name) in cells), key=lambda run: run.mrr)
        own = torch.tensor([run.ranks for run in cells[data, "temporal"]], dtype=torch.float64).mean(0)
        ours.append(own)
        others.append(torch.tensor(best.ranks, dtype=torch.float64))
        ends.append(torch.tensor(best.ends).T)
        rows.append([data, best.method, f"{best.mrr:.3f}", f"{own.mean():.3f}", f"{own.mean() - best.mrr:+.3f}"])
    found = paired_difference(torch.cat(ours), torch.cat(others), torch.cat(ends, 1), confidence=0.95)
    value, low, high = found.interval
    head = [
        ["week", "best of the floor", "its MRR", "temporal NCN", "difference"],
        ["---", "---", "---:", "---:", "---:"],
    ]
    table = "\n".join("| " + " | ".join(row) + " |" for row in head + rows)
    seeds = len(cells[next(data for data in WEEKS if (data, "temporal") in cells), "temporal"])
    return (
        f"as_caida, week by week (temporal NCN: mean of {seeds} seed(s)). Pooled over the weeks the paired difference "
        f"is {value:+.4f} [{low:+.4f}, {high:+.4f}].\n\n{table}"
    )
