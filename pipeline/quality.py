"""The checks a delivery must pass before anything of it is versioned: pure, each with its observed value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.delivery import Delivery
from pipeline.errors import InvalidInput
from pipeline.params import SnapshotParams
from pipeline.published_snapshot import PublishedSnapshot
from pipeline.records import CheckResult


@dataclass(frozen=True)
class Baseline:
    """What tonight is held against: the newest snapshot before tonight's as-of."""

    as_of: datetime
    source_sha256: str
    num_edges: int
    ids_are_text: bool
    earlier: Sequence[PublishedSnapshot] = ()  # all before tonight, oldest first: an older file may come again too


@dataclass(frozen=True)
class _Finding:
    """A check's result, with the sentence that refuses where it failed."""

    result: CheckResult
    message: str


def check(
    delivery: Delivery,
    params: SnapshotParams,
    *,
    as_of: datetime,
    newest_as_of: datetime | None,
    baseline: Baseline | None,
) -> tuple[CheckResult, ...]:
    """Return every check with what was observed.

    Raises:
        InvalidInput: at least one refusing check failed; the message names all of them.
    """
    findings = [
        _self_loops(delivery, params),
        _duplicates(delivery, params),
        _unknown_nodes(delivery, params),
        _minimum_edges(delivery, params),
        _later_events(delivery),
        _time_order(as_of, newest_as_of),
    ]
    if baseline is None:
        findings.append(_first_snapshot(delivery))
    else:
        findings += [
            _new_delivery(delivery, params, baseline),
            _no_older_delivery(delivery, params, baseline),
            _kind_of_ids(delivery, baseline),
        ]
    if baseline is not None and delivery.since is None:
        findings += [_enough_edges(delivery, params, baseline), _not_too_many_edges(delivery, params, baseline)]
    refused = [item.message for item in findings if item.result.level == "refuse" and not item.result.passed]
    if refused:
        raise InvalidInput(f"{delivery.edges_file} is refused, {len(refused)} check(s) failed. " + " ".join(refused))
    return tuple(item.result for item in findings)


def _self_loops(delivery: Delivery, params: SnapshotParams) -> _Finding:
    rows = delivery.rows
    return _counted(
        "self_loops",
        _level(params.self_loops == "refuse"),
        rows.self_loops,
        f"self_loops: {rows.self_loops} edges lead from a node to itself (first: {rows.first_self_loop}). "
        f"Leave them out, or set snapshot.self_loops: drop in params.yaml.",
    )


def _duplicates(delivery: Delivery, params: SnapshotParams) -> _Finding:
    rows = delivery.rows
    # A log tells of the same edge again and again; only in a dump is that a fault.
    return _counted(
        "duplicates",
        _level(params.duplicates == "refuse" and params.kind == "full_dump"),
        rows.repeated,
        f"duplicates: {rows.repeated} rows repeat an edge, in this direction or the other "
        f"(first: {rows.first_repeated}). Deliver each edge once, or set snapshot.duplicates: merge in params.yaml.",
    )


def _unknown_nodes(delivery: Delivery, params: SnapshotParams) -> _Finding:
    unknown = np.zeros(0, dtype=np.int64)
    if delivery.nodes is not None:
        known = pd.Index(delivery.nodes.ids).get_indexer(pd.Index(delivery.ids)) >= 0
        unknown = np.flatnonzero(~(known[delivery.low] & known[delivery.high]))
    return _counted(
        "unknown_nodes",
        _level(params.unknown_nodes == "refuse"),
        len(unknown),
        f"unknown_nodes: {len(unknown)} edges name a node that {delivery.nodes_file} lacks{_where(delivery, unknown)}. "
        f"Add the nodes there, or set snapshot.unknown_nodes: add in params.yaml.",
    )


def _minimum_edges(delivery: Delivery, params: SnapshotParams) -> _Finding:
    edges, least = delivery.num_edges, params.minimum_edges
    # What is read on from a snapshot adds to it, and may be nothing.
    passed = edges >= least or delivery.since is not None
    return _Finding(
        _result("minimum_edges", "refuse", f">= {least}", str(edges), passed),
        f"minimum_edges: {edges} edges are left of {delivery.rows.read} rows, self-loops and repetitions not counted, "
        f"below {least}. Have the graph delivered whole, or lower snapshot.minimum_edges in params.yaml "
        f"(to 1 at the least).",
    )


def _later_events(delivery: Delivery) -> _Finding:
    return _Finding(_result("later_events", "warn", "left for a later night", str(delivery.rows.later), True), "")


def _first_snapshot(delivery: Delivery) -> _Finding:
    observed = f"{delivery.num_edges} edges, no earlier snapshot"
    return _Finding(_result("edge_ratio", "warn", "an earlier snapshot", observed, True), "")


def _time_order(as_of: datetime, newest_as_of: datetime | None) -> _Finding:
    newest = newest_as_of.isoformat() if newest_as_of else "any"
    # Not before, rather than after: a try that died after publishing finds its own snapshot there.
    passed = newest_as_of is None or as_of >= newest_as_of
    return _Finding(
        _result("time_order", "refuse", f"not before {newest}", as_of.isoformat(), passed),
        f"time_order: the as-of {as_of.isoformat()} is before that of the newest snapshot, {newest}, and time does not "
        f"go backwards. Pass a later --as-of, or look for the night again in the ledger (ncnc status).",
    )


def _new_delivery(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> _Finding:
    same = delivery.sha256 == baseline.source_sha256 and not _has_news(delivery, params, baseline)
    observed = f"sha256 {delivery.sha256[:12]}, {'the same bytes' if same else 'other bytes'}"
    threshold = f"other bytes than {baseline.source_sha256[:12]} of {baseline.as_of.isoformat()}"
    return _Finding(
        _result("new_delivery", _level(params.identical_delivery == "refuse"), threshold, observed, not same),
        f"new_delivery: {delivery.edges_file} holds the very bytes (sha256 {delivery.sha256[:12]}) that were delivered "
        f"for {baseline.as_of.isoformat()}: the source redelivered an old file under a new date. Ask it for tonight's, "
        f"or set snapshot.identical_delivery: unchanged in params.yaml if an unchanged graph gives the same bytes.",
    )


def _no_older_delivery(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> _Finding:
    # The last snapshot is new_delivery's: there the same bytes may be right, where a graph did not change.
    judged = delivery.sha256 != baseline.source_sha256 and not _has_news(delivery, params, baseline)
    again = [item for item in baseline.earlier if judged and item.source_sha256 == delivery.sha256]
    which = f"{again[-1].as_of.isoformat()} (snapshot {again[-1].tag})" if again else "none"
    return _Finding(
        _result("no_older_delivery", "refuse", f"the bytes of none of {len(baseline.earlier)}", which, not again),
        f"no_older_delivery: {delivery.edges_file} holds the very bytes (sha256 {delivery.sha256[:12]}) delivered for "
        f"{which}: the source redelivered an old file under a new date. Ask it for tonight's; if the graph did return "
        f"to that state, have it exported anew in another row order.",
    )


def _has_news(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> bool:
    # One log for all nights has the same bytes every night; only without an event since then was nothing added.
    if params.kind != "event_log" or delivery.newest is None:
        return False
    return delivery.newest > int(baseline.as_of.timestamp())


def _kind_of_ids(delivery: Delivery, baseline: Baseline) -> _Finding:
    name = {True: "strings", False: "integers"}
    tonight, before = name[delivery.ids_are_text], name[baseline.ids_are_text]
    # A quiet night has no ids, and so none of another kind.
    passed = tonight == before or not len(delivery.ids)
    return _Finding(
        _result("kind_of_ids", "refuse", before, tonight, passed),
        f"kind_of_ids: tonight's ids are {tonight}, but this graph's have been {before}. Deliver {before} again, or "
        f"start another graph with snapshot.graph in params.yaml.",
    )


def _enough_edges(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> _Finding:
    edges, ratio = _ratio(delivery, baseline)
    return _Finding(
        _result(
            "minimum_edge_ratio",
            "refuse",
            f">= {params.minimum_edge_ratio:g} of {baseline.num_edges}",
            f"{ratio:.3f} ({edges})",
            ratio >= params.minimum_edge_ratio,
        ),
        f"minimum_edge_ratio: {edges} edges are {ratio:.3f} of the {baseline.num_edges} of "
        f"{baseline.as_of.isoformat()}, below {params.minimum_edge_ratio:g}: the delivery looks "
        f"truncated. Have it delivered whole, or lower "
        f"snapshot.minimum_edge_ratio in params.yaml if the graph did shrink.",
    )


def _not_too_many_edges(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> _Finding:
    edges, ratio = _ratio(delivery, baseline)
    return _Finding(
        _result(
            "maximum_edge_ratio",
            "refuse",
            f"<= {params.maximum_edge_ratio:g} of {baseline.num_edges}",
            f"{ratio:.3f} ({edges})",
            ratio <= params.maximum_edge_ratio,
        ),
        f"maximum_edge_ratio: {edges} edges are {ratio:.3f} of the {baseline.num_edges} of "
        f"{baseline.as_of.isoformat()}, above {params.maximum_edge_ratio:g}: doubled, or another graph. "
        f"Check the export, or raise "
        f"snapshot.maximum_edge_ratio in params.yaml if the graph did grow.",
    )


def _ratio(delivery: Delivery, baseline: Baseline) -> tuple[int, float]:
    edges = delivery.num_edges
    return edges, edges / max(baseline.num_edges, 1)


def _counted(name: str, level: Literal["refuse", "warn"], count: int, message: str) -> _Finding:
    return _Finding(_result(name, level, "0", str(count), count == 0), message)


def _result(name: str, level: Literal["refuse", "warn"], threshold: str, observed: str, passed: bool) -> CheckResult:
    return CheckResult(name=name, level=level, threshold=threshold, observed=observed, passed=passed)


def _level(refuse: bool) -> Literal["refuse", "warn"]:
    return "refuse" if refuse else "warn"


def _where(delivery: Delivery, edges: NDArray[np.int64]) -> str:
    if not len(edges):
        return ""
    low, high = (delivery.ids[end[edges[0]]] for end in (delivery.low, delivery.high))
    return f" (first: {low!s} - {high!s})"
