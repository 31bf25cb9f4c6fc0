"""The checks whether tonight's bytes were delivered before: the source may have sent an old file again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.checks.finding import Finding, finding, refuse_if
from pipeline.params.snapshot import SnapshotParams
from pipeline.snapshots.published import PublishedSnapshot
from pipeline.sources.delivery import Delivery


@dataclass(frozen=True)
class Baseline:
    """What tonight is compared with: the newest snapshot before tonight's as-of, and those before it."""

    as_of: datetime
    source_sha256: str
    num_edges: int
    ids_are_text: bool
    earlier: Sequence[PublishedSnapshot] = ()  # all before tonight, oldest first: an older file may come again too
    keeps_directions: bool = False  # the snapshots say which way each event went


def new_delivery(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> Finding:
    """Refuse the bytes of the last snapshot, unless params.yaml allows an unchanged graph to give them."""
    same = delivery.sha256 == baseline.source_sha256
    repeated = same and not _is_one_log(delivery, params) and not _has_news(delivery, params, baseline)
    return finding(
        "new_delivery",
        refuse_if(params.identical_delivery == "refuse"),
        threshold=f"other bytes than {baseline.source_sha256[:12]} of {baseline.as_of.isoformat()}",
        observed=f"sha256 {delivery.sha256[:12]}, {'the same bytes' if same else 'other bytes'}",
        passed=not repeated,
        message=f"{delivery.edges_file} holds the very bytes (sha256 {delivery.sha256[:12]}) that were delivered "
        f"for {baseline.as_of.isoformat()}: the source redelivered an old file under a new date. Ask it for tonight's, "
        f"or set snapshot.identical_delivery: unchanged in params.yaml if an unchanged graph gives the same bytes.",
    )


def no_older_delivery(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> Finding:
    """Refuse the bytes of a snapshot before the last one."""
    # `new_delivery` checks the last snapshot: an unchanged graph may give the same bytes there.
    judged = delivery.sha256 != baseline.source_sha256 and not _has_news(delivery, params, baseline)
    again = [item for item in baseline.earlier if judged and item.source_sha256 == delivery.sha256]
    which = f"{again[-1].as_of.isoformat()} (snapshot {again[-1].tag})" if again else "none"
    return finding(
        "no_older_delivery",
        "refuse",
        threshold=f"other bytes than {len(baseline.earlier)} earlier ones",
        observed=which,
        passed=not again,
        message=f"{delivery.edges_file} holds the very bytes (sha256 {delivery.sha256[:12]}) delivered for "
        f"{which}: the source redelivered an old file under a new date. Ask it for tonight's; if the graph did return "
        f"to that state, have it exported again in another row order.",
    )


def _is_one_log(delivery: Delivery, params: SnapshotParams) -> bool:
    # If one file holds all nights, the same bytes are a quiet night. A file with tonight's name must be new.
    return params.kind == "event_log" and not delivery.dated


def _has_news(delivery: Delivery, params: SnapshotParams, baseline: Baseline) -> bool:
    # A log may be written ahead: its bytes stay the same while its events come due night by night.
    if params.kind != "event_log" or delivery.newest is None:
        return False
    return delivery.newest > int(baseline.as_of.timestamp())
