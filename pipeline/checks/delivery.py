"""The checks of the delivered rows, and of the night that they are delivered for; pure."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.checks.finding import Finding, counted, finding, refuse_if
from pipeline.checks.repeats import Baseline
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery

# Two columns that number different things look like loops and repetitions, and what drops or merges these mixes nodes.
TWO_KINDS = (
    "If the two columns number different things, such as users and films, 7 and 7 are two nodes: give each kind ids of "
    "its own, in the export or by snapshot.edge_query (SELECT 'u' || user AS source, 'f' || film AS target FROM "
    "delivered)."
)


def row_checks(delivery: Delivery, params: SnapshotParams, baseline: Baseline | None) -> list[Finding]:
    """Return the checks of the row counts; O(edges) if there is a node table."""
    return [
        _self_loops(delivery, params),
        _duplicates(delivery, params),
        _unknown_nodes(delivery, params),
        _minimum_edges(delivery, params, baseline),
        finding(
            "later_events",
            "warn",
            threshold="left for a later night",
            observed=str(delivery.rows.later),
            passed=True,
        ),
        finding("late_events", "warn", threshold="counted", observed=str(delivery.rows.late), passed=True),
    ]


def time_order(as_of: datetime, newest_as_of: datetime | None) -> Finding:
    """Refuse an as-of before that of the newest snapshot."""
    newest = newest_as_of.isoformat() if newest_as_of else "any"
    return finding(
        "time_order",
        "refuse",
        threshold=f"not before {newest}",
        observed=as_of.isoformat(),
        # Equal is allowed: a run that died after publishing finds its own snapshot there.
        passed=newest_as_of is None or as_of >= newest_as_of,
        message=f"the as-of {as_of.isoformat()} is before that of the newest snapshot, {newest}, and snapshots "
        f"are made in the order of time. Pass a later --as-of, or look the night up in the ledger (ncnc status).",
    )


def newest_event(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> Finding:
    """Warn if a log holds no event since the previous snapshot: its source, or its clock, stands still."""
    newest, since = delivery.newest, int(baseline.as_of.timestamp())
    if newest is not None:
        observed, is_new = _moment(newest), newest > since
    elif delivery.since is not None:
        observed, is_new = f"none since {_moment(delivery.since)}", False
    else:
        observed, is_new = "no times", True
    return finding(
        "newest_event",
        "warn",
        threshold=f"after {baseline.as_of.isoformat()}" if params.kind == "event_log" else "any, in a dump",
        observed=observed,
        passed=params.kind != "event_log" or is_new,
    )


def kind_of_ids(delivery: Delivery, baseline: Baseline) -> Finding:
    """Refuse strings if the graph's ids were integers, and the reverse."""
    name = {True: "strings", False: "integers"}
    before = name[baseline.ids_are_text]
    # A quiet night of a log has no ids.
    tonight = name[delivery.ids_are_text] if len(delivery.ids) else before
    return finding(
        "kind_of_ids",
        "refuse",
        threshold=before,
        observed=tonight,
        passed=tonight == before,
        message=f"tonight's ids are {tonight}, but this graph's have been {before}. Deliver {before} again, or start "
        f"another graph with snapshot.graph in params.yaml.",
    )


def directions(delivery: Delivery, baseline: Baseline) -> Finding:
    """Refuse a delivery that does not say which way events went, if the graph's snapshots do."""
    kept, said = baseline.keeps_directions, delivery.is_forth is not None
    return finding(
        "directions",
        "refuse",
        threshold="said" if kept else "not kept",
        observed="said" if said else "not said",
        passed=said or not kept,
        message="the snapshots of this graph say which way each event went, and tonight's params do not read it: it "
        "needs snapshot.directed: true and snapshot.time_column in params.yaml. Set both again, or start another graph "
        "with snapshot.graph.",
    )


def _self_loops(delivery: Delivery, params: SnapshotParams) -> Finding:
    rows = delivery.rows
    return counted(
        "self_loops",
        refuse_if(params.self_loops == "refuse"),
        rows.self_loops,
        f"{rows.self_loops} edges lead from a node to itself (first: {rows.first_self_loop}). "
        f"{TWO_KINDS} If a node may be joined with itself, leave these edges out, or set snapshot.self_loops: drop in "
        f"params.yaml.",
    )


def _duplicates(delivery: Delivery, params: SnapshotParams) -> Finding:
    rows = delivery.rows
    if params.kind == "event_log":  # a log may name the same edge many times
        return finding("duplicates", "warn", threshold="counted", observed=str(rows.repeated), passed=True)
    return counted(
        "duplicates",
        refuse_if(params.duplicates == "refuse"),
        rows.repeated,
        f"{rows.repeated} rows repeat an edge, in this direction or the other "
        f"(first: {rows.first_repeated}). {TWO_KINDS} Otherwise deliver each edge once, or set snapshot.duplicates: "
        f"merge in params.yaml.",
    )


def _unknown_nodes(delivery: Delivery, params: SnapshotParams) -> Finding:
    unknown = np.zeros(0, dtype=np.int64)
    if delivery.nodes is not None:
        known = pd.Index(delivery.nodes.ids).get_indexer(pd.Index(delivery.ids)) >= 0
        unknown = np.flatnonzero(~(known[delivery.low] & known[delivery.high]))
    return counted(
        "unknown_nodes",
        refuse_if(params.unknown_nodes == "refuse"),
        len(unknown),
        f"{len(unknown)} edges name a node that {delivery.nodes_file} lacks{_where(delivery, unknown)}. "
        f"Add the nodes there, or check that both tables write ids alike. If the node table is not to name every node, "
        f"set snapshot.unknown_nodes: add in params.yaml.",
    )


def _minimum_edges(delivery: Delivery, params: SnapshotParams, baseline: Baseline | None) -> Finding:
    edges, least = delivery.num_edges, params.minimum_edges
    if params.kind == "event_log" and baseline is not None:
        # A log removes nothing: the graph keeps at least the edges that it had.
        edges = max(edges, baseline.num_edges)
    return finding(
        "minimum_edges",
        "refuse",
        threshold=f">= {least}",
        observed=str(edges),
        passed=edges >= least,
        message=f"{edges} edges are left of {delivery.rows.read} rows, self-loops and repetitions not counted, "
        f"below {least}. Have the graph delivered whole. If it is this small, lower snapshot.minimum_edges in "
        f"params.yaml (to 1 at the least).",
    )


def _moment(seconds: int) -> str:
    return str(pd.Timestamp(seconds, unit="s", tz="UTC"))


def _where(delivery: Delivery, edges: NDArray[np.int64]) -> str:
    if not len(edges):
        return ""
    low, high = (delivery.ids[end[edges[0]]] for end in (delivery.low, delivery.high))
    return f" (first: {low!s} - {high!s})"
