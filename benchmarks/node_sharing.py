"""Do edges that share a node move together? `python -m benchmarks.node_sharing [--trainings] [--json FILE]`.

On the weekly dumps of as_caida, whose hub has thousands of neighbours: heuristics, and two trainings that differ in
their seed alone, are compared on each week's first-time edges by `paired_comparison`. The ratio of the interval by node
to that by edge says what resampling edges alone would hide.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from embedded.as_caida import AsCaida, dumps, find_archive, links
from ncnc_core.config.choices import EvaluationNegative
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from pipeline.evaluation.comparison import paired_comparison
from pipeline.params.params import Params
from pipeline.records.scores import PairedComparison

NEGATIVES = 48
KINDS: tuple[EvaluationNegative, ...] = ("uniform", "degree_matched", "hard")
WEEKS = 12
SMALLEST_WEEK = 40_000  # links; a smaller dump is a truncated upload, after which thousands of links return
PAIRS = (
    ("adamic_adar", "common_neighbors"),
    ("resource_allocation", "adamic_adar"),
    ("adamic_adar", "preferential_attachment"),
)
TRAININGS = ("training, seed 1", "training, seed 0")


class Week(NamedTuple):
    """A week's first-time edges [2, p], their negatives [2, p * NEGATIVES], and the graph of the week before."""

    date: str
    positives: Tensor
    negatives: Tensor
    graph: Adjacency


@dataclass(frozen=True)
class Sharing:
    """One comparison: how large the hub's share of the edges is, and how far node and edge differ."""

    date: str
    first: str
    second: str
    edges: int
    nodes: int
    hub_share: float
    difference: float
    deviation: float  # of the edges' differences
    ratio: float  # the interval by node over that by edge
    resampled_by: str


def weeks(pairs: Iterator[tuple[str, np.ndarray[tuple[int, int], np.dtype[np.int64]]]], last: int) -> list[Week]:
    """Return the last weeks of a series of dumps, each with the links that no earlier dump listed."""
    found: list[Week] = []
    before: Tensor | None = None
    seen = torch.zeros(0, dtype=torch.int64)
    dated = [(date, torch.from_numpy(edges.T.copy())) for date, edges in pairs]
    num_nodes = max(int(edges.max()) for _, edges in dated) + 1
    for at, (date, edges) in enumerate(dated):
        keys = pair_keys(edges, num_nodes)
        if before is not None and at >= len(dated) - last:
            fresh = edges[:, ~torch.isin(keys, seen)]
            graph = Adjacency.from_edges(before, num_nodes)
            forbidden = torch.cat([seen, keys]).unique()
            generator = torch.Generator().manual_seed(0)
            negatives = evaluation_negatives(fresh, NEGATIVES, forbidden, generator, kinds=KINDS, adjacency=graph)
            found.append(Week(date, fresh, negatives, graph))
        seen, before = torch.cat([seen, keys]).unique(), edges
    return found


def sharing(week: Week, first: tuple[str, Tensor], second: tuple[str, Tensor]) -> Sharing:
    """Compare two scorers' reciprocal ranks on a week's edges."""
    (name, ranks), (other, others) = first, second
    paired = paired_comparison(ranks, others, week.positives, confidence=0.95)
    return Sharing(
        date=week.date,
        first=name,
        second=other,
        edges=paired.num_edges,
        nodes=paired.num_nodes,
        hub_share=round(float(torch.bincount(week.positives.flatten()).max()) / paired.num_edges, 3),
        difference=round(paired.difference.value, 4),
        deviation=round(float((ranks - others).std()), 3),
        ratio=round(_ratio(paired), 3),
        resampled_by=paired.resampled_by,
    )


def of_heuristics(week: Week) -> list[Sharing]:
    """Compare the pairs of heuristics."""
    ranks = {
        name: _ranks(heuristic(week.graph, week.positives), heuristic(week.graph, week.negatives))
        for name, heuristic in HEURISTICS.items()
    }
    return [sharing(week, (first, ranks[first]), (second, ranks[second])) for first, second in PAIRS]


def of_trainings(week: Week, params: Params) -> Sharing:
    """Train the demo's model twice on the graph of the week before, with two seeds, and compare the two."""
    ranks = []
    for seed in (1, 0):
        training = params.train.training.model_copy(update={"seed": seed})
        model = LinkModel.fit(
            week.graph.edges(),
            node_ids=torch.arange(week.graph.num_nodes),
            model=params.train.model,
            training=training,
            progress=False,
        )
        ranks.append(_ranks(*(model.score_pairs(Positions(pairs)) for pairs in (week.positives, week.negatives))))
    return sharing(week, (TRAININGS[0], ranks[0]), (TRAININGS[1], ranks[1]))


def _ranks(positive: Tensor, negative: Tensor) -> Tensor:
    return reciprocal_ranks(positive.double(), negative.double().view(positive.numel(), -1))


def _ratio(paired: PairedComparison) -> float:
    return (paired.by_node.high - paired.by_node.low) / (paired.by_edge.high - paired.by_edge.low)


def shown(found: list[Sharing]) -> Table:
    """Return the comparisons, a row each."""
    table = Table("week", "scorers", "edges", "nodes", "hub", "difference", "deviation", "node / edge", "decides")
    for part in found:
        figures = (part.edges, part.nodes, part.hub_share, part.difference, part.deviation, part.ratio)
        table.add_row(part.date, f"{part.first} - {part.second}", *map(str, figures), part.resampled_by)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Compare, print a table, and write JSON where asked; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.node_sharing", description=__doc__)
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--trainings", action="store_true", help="also train twice a week (minutes each)")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args(arguments)
    all_weeks = ((f"{date:%Y-%m-%d}", links(text)) for date, text in dumps(find_archive()))
    whole = ((date, edges) for date, edges in all_weeks if len(edges) >= SMALLEST_WEEK or int(date[:4]) < 2007)
    found: list[Sharing] = []
    for week in track(weeks(whole, asked.weeks), "weeks", console=Console(stderr=True)):
        found += of_heuristics(week)
        if asked.trainings:
            found.append(of_trainings(week, Params.load(AsCaida(find_archive(), 5).params)))
    console = Console()
    console.width = max(console.width, 140)
    console.print(shown(found))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(part) for part in found], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
