import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from embedded.as_caida import dumps, find_archive, links
from embedded.nights import DemoError
from pipeline.checks.data_checks import DataChecks
from pipeline.checks.graph import graph_checks
from pipeline.checks.quality import RefusedDelivery, check_delivery, require
from pipeline.checks.repeats import Baseline
from pipeline.errors import InvalidInput
from pipeline.graphs.change_summary import ChangeSummary, change_summary
from pipeline.graphs.tables import CanonicalGraph
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery, RowCounts
from tests.fixtures.checked_nights import checked, found
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, ring, triangle_with_tail

TRUNCATED = datetime(2007, 9, 17, tzinfo=UTC)
DIPS = (datetime(2006, 11, 13, tzinfo=UTC), datetime(2007, 1, 29, tzinfo=UTC))
RECOVERIES = (datetime(2006, 11, 20, tzinfo=UTC), datetime(2007, 2, 5, tzinfo=UTC))
CALIBRATED = SnapshotParams(graph="as_caida")


def test_good_delivery_passes_every_check() -> None:
    graph = delivered(triangle_with_tail(), nodes_of(triangle_with_tail()))
    checks = checked(graph, delivered(triangle_with_tail().iloc[::-1], nodes_of(triangle_with_tail())))
    assert all(item.passed for item in checks.checks)
    assert found(checks, "minimum_edge_ratio") == ("refuse", "1.000 (4)", True)


def test_refusal_names_every_failed_check_of_the_table_and_of_the_graph() -> None:
    faulty = pd.concat([ring(4), pd.DataFrame({"source": [1, 1], "target": [1, 0]})], ignore_index=True)
    with pytest.raises(
        InvalidInput, match=r"4 check\(s\) failed.*self_loops: .*duplicates: .*minimum_edge_ratio: .*bipartite: "
    ) as caught:
        checked(delivered(faulty), delivered(ring(101)))
    refused = caught.value
    assert isinstance(refused, RefusedDelivery)
    assert len(refused.checks.reasons) == 4
    assert "degree_shift" in {item.name for item in refused.checks.checks if item.passed}  # what passed is told too
    assert refused.change is not None
    assert refused.change.edges.removed == 98  # three of four edges were there


def test_nothing_is_measured_of_a_graph_that_cannot_be_built() -> None:
    with pytest.raises(RefusedDelivery, match=r"1 check\(s\) failed\. minimum_edges: 0 edges") as caught:
        checked(delivered(ring(4).head(0)))
    assert caught.value.change is None
    assert "bipartite" not in {item.name for item in caught.value.checks.checks}


@dataclass(frozen=True)
class Week:
    """One dump of as_caida and what became of it."""

    as_of: datetime
    days: int  # since the last week that was versioned
    checks: DataChecks
    change: ChangeSummary


class _Held(NamedTuple):
    graph: CanonicalGraph
    as_of: datetime
    baseline: Baseline


@pytest.fixture(scope="module")
def weeks() -> list[Week]:
    try:
        archive = find_archive()
    except DemoError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs the data set: {missing}")
        pytest.skip(str(missing))
    return list(played((as_of, dump_delivery(text)) for as_of, text in dumps(archive)))


def dump_delivery(text: bytes) -> Delivery:
    """Return a dump as the source delivers it: both directions are listed, each pair counts once."""
    pairs = links(text)
    ids, codes = np.unique(pairs, return_inverse=True)
    low, high = codes.reshape(pairs.shape).T
    digest = f"{hash(text) & (2**64 - 1):064x}"
    return Delivery("as-caida.txt", None, digest, ids, low, high, None, RowCounts(read=len(pairs)))


def played(deliveries: Iterator[tuple[datetime, Delivery]]) -> Iterator[Week]:
    """Take each week through checks and build on top of the last that was not refused, as the nights do."""
    held: _Held | None = None
    for as_of, delivery in deliveries:
        findings = check_delivery(
            delivery,
            CALIBRATED,
            as_of=as_of,
            newest_as_of=held.as_of if held else None,
            baseline=held.baseline if held else None,
        )
        change = build(
            delivery,
            CALIBRATED,
            as_of=int(as_of.timestamp()),
            previous=held.graph if held else None,
            previous_as_of=int(held.as_of.timestamp()) if held else None,
        )
        summary = change_summary(
            change,
            held.graph if held else None,
            graph="as_caida",
            as_of=as_of,
            previous_as_of=held.as_of if held else None,
        )
        findings += graph_checks(summary, CALIBRATED)
        days = (as_of - held.as_of).days if held else 0
        try:
            checks = require(findings, delivery, CALIBRATED, as_of=as_of, change=summary)
        except RefusedDelivery as refused:
            yield Week(as_of, days, refused.checks, summary)
            continue
        held = _Held(change.graph, as_of, Baseline(as_of, delivery.sha256, summary.edges.tonight, ids_are_text=False))
        yield Week(as_of, days, checks, summary)


@pytest.mark.slow
def test_only_the_truncated_week_of_122_is_refused(weeks: list[Week]) -> None:
    assert len(weeks) == 122
    assert [week.as_of for week in weeks if week.checks.refused] == [TRUNCATED]
    [truncated] = [week for week in weeks if week.checks.refused]
    assert [reason.partition(":")[0] for reason in truncated.checks.reasons] == ["minimum_edge_ratio"]
    assert "18203 edges are 0.345 of the 52691 of 2007-09-10" in truncated.checks.reasons[0]


@pytest.mark.slow
def test_week_after_the_truncated_one_is_held_against_the_last_good_one(weeks: list[Week]) -> None:
    after = weeks[[week.as_of for week in weeks].index(TRUNCATED) + 1]
    assert (after.days, after.change.edges.before) == (14, 52691)
    assert after.checks.warnings == ()
    assert after.change.edges.added < 1000  # nothing of the truncation came into the history


@pytest.mark.slow
def test_dips_are_versioned_with_a_warning_and_make_no_fresh_edges(weeks: list[Week]) -> None:
    by_date = {week.as_of: week for week in weeks}
    assert [week.as_of for week in weeks if week.checks.warnings] == [*DIPS, TRUNCATED]
    observed = {as_of: found(by_date[as_of].checks, "edge_ratio")[1] for as_of in DIPS}
    assert list(observed.values()) == ["0.853 (39342)", "0.876 (42994)"]
    for recovery, first_time, returned in zip(RECOVERIES, (627, 444), (9005, 7319), strict=True):
        edges = by_date[recovery].change.edges
        assert (edges.added, edges.returned) == (first_time, returned)
        assert by_date[recovery].checks.warnings == ()


@pytest.mark.slow
def test_defaults_leave_room_around_every_good_week_whether_a_week_or_a_month_apart(weeks: list[Week]) -> None:
    odd = {*DIPS, *RECOVERIES, TRUNCATED}
    good = [week for week in weeks if week.days and week.as_of not in odd]
    assert Counter(week.days for week in good) == {7: 91, 28: 16, 35: 8, 14: 1}
    ratios = [week.change.edge_ratio or 0.0 for week in good]
    assert 0.98 < min(ratios) < max(ratios) < 1.04
    assert max(week.change.degree_shift or 0.0 for week in good) < 0.01 < CALIBRATED.maximum_degree_shift / 10
    assert max(week.change.new_node_share or 0.0 for week in good) < 0.03 < CALIBRATED.maximum_new_node_share / 5
    reused = [week.change.reused_ids / week.change.nodes.tonight for week in good]
    assert max(reused) < 0.003 < CALIBRATED.maximum_id_reuse / 3
    assert {week.change.shape.components for week in good} == {1}
    assert {week.change.shape.outside_largest for week in good} == {0.0}
    assert max(week.change.two_colourable for week in weeks) == 0.0
