"""Tables of snapshots for a person, and the progress bars of a collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.filesize import decimal
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from pipeline.graphs.difference import CHANGES, Difference
from pipeline.snapshots.collection_plan import Plan, Progress
from pipeline.snapshots.journal import Journal
from pipeline.snapshots.published import PublishedSnapshot
from pipeline.terminal import Terminal, styled


def snapshots_table(graph: str, published: Sequence[PublishedSnapshot], journal: Journal) -> Table:
    """Return the snapshots of a graph, a row each, with the state of their bytes."""
    table = Table(title=f"snapshots of {graph}", title_justify="left")
    for name in ("as of", "tag"):
        table.add_column(name, no_wrap=True)
    table.add_column("edges", justify="right")
    table.add_column("bytes", ratio=1)
    for item in published:
        table.add_row(f"{item.as_of:%Y-%m-%d %H:%M}", item.tag, str(item.num_edges), bytes_text(item.tag, journal))
    return table


def bytes_text(tag: str, journal: Journal) -> str:
    """Return the state of a tag and its bytes: there, held, collected or retracted, with who and why."""
    if (taken_back := journal.retracted.get(tag)) is not None and tag not in journal.collected:
        return taken_back.in_words
    if (gone := journal.collected.get(tag)) is not None:
        return f"collected on {gone.at:%Y-%m-%d} by {gone.who}: {gone.reason}"
    hold = journal.holds.get(tag)
    return "there" if hold is None else f"held by {hold.who}: {hold.reason}"


def files_table(tag: str, files: Mapping[str, int | None]) -> Table:
    """Return the files of a snapshot or a split with their sizes."""
    table = Table(title=f"{len(files)} files of {tag}", title_justify="left")
    table.add_column("file")
    table.add_column("size", justify="right")
    for path, size in files.items():
        table.add_row(path, "MISSING" if size is None else decimal(size))
    return table


def difference_table(found: Difference) -> Table:
    """Return how many nodes and edges were added, removed and returned."""
    table = Table()
    table.add_column("")
    for change in CHANGES:
        table.add_column(change, justify="right")
    for what, changes in (("nodes", found.nodes), ("edges", found.edges)):
        table.add_row(what, *(str(len(changes[change])) for change in CHANGES))
    return table


def plan_table(plan: Plan) -> Table:
    """Return every tag of a plan: what would go first, then what stays with the reasons."""
    title = f"{len(plan.collected)} tags, {len(plan.objects)} objects, {decimal(plan.bytes)} would go; {plan.policy}"
    table = Table(title=title, title_justify="left")
    table.add_column("tag", no_wrap=True)
    table.add_column("")
    table.add_column("why", ratio=1)
    for tag in plan.collected:
        table.add_row(tag, styled(("goes", "red")), "nothing keeps it")
    for tag, reasons in plan.kept.items():
        lost = f"; the remote lacks {plan.missing[tag]} of its files already" if tag in plan.missing else ""
        table.add_row(tag, "stays", "; ".join(reasons) + lost)
    return table


@contextmanager
def bars(console: Terminal) -> Iterator[Progress]:
    """Give a function that moves the progress bars; without a terminal it shows nothing."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        tasks = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield progress
