"""The deliveries of an archive: one small spatial graph that loses and gains some edges and nodes every night."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 11
NUM_NODES = 260
ARRIVALS = 4  # nodes a night
REACH = 0.13  # of the unit square: nodes this far apart are linked half as often as neighbours
CHURN = 0.12  # of the edges, replaced every night
NUM_FEATURES = 8
FIRST_ID = 1001


@dataclass(frozen=True)
class Night:
    """The graph of one night: ids and features of its nodes, and its edges as pairs of ids."""

    nodes: dict[int, tuple[float, ...]]
    edges: tuple[tuple[int, int], ...]


def nights() -> Iterator[Night]:
    """Give one night after another, the same ones in every process."""
    draw = np.random.default_rng(SEED)
    place = draw.random((NUM_NODES, 2))
    edges: list[tuple[int, int]] = []
    wanted = 4 * NUM_NODES
    while True:
        distance = np.linalg.norm(place[:, None] - place[None], axis=2)
        likely = np.triu(np.exp2(-((distance / REACH) ** 2)), 1)
        kept = draw.permutation(len(edges))[: round(len(edges) * (1 - CHURN))]
        edges = [edges[index] for index in sorted(kept)]
        for one, other in edges:
            likely[one, other] = 0
        drawn = draw.choice(likely.size, wanted - len(edges), replace=False, p=(likely / likely.sum()).ravel())
        edges += [(int(one), int(other)) for one, other in zip(*np.unravel_index(drawn, likely.shape), strict=True)]
        yield Night(
            {FIRST_ID + index: _features(place[index]) for index in range(len(place))},
            tuple((FIRST_ID + one, FIRST_ID + other) for one, other in edges),
        )
        place = np.concatenate([place, draw.random((ARRIVALS, 2))])
        wanted += 4 * ARRIVALS


def deliver(night: Night, folder: Path, date: str, *, keep: float = 1.0) -> None:
    """Write a night's tables as edges-DATE.csv and nodes-DATE.csv, the edges cut short where `keep` is below one."""
    folder.mkdir(parents=True, exist_ok=True)
    cut = night.edges[: round(len(night.edges) * keep)]
    _write(folder / f"edges-{date}.csv", ("source", "target"), cut)
    names = ("node", *(f"x{column}" for column in range(NUM_FEATURES)))
    _write(folder / f"nodes-{date}.csv", names, ((node, *values) for node, values in night.nodes.items()))


def _features(place: np.ndarray) -> tuple[float, ...]:
    """Return waves over the square, to three digits: near nodes have like features."""
    waves = [wave(np.pi * turns * place[axis]) for turns in (1, 3) for axis in (0, 1) for wave in (np.cos, np.sin)]
    return tuple(round(float(value), 3) for value in waves)


def _write(path: Path, names: tuple[str, ...], rows: object) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)  # type: ignore[arg-type]
