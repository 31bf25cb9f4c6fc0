"""The checks of the graph that a delivery makes, on the measurements of the change summary; pure.

They check the resulting graph, not the delivered table: an event log delivers only what is new.
"""

from __future__ import annotations

from pipeline.checks.finding import Finding, Level, finding, level_of, refuse_if
from pipeline.graphs.change_summary import ChangeSummary
from pipeline.params.snapshot import SnapshotParams

ALWAYS_ALLOWED = 0.01  # components, as a share of the nodes: a sparse graph always has a few separate pairs
SHOWN_COLUMNS = 5


def graph_checks(change: ChangeSummary, params: SnapshotParams) -> list[Finding]:
    """Return every check of tonight's graph; those that compare need a previous snapshot."""
    alone = [_bipartite(change, params), _orphans(change, params), _constant_features(change)]
    if change.previous_as_of is None:
        observed = f"{change.edges.tonight} edges, no earlier snapshot"
        first = finding("edge_ratio", "warn", threshold="an earlier snapshot", observed=observed, passed=True)
        return [first, *alone]
    return [
        _minimum_edge_ratio(change, params),
        _maximum_edge_ratio(change, params),
        _dip_of_edges(change, params),
        *alone,
        _new_nodes(change, params),
        _degree_shift(change, params),
        _component_count(change, params),
        _outside_largest(change, params),
        _id_reuse(change, params),
        _late("late_edges", change.late_edges, change.edges.added, "first-time edges", params),
        _late("late_repeats", change.late_repeats, change.repeated_events, "later events", params),
        _feature_columns(change),
        _feature_shift(change, params),
    ]


def _minimum_edge_ratio(change: ChangeSummary, params: SnapshotParams) -> Finding:
    least = params.minimum_edge_ratio
    return _edge_ratio(
        "minimum_edge_ratio",
        level_of("minimum_edge_ratio", params),
        change,
        f">= {least:g}",
        passed=(change.edge_ratio or 0.0) >= least,
        message=f"{_ratio(change)}, below {least:g}: the delivery looks truncated. Have it delivered whole, or lower "
        f"snapshot.minimum_edge_ratio in params.yaml if the graph did shrink.",
    )


def _maximum_edge_ratio(change: ChangeSummary, params: SnapshotParams) -> Finding:
    most = params.maximum_edge_ratio
    return _edge_ratio(
        "maximum_edge_ratio",
        level_of("maximum_edge_ratio", params),
        change,
        f"<= {most:g}",
        passed=(change.edge_ratio or 0.0) <= most,
        message=f"{_ratio(change)}, above {most:g}: the delivery may be duplicated, or of another graph. "
        f"Check the export, or raise snapshot.maximum_edge_ratio in params.yaml if the graph did grow.",
    )


def _dip_of_edges(change: ChangeSummary, params: SnapshotParams) -> Finding:
    least = params.warn_edge_ratio
    return _edge_ratio("edge_ratio", "warn", change, f">= {least:g}", passed=(change.edge_ratio or 0.0) >= least)


def _edge_ratio(
    name: str, level: Level, change: ChangeSummary, limit: str, *, passed: bool, message: str = ""
) -> Finding:
    """Return a finding on tonight's edges against those of the previous snapshot."""
    return finding(
        name,
        level,
        threshold=f"{limit} of {change.edges.before}",
        observed=f"{change.edge_ratio:.3f} ({change.edges.tonight})",
        passed=passed,
        message=message,
    )


def _bipartite(change: ChangeSummary, params: SnapshotParams) -> Finding:
    return finding(
        "bipartite",
        refuse_if(params.bipartite == "refuse"),
        threshold="< 100 % of the edges in two-colourable components",
        observed=f"{change.two_colourable:.1%}",
        passed=change.two_colourable < 1 or change.edges.tonight == 0,
        message=f"two colours suffice for all {change.edges.tonight} edges, so the graph is bipartite. A pair across "
        f"the two sides has no common neighbour, because N(i) and N(j) lie on opposite sides and never meet: only "
        f"degrees would score it. Project one side (link its nodes that share a neighbour) and deliver that, or set "
        f"snapshot.bipartite: warn in params.yaml.",
    )


def _orphans(change: ChangeSummary, params: SnapshotParams) -> Finding:
    orphans, nodes = change.shape.orphans, change.shape.nodes
    return finding(
        "orphans",
        level_of("orphans", params),
        threshold=f"<= {params.maximum_orphan_share:g} of {nodes} nodes",
        observed=_share(orphans, nodes),
        passed=orphans <= params.maximum_orphan_share * nodes,
        message=f"{orphans} of {nodes} nodes have no edge, above {params.maximum_orphan_share:g}: edge table and node "
        f"table do not belong together, or edges are missing. Check that both name the same ids, or raise "
        f"snapshot.maximum_orphan_share in params.yaml if so many nodes have none.",
    )


def _new_nodes(change: ChangeSummary, params: SnapshotParams) -> Finding:
    new, nodes = change.nodes.added, change.nodes.tonight
    return finding(
        "new_node_share",
        level_of("new_node_share", params),
        threshold=f"<= {params.maximum_new_node_share:g} of {nodes} nodes",
        observed=_share(new, nodes),
        passed=new <= params.maximum_new_node_share * nodes,
        message=f"{new} of {nodes} nodes were never held before, above {params.maximum_new_node_share:g}: the ids look "
        f"newly assigned, or this is another graph. Deliver the ids that the nodes had before, or raise "
        f"snapshot.maximum_new_node_share in params.yaml if the graph did grow.",
    )


def _degree_shift(change: ChangeSummary, params: SnapshotParams) -> Finding:
    shift, most = change.degree_shift or 0.0, params.maximum_degree_shift
    before = change.shape_before.mean_degree if change.shape_before else 0.0
    return finding(
        "degree_shift",
        level_of("degree_shift", params),
        threshold=f"<= {most:g}",
        observed=f"{shift:.4f}",
        passed=shift <= most,
        message=f"the Kolmogorov-Smirnov distance of tonight's degrees to those of the previous snapshot is "
        f"{shift:.3f}, above {most:g} (mean degree {before:.2f}, now {change.shape.mean_degree:.2f}): edges are "
        f"missing or repeated at many nodes, or a column is another's. Check the export, or raise "
        f"snapshot.maximum_degree_shift in params.yaml if the graph did change so.",
    )


def _component_count(change: ChangeSummary, params: SnapshotParams) -> Finding:
    before = change.shape_before.components if change.shape_before else 0
    most = int(max(params.maximum_component_ratio * before, ALWAYS_ALLOWED * change.shape.nodes))
    return finding(
        "component_count",
        level_of("component_count", params),
        threshold=f"<= {most} ({before} before)",
        observed=str(change.shape.components),
        passed=change.shape.components <= most,
        message=f"the graph has {change.shape.components} components of two nodes or more, above {most} "
        f"({params.maximum_component_ratio:g} times the {before} of the previous snapshot, or 1 % of the nodes): it "
        f"fell apart. Look for missing hubs in the export, or raise snapshot.maximum_component_ratio in params.yaml "
        f"if the graph did change so.",
    )


def _outside_largest(change: ChangeSummary, params: SnapshotParams) -> Finding:
    before = change.shape_before.outside_largest if change.shape_before else 0.0
    outside, growth = change.shape.outside_largest, params.maximum_outside_growth
    return finding(
        "outside_largest",
        level_of("outside_largest", params),
        threshold=f"<= {before:.4f} + {growth:g}",
        observed=f"{outside:.4f}",
        passed=outside <= before + growth,
        message=f"{outside:.1%} of the nodes with an edge lie outside the largest component, {before:.1%} did before, "
        f"and the growth is above {growth:.1%}: a part broke off. Look for missing hubs in the export, or raise "
        f"snapshot.maximum_outside_growth in params.yaml if the graph did change so.",
    )


def _id_reuse(change: ChangeSummary, params: SnapshotParams) -> Finding:
    reused, nodes = change.reused_ids, change.nodes.tonight
    return finding(
        "id_reuse",
        level_of("id_reuse", params),
        threshold=f"<= {params.maximum_id_reuse:g} of {nodes} nodes",
        observed=_share(reused, nodes),
        passed=reused <= params.maximum_id_reuse * nodes,
        message=f"{reused} of {nodes} ids seem to stand for another node than before (first: {change.first_reused}), "
        f"above {params.maximum_id_reuse:g}: they came back with other features or with none of their edges, or all "
        f"their features changed at once. Give new nodes new ids, or raise snapshot.maximum_id_reuse in params.yaml "
        f"if they are the same nodes.",
    )


def _late(name: str, late: int, count: int, what: str, params: SnapshotParams) -> Finding:
    """Return a finding on how many of tonight's edges or events are of a time before the previous snapshot."""
    return finding(
        name,
        "warn",
        threshold=f"<= {params.maximum_late_share:g} of {count} {what}",
        observed=_share(late, count),
        passed=late <= params.maximum_late_share * count,
    )


def _constant_features(change: ChangeSummary) -> Finding:
    constant, vanished = change.features.constant, change.features.vanished
    shown = ", ".join((vanished or constant)[:SHOWN_COLUMNS])
    said = f"{len(constant)} of {change.features.columns}" + (f", {len(vanished)} varied before" if vanished else "")
    return finding(
        "constant_features",
        "warn",
        # A rare class of a one-hot encoding is constant every night. What matters is a column that stopped varying.
        threshold="none that varied before",
        observed=said + (f" ({shown})" if shown else ""),
        passed=not vanished,
    )


def _feature_columns(change: ChangeSummary) -> Finding:
    anew = change.features.begun_anew
    known = "other columns; without snapshot.node_time_column, training sees zeros until its cut is after tonight"
    return finding(
        "feature_columns",
        "warn",
        threshold="those of the previous snapshot",
        observed=known if anew else f"the same {change.features.columns}",
        passed=not anew,
    )


def _feature_shift(change: ChangeSummary, params: SnapshotParams) -> Finding:
    shift, column = change.features.shift, change.features.shifted
    return finding(
        "feature_shift",
        "warn",
        threshold=f"<= {params.maximum_feature_shift:g} standard deviations",
        observed="nothing to compare" if shift is None else f"{shift:.3f} ({column})",
        passed=(shift or 0.0) <= params.maximum_feature_shift,
    )


def _ratio(change: ChangeSummary) -> str:
    held = change.previous_as_of.isoformat() if change.previous_as_of else "no snapshot"
    edges = change.edges
    return f"{edges.tonight} edges are {change.edge_ratio:.3f} of the {edges.before} of {held}"


def _share(count: int, total: int) -> str:
    return f"{count / max(total, 1):.4f} ({count})"
