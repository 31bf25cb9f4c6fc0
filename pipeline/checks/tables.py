"""The checks of the delivered tables' values: pandera schemas, whose failures become findings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.checks.finding import Finding, Level, finding, level_of
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery, NodeTable

if TYPE_CHECKING:
    from pandera.pandas import Check, DataFrameSchema


MOST_CASES = (
    1000  # failing values that a check lists: a wholly wrong table of millions of rows must not fill the memory
)
FEATURE = "feature "  # before a feature's name: a feature may be called node or time


@dataclass(frozen=True)
class _Rule:
    """One finding: the schema checks that it sums up, and its words."""

    name: str
    checks: tuple[str, ...]
    threshold: str
    what: str
    remedy: str
    level: Level = "refuse"


def table_checks(delivery: Delivery, params: SnapshotParams, *, as_of: int) -> list[Finding]:
    """Validate the edge table and, where there is one, the node table; O(edges + nodes x features).

    The source's reader refuses most of this already, with the row of the file. Here the arrays are checked that the
    graph is built from.
    """
    edges = _failures(_edge_frame(delivery), _edge_schema(delivery, as_of))
    findings = [_told(rule, edges, delivery.edges_file) for rule in _edge_rules()]
    if delivery.nodes is not None:
        nodes = _failures(_node_frame(delivery.nodes, params), _node_schema(delivery.nodes, params, as_of))
        findings += [_told(rule, nodes, str(delivery.nodes_file)) for rule in _node_rules(delivery.nodes, params)]
    return findings


def _edge_frame(delivery: Delivery) -> pd.DataFrame:
    columns = {"low": delivery.low, "high": delivery.high}
    return pd.DataFrame(columns if delivery.time is None else columns | {"time": delivery.time}, copy=False)


def _edge_schema(delivery: Delivery, as_of: int) -> DataFrameSchema:
    import pandera.pandas as pa

    last = len(delivery.ids) - 1
    columns = {
        "low": pa.Column(checks=[_check("ends", lambda low: (low >= 0) & (low < delivery.high))]),
        "high": pa.Column(checks=[_check("ends", lambda high: high <= last)]),
    }
    if delivery.time is not None:
        columns["time"] = pa.Column(checks=[_check("times", lambda time: (time >= 0) & (time <= as_of))])
    return pa.DataFrameSchema(columns)


def _edge_rules() -> list[_Rule]:
    remedy = "Report this with the delivery: the source's reader let it through."
    clock = "Check the source's clock, and that its time column is in seconds."
    return [
        _Rule("edge_ends", ("ends",), "two known nodes, low before high", "ends are unknown or not in order", remedy),
        _Rule("edge_times", ("times",), "1970 to the as-of", "times lie before 1970 or after the as-of", clock),
    ]


def _node_frame(nodes: NodeTable, params: SnapshotParams) -> pd.DataFrame:
    frame = pd.DataFrame({"node": pd.Series(nodes.ids)}, copy=False)
    if nodes.times is not None:
        frame["time"] = nodes.times
    if nodes.features is None:
        return frame
    return frame.join(pd.DataFrame(nodes.features, columns=_feature_names(nodes), copy=False))


def _node_schema(nodes: NodeTable, params: SnapshotParams, as_of: int) -> DataFrameSchema:
    import pandera.pandas as pa

    low = -math.inf if params.feature_minimum is None else params.feature_minimum
    high = math.inf if params.feature_maximum is None else params.feature_maximum
    columns = {"node": pa.Column(nullable=False, unique=True, report_duplicates="exclude_first")}
    if nodes.times is not None:
        columns["time"] = pa.Column(checks=[_check("times", lambda time: (time >= 0) & (time <= as_of))])
    for name in _feature_names(nodes):
        finite = _check("finite", lambda values: np.isfinite(values))
        within = _check("range", lambda values: ~((values < low) | (values > high)))  # NaN is left to the other check
        columns[name] = pa.Column(checks=[finite, within], nullable=True)
    return pa.DataFrameSchema(columns)


def _node_rules(nodes: NodeTable, params: SnapshotParams) -> list[_Rule]:
    rules = [
        _Rule(
            "node_ids",
            ("not_nullable", "field_uniqueness"),
            "each id once, none missing",
            "ids are missing or repeated",
            "A node has one row and an id: leave out the others.",
        )
    ]
    if nodes.times is not None:
        clock = "Check the source's clock, and that snapshot.node_time_column is in seconds."
        rules.append(
            _Rule("node_times", ("times",), "1970 to the as-of", "times lie before 1970 or after the as-of", clock)
        )
    if nodes.features is None:
        return rules
    low, high = (_bound(value) for value in (params.feature_minimum, params.feature_maximum))
    return [
        *rules,
        _Rule(
            "feature_values",
            ("finite",),
            "finite numbers",
            "feature values are NaN or infinite",
            "Fill or leave out those rows, or take the column out of snapshot.feature_columns.",
        ),
        _Rule(
            "feature_range",
            ("range",),
            f"{low} to {high}",
            f"feature values lie outside {low} to {high}",
            "Check the column's unit, or widen snapshot.feature_minimum and feature_maximum in params.yaml.",
            level_of("feature_range", params),
        ),
    ]


def _feature_names(nodes: NodeTable) -> list[str]:
    return [] if nodes.features is None else [f"{FEATURE}{name}" for name in nodes.columns]


def _check(name: str, holds: Callable[[pd.Series[Any]], pd.Series[bool]]) -> Check:  # Any: of any column
    import pandera.pandas as pa

    # pandera would skip missing values, and NaN is what to look for.
    return pa.Check(holds, name=name, ignore_na=False, n_failure_cases=MOST_CASES)


def _failures(frame: pd.DataFrame, schema: DataFrameSchema) -> Mapping[str, pd.DataFrame]:
    """Return the failing values by the name of the check that they failed: columns column, failure_case, index."""
    from pandera.errors import SchemaErrors

    try:
        schema.validate(frame, lazy=True, inplace=True)  # in place: a copy would double the memory
    except SchemaErrors as error:
        return {str(name): cases for name, cases in error.failure_cases.groupby("check", sort=False)}
    return {}


def _told(rule: _Rule, failures: Mapping[str, pd.DataFrame], file: str) -> Finding:
    cases = [failures[name] for name in rule.checks if name in failures]
    if not cases:
        return finding(rule.name, rule.level, threshold=rule.threshold, observed="0 fail", passed=True)
    first = cases[0].iloc[0]
    count = sum(len(part) for part in cases)
    said = f"{count}{' or more' if any(len(part) >= MOST_CASES for part in cases) else ''}"
    where = f"row {int(first['index']) + 1}, {str(first['column']).removeprefix(FEATURE)} = {first['failure_case']}"
    return finding(
        rule.name,
        rule.level,
        threshold=rule.threshold,
        observed=f"{said} fail ({where})",
        passed=False,
        message=f"{said} {rule.what} in {file} (first: {where}). {rule.remedy}",
    )


def _bound(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:g}"
