"""What changed in the graph since the previous snapshot, measured once for the checks, the pages and MLflow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime

from pipeline.graphs.feature_drift import FeatureDrift, feature_drift
from pipeline.graphs.id_reuse import reused_ids
from pipeline.graphs.shape import (
    Counts,
    DegreeCount,
    GraphShape,
    degree_counts,
    degree_shift,
    degrees,
    graph_shape,
    two_colourable_share,
)
from pipeline.graphs.tables import CanonicalGraph, Change
from pipeline.records.part import GraphName, Part
from pipeline.records.record import Record

SHOWN_HUBS = 5


class Turnover(Part):
    """How many there were before and are tonight, and how many of them are new, came back or were removed."""

    before: int
    tonight: int
    added: int
    returned: int
    removed: int


class HubChange(Part):
    """A node whose number of edges changed most."""

    node: str
    before: int
    tonight: int


class ChangeSummary(Record):
    """One night's graph beside the previous snapshot's; without a previous one, comparisons are None.

    late_edges: first-time edges whose time lies before the previous snapshot. edge_ratio: living edges now over then.
    edge_overlap: edges living in both over those living in either (Jaccard). new_node_share: the nodes that were never
    held before. edges_to_new_nodes: the share of the first-time edges with an end in one. degree_shift: the
    Kolmogorov-Smirnov distance. two_colourable: the share of the edges in bipartite components.
    degree_counts: the nodes by their number of edges, before and tonight. repeated_events: tonight's events that name
    a pair again; late_repeats: those of them whose time lies before the previous snapshot.
    """

    FORMAT = 3  # 3: repeated_events, late_repeats
    file_name = "change_report.json"  # its name in the format of 2026-11, which stays

    graph: GraphName
    as_of: AwareDatetime
    previous_as_of: AwareDatetime | None
    nodes: Turnover
    edges: Turnover
    late_edges: int
    edge_ratio: float | None
    edge_overlap: float | None
    new_node_share: float | None
    edges_to_new_nodes: float | None
    degree_shift: float | None
    two_colourable: float
    reused_ids: int
    first_reused: str | None
    shape: GraphShape
    shape_before: GraphShape | None
    features: FeatureDrift
    gaining: tuple[HubChange, ...] = ()
    losing: tuple[HubChange, ...] = ()
    degree_counts: tuple[DegreeCount, ...] = ()
    repeated_events: int = 0
    late_repeats: int = 0

    def metrics(self) -> dict[str, float]:
        """Return every number under a dotted name, as MLflow plots them over the nights."""
        lists = {"gaining", "losing", "degree_counts"}
        values = self.model_dump(exclude={"graph", "as_of", "previous_as_of", "first_reused"} | lists)
        features = values.pop("features")
        values.pop("shape_before")
        shape = values.pop("shape")
        flat = {f"graph.{name}": value for name, value in (values | shape).items() if not isinstance(value, dict)}
        for group in ("nodes", "edges"):
            flat |= {f"graph.{group}.{name}": value for name, value in values[group].items()}
        flat["graph.features.shift"] = features["shift"]
        flat["graph.features.constant"] = len(features["constant"])
        return {name: float(value) for name, value in flat.items() if value is not None}


def change_summary(
    change: Change,
    previous: CanonicalGraph | None,
    *,
    graph: str,
    as_of: AwareDatetime,
    previous_as_of: AwareDatetime | None,
) -> ChangeSummary:
    """Measure tonight's graph and what changed; O(edges + nodes x features), most of it for the components."""
    degree = degrees(change.graph)
    values: dict[str, Any] = {  # Any: the fields of the summary by name
        "graph": graph,
        "as_of": as_of,
        "previous_as_of": previous_as_of,
        "late_edges": change.late,
        "repeated_events": change.repeated,
        "late_repeats": change.late_repeats,
        "two_colourable": two_colourable_share(change.graph, degree),
        "shape": graph_shape(change.graph, degree),
        "features": feature_drift(change.graph, previous),
    }
    values |= _alone(change, degree) if previous is None else _compared(change, previous, degree)
    return ChangeSummary.model_validate(values)


def _alone(change: Change, degree: Counts) -> dict[str, Any]:  # Any: as above
    nodes, edges = int(change.graph.node_living.sum()), change.added
    names = ("edge_ratio", "edge_overlap", "new_node_share", "edges_to_new_nodes", "degree_shift", "shape_before")
    return {
        "nodes": Turnover(before=0, tonight=nodes, added=nodes, returned=0, removed=0),
        "edges": Turnover(before=0, tonight=edges, added=edges, returned=0, removed=0),
        "reused_ids": 0,
        "first_reused": None,
        "degree_counts": degree_counts(None, degree[change.graph.node_living]),
        **dict.fromkeys(names),
    }


def _compared(change: Change, previous: CanonicalGraph, degree: Counts) -> dict[str, Any]:  # Any: as above
    tables, living = change.graph.tables, change.graph.node_living
    known, old_edges = previous.tables.num_nodes, previous.tables.edges.shape[1]
    degree_before = np.zeros_like(degree)
    degree_before[:known] = degrees(previous)
    lived = np.zeros_like(living)
    lived[:known] = previous.node_living
    edges, edges_before = int(tables.living.sum()), int(previous.tables.living.sum())
    new_nodes, num_nodes = int(living[known:].sum()), int(living.sum())
    first_time = tables.edges[:, old_edges:]
    reused = np.flatnonzero(reused_ids(change, previous))
    return {
        "nodes": Turnover(
            before=int(lived.sum()),
            tonight=num_nodes,
            added=new_nodes,
            returned=int((living & ~lived)[:known].sum()),
            removed=int((lived & ~living).sum()),
        ),
        "edges": Turnover(
            before=edges_before, tonight=edges, added=change.added, returned=change.returned, removed=change.removed
        ),
        "edge_ratio": edges / max(edges_before, 1),
        "edge_overlap": (edges_before - change.removed) / max(edges + change.removed, 1),
        "new_node_share": new_nodes / max(num_nodes, 1),
        "edges_to_new_nodes": float((first_time >= known).any(axis=0).mean()) if change.added else 0.0,
        "degree_shift": degree_shift(degree_before[lived], degree[living]),
        "degree_counts": degree_counts(degree_before[lived], degree[living]),
        "reused_ids": len(reused),
        "first_reused": str(tables.node_ids[reused[0]]) if len(reused) else None,
        "shape_before": graph_shape(previous, degree_before[:known]),
        "gaining": _hubs(change, degree_before, degree, sign=1),
        "losing": _hubs(change, degree_before, degree, sign=-1),
    }


def _hubs(change: Change, before: Counts, tonight: Counts, *, sign: int) -> tuple[HubChange, ...]:
    """Return the nodes that gained (1) or lost (-1) the most edges, the largest change first, ties by position."""
    gain: NDArray[np.int64] = sign * (tonight - before)
    count = min(SHOWN_HUBS, len(gain))
    if not count:
        return ()
    # All that tie with the last one shown are candidates, so that the choice does not depend on the partition.
    least = max(int(np.partition(gain, len(gain) - count)[len(gain) - count]), 1)
    candidates = np.flatnonzero(gain >= least)
    shown = candidates[np.argsort(-gain[candidates], kind="stable")][:count]
    ids = change.graph.tables.node_ids
    return tuple(HubChange(node=str(ids[i]), before=int(before[i]), tonight=int(tonight[i])) for i in shown)
