"""Named small graphs as pandas tables with columns source and target, and their nodes; each edge stands once."""

from __future__ import annotations

import pandas as pd


def triangle_with_tail() -> pd.DataFrame:
    """Nodes 10, 20, 30 in a triangle and 40 hanging on 30: four edges."""
    return pd.DataFrame({"source": [10, 10, 20, 30], "target": [20, 30, 30, 40]})


def square() -> pd.DataFrame:
    """Four nodes named by letters in a ring: a-b, b-c, c-d, d-a."""
    return pd.DataFrame({"source": ["a", "b", "c", "d"], "target": ["b", "c", "d", "a"]})


def ring(size: int, first: int = 0) -> pd.DataFrame:
    """Nodes first..first+size-1, each with the next and the last with the first: `size` edges."""
    return pd.DataFrame(
        {"source": [first + i for i in range(size)], "target": [first + (i + 1) % size for i in range(size)]}
    )


def nodes_of(edges: pd.DataFrame) -> pd.DataFrame:
    """The node table of an edge table: its ids, sorted, with two features that are their rank and its square."""
    ids = sorted(set(edges["source"]) | set(edges["target"]))
    return pd.DataFrame(
        {"node": ids, "rank": [float(i) for i in range(len(ids))], "square": [float(i * i) for i in range(len(ids))]}
    )


def reversed_and_shuffled(edges: pd.DataFrame) -> pd.DataFrame:
    """The same undirected graph with every edge the other way round, in the opposite row order."""
    return (
        edges.rename(columns={"source": "target", "target": "source"})[["source", "target"]]
        .iloc[::-1]
        .reset_index(drop=True)
    )
