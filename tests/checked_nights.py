"""Small graphs through delivery, build and checks in memory, as the step `snapshot` takes them through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.checks.data_checks import DataChecks
from pipeline.checks.graph import graph_checks
from pipeline.checks.quality import check_delivery, require
from pipeline.checks.repeats import Baseline
from pipeline.graphs.change_report import ChangeReport, change_report
from pipeline.graphs.tables import Change
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from pipeline.snapshots.published import PublishedSnapshot
from pipeline.sources.delivery import Delivery

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
PARAMS = SnapshotParams()


def changed(tonight: Delivery, *earlier: Delivery, params: SnapshotParams = PARAMS) -> tuple[Change, ChangeReport]:
    """Build the earlier deliveries, oldest first, and tonight's, a day apart; return tonight's change and report."""
    change: Change | None = None
    previous: Change | None = None
    first = AS_OF.timestamp() - 86400 * len(earlier)
    moments = [datetime.fromtimestamp(first + 86400 * night, UTC) for night in range(len(earlier) + 1)]
    for night, delivery in enumerate([*earlier, tonight]):
        previous = change
        change = build(
            delivery,
            params,
            as_of=int(moments[night].timestamp()),
            previous=previous.graph if previous else None,
            previous_as_of=int(moments[night - 1].timestamp()) if previous else None,
        )
    assert change is not None
    report = change_report(
        change,
        previous.graph if previous else None,
        graph=params.graph,
        as_of=AS_OF,
        previous_as_of=moments[-2] if previous else None,
    )
    return change, report


def checked(
    tonight: Delivery,
    *earlier: Delivery,
    params: SnapshotParams = PARAMS,
    newest_as_of: datetime | None = None,
    published: Sequence[PublishedSnapshot] = (),
) -> DataChecks:
    """Return every check of the last of several deliveries; raises as the step does."""
    baseline = None
    if earlier:
        last, known = earlier[-1], changed(earlier[-1], *earlier[:-1], params=params)[1]
        baseline = Baseline(BEFORE, last.sha256, known.edges.tonight, last.ids_are_text, published)
    newest = newest_as_of or (BEFORE if earlier else None)
    findings = check_delivery(tonight, params, as_of=AS_OF, newest_as_of=newest, baseline=baseline)
    report = changed(tonight, *earlier, params=params)[1]
    findings += graph_checks(report, params)
    return require(findings, tonight, params, as_of=AS_OF, change=report)


def found(checks: DataChecks, name: str) -> tuple[str, str, bool]:
    """Return level, observed value and verdict of one check."""
    [item] = [item for item in checks.checks if item.name == name]
    return item.level, item.observed, item.passed
