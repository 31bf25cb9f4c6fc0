"""Tables of links for a person: what a model recommends, and what the graph says of each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ncnc_core.serving.recommendation import Recommendation


def links_table(rows: Sequence[Recommendation], why: Sequence[str]) -> Table:
    """Return the links, a row each, best first within a node; `why` is told of each row."""
    table = Table(title="links", title_justify="left")
    for name in ("source", "target"):
        table.add_column(name, no_wrap=True)
    for name in ("rank", "logit"):
        table.add_column(name, justify="right")
    table.add_column("why", ratio=1)
    for row, said in zip(rows, why, strict=True):
        shown = f"an edge of the graph; {said}" if row.known else said
        table.add_row(str(row.source), str(row.target), str(row.rank), f"{row.score:.3f}", shown)
    return table
