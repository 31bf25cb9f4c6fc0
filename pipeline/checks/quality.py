"""All checks that a delivery must pass before anything of it is versioned, in their order; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.checks.data_checks import DataChecks
from pipeline.checks.delivery import directions, kind_of_ids, newest_event, row_checks, time_order
from pipeline.checks.finding import Finding
from pipeline.checks.repeats import Baseline, new_delivery, no_older_delivery
from pipeline.checks.tables import table_checks
from pipeline.errors import InvalidInput
from pipeline.graphs.change_summary import ChangeSummary
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery

# If one of these fails, the next checks, or building the graph, would fail with an error: refuse at once.
TABLES_AS_THEY_MUST_BE = {"edge_ends", "node_ids", "feature_values"}
NEEDED_TO_BUILD = {"minimum_edges", "kind_of_ids"}


class RefusedDelivery(InvalidInput):
    """A delivery is refused. Carries all checks, and what changed if that was measured."""

    def __init__(self, message: str, checks: DataChecks, change: ChangeSummary | None) -> None:
        super().__init__(message)
        self.checks = checks
        self.change = change


def check_delivery(
    delivery: Delivery,
    params: SnapshotParams,
    *,
    as_of: datetime,
    newest_as_of: datetime | None,
    baseline: Baseline | None,
) -> list[Finding]:
    """Check the delivered tables, before a graph is built from them.

    Raises:
        RefusedDelivery: no graph can be built; the message names every check that failed.
    """
    findings = table_checks(delivery, params, as_of=int(as_of.timestamp()))
    _require_some(findings, TABLES_AS_THEY_MUST_BE, delivery, params, as_of)
    findings += row_checks(delivery, params, baseline)
    findings.append(time_order(as_of, newest_as_of))
    if baseline is not None:
        findings += [
            new_delivery(delivery, params, baseline),
            no_older_delivery(delivery, params, baseline),
            kind_of_ids(delivery, baseline),
            directions(delivery, baseline),
            newest_event(delivery, params, baseline),
        ]
    _require_some(findings, NEEDED_TO_BUILD, delivery, params, as_of)
    return findings


def require(
    findings: Sequence[Finding],
    delivery: Delivery,
    params: SnapshotParams,
    *,
    as_of: datetime,
    change: ChangeSummary | None,
) -> DataChecks:
    """Return the record of all checks, if none of them refuses the delivery.

    Raises:
        RefusedDelivery: at least one refusing check failed; the message names all of them.
    """
    refused = tuple(item.message for item in findings if item.refuses)
    checks = DataChecks(
        graph=params.graph,
        as_of=as_of,
        delivery=delivery.edges_file,
        checks=tuple(item.result for item in findings),
        reasons=refused,
    )
    if refused:
        message = f"{delivery.edges_file} is refused, {len(refused)} check(s) failed. " + " ".join(refused)
        raise RefusedDelivery(message, checks, change)
    return checks


def _require_some(
    findings: Sequence[Finding], names: set[str], delivery: Delivery, params: SnapshotParams, as_of: datetime
) -> None:
    """Refuse at once if one of the named checks refuses; the refusal carries all findings so far."""
    if any(item.refuses and item.result.name in names for item in findings):
        require(findings, delivery, params, as_of=as_of, change=None)
