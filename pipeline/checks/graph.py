"""The checks of the graph that a delivery makes, on what the change report measured of it; pure.

They judge the resulting graph and not the delivered table, so that an incremental log is judged by what it adds to.
"""

from __future__ import annotations

from pipeline.checks.finding import Finding, finding, level_of, refuse_if
from pipeline.graphs.change_report import ChangeReport
from pipeline.params.snapshot import SnapshotParams

ALWAYS_ALLOWED = 0.01  # components, as a share of the nodes: a sparse graph has a few stray pairs on any night
SHOWN_COLUMNS = 5


def graph_checks(report: ChangeReport, params: SnapshotParams) -> list[Finding]:
    """Return every check of tonight's graph; those that compare need a previous snapshot."""
    alone = [_bipartite(report, params), _orphans(report, params), _constant_features(report)]
    if report.previous_as_of is None:
        observed = f"{report.edges.tonight} edges, no earlier snapshot"
        first = finding("edge_ratio", "warn", threshold="an earlier snapshot", observed=observed, passed=True)
        return [first, *alone]
    return [
        _minimum_edge_ratio(report, params),
        _maximum_edge_ratio(report, params),
        _edge_ratio(report, params),
        *alone,
        _new_nodes(report, params),
        _degree_shift(report, params),
        _component_count(report, params),
        _outside_largest(report, params),
        _id_reuse(report, params),
        _late_edges(report, params),
        _feature_columns(report),
        _feature_shift(report, params),
    ]


def _minimum_edge_ratio(report: ChangeReport, params: SnapshotParams) -> Finding:
    return finding(
        "minimum_edge_ratio",
        level_of("minimum_edge_ratio", params),
        threshold=f">= {params.minimum_edge_ratio:g} of {report.edges.before}",
        observed=f"{report.edge_ratio:.3f} ({report.edges.tonight})",
        passed=(report.edge_ratio or 0.0) >= params.minimum_edge_ratio,
        message=f"{_ratio(report)}, below {params.minimum_edge_ratio:g}: the delivery looks truncated. Have it "
        f"delivered whole, or lower snapshot.minimum_edge_ratio in params.yaml if the graph did shrink.",
    )


def _maximum_edge_ratio(report: ChangeReport, params: SnapshotParams) -> Finding:
    return finding(
        "maximum_edge_ratio",
        level_of("maximum_edge_ratio", params),
        threshold=f"<= {params.maximum_edge_ratio:g} of {report.edges.before}",
        observed=f"{report.edge_ratio:.3f} ({report.edges.tonight})",
        passed=(report.edge_ratio or 0.0) <= params.maximum_edge_ratio,
        message=f"{_ratio(report)}, above {params.maximum_edge_ratio:g}: doubled, or another graph. Check the export, "
        f"or raise snapshot.maximum_edge_ratio in params.yaml if the graph did grow.",
    )


def _edge_ratio(report: ChangeReport, params: SnapshotParams) -> Finding:
    return finding(
        "edge_ratio",
        "warn",
        threshold=f">= {params.warn_edge_ratio:g} of {report.edges.before}",
        observed=f"{report.edge_ratio:.3f} ({report.edges.tonight})",
        passed=(report.edge_ratio or 0.0) >= params.warn_edge_ratio,
    )


def _bipartite(report: ChangeReport, params: SnapshotParams) -> Finding:
    return finding(
        "bipartite",
        refuse_if(params.bipartite == "refuse"),
        threshold="< 100 % of the edges in two-colourable components",
        observed=f"{report.two_colourable:.1%}",
        passed=report.two_colourable < 1 or report.edges.tonight == 0,
        message=f"two colours suffice for all {report.edges.tonight} edges, so that the graph is bipartite. For a pair "
        f"across the two sides N(i) and N(j) lie on opposite sides and never meet: there is no common neighbour to "
        f"learn from, and every such score would be degree alone. Project one side (link two of its nodes that share "
        f"a neighbour) and deliver that, or set snapshot.bipartite: warn in params.yaml.",
    )


def _orphans(report: ChangeReport, params: SnapshotParams) -> Finding:
    orphans, nodes = report.shape.orphans, report.shape.nodes
    return finding(
        "orphans",
        level_of("orphans", params),
        threshold=f"<= {params.maximum_orphan_share:g} of {nodes} nodes",
        observed=_share(orphans, nodes),
        passed=orphans <= params.maximum_orphan_share * nodes,
        message=f"{orphans} of {nodes} nodes have no edge, above {params.maximum_orphan_share:g}: edge table and node "
        f"table do not belong together, or edges are missing. Check that both name the same ids, or raise "
        f"snapshot.maximum_orphan_share in params.yaml.",
    )


def _new_nodes(report: ChangeReport, params: SnapshotParams) -> Finding:
    new, nodes = report.nodes.added, report.nodes.tonight
    return finding(
        "new_node_share",
        level_of("new_node_share", params),
        threshold=f"<= {params.maximum_new_node_share:g} of {nodes} nodes",
        observed=_share(new, nodes),
        passed=new <= params.maximum_new_node_share * nodes,
        message=f"{new} of {nodes} nodes were never held before, above {params.maximum_new_node_share:g}: the ids were "
        f"made anew, or this is another graph. Deliver the ids that the nodes had, or raise "
        f"snapshot.maximum_new_node_share in params.yaml if the graph did grow.",
    )


def _degree_shift(report: ChangeReport, params: SnapshotParams) -> Finding:
    shift, most = report.degree_shift or 0.0, params.maximum_degree_shift
    before = report.shape_before.mean_degree if report.shape_before else 0.0
    return finding(
        "degree_shift",
        level_of("degree_shift", params),
        threshold=f"<= {most:g}",
        observed=f"{shift:.4f}",
        passed=shift <= most,
        message=f"the Kolmogorov-Smirnov distance of tonight's degrees to those of the previous snapshot is "
        f"{shift:.3f}, above {most:g} (mean degree {before:.2f}, now {report.shape.mean_degree:.2f}): edges are "
        f"missing or repeated at many nodes, or a column is another's. Check the export, or raise "
        f"snapshot.maximum_degree_shift in params.yaml.",
    )


def _component_count(report: ChangeReport, params: SnapshotParams) -> Finding:
    before = report.shape_before.components if report.shape_before else 0
    most = int(max(params.maximum_component_ratio * before, ALWAYS_ALLOWED * report.shape.nodes))
    return finding(
        "component_count",
        level_of("component_count", params),
        threshold=f"<= {most} ({before} before)",
        observed=str(report.shape.components),
        passed=report.shape.components <= most,
        message=f"the graph has {report.shape.components} components of two nodes or more, above {most} "
        f"({params.maximum_component_ratio:g} times the {before} of the previous snapshot, or 1 % of the nodes): it "
        f"fell apart. Look for missing hubs in the export, or raise snapshot.maximum_component_ratio in params.yaml.",
    )


def _outside_largest(report: ChangeReport, params: SnapshotParams) -> Finding:
    before = report.shape_before.outside_largest if report.shape_before else 0.0
    outside, growth = report.shape.outside_largest, params.maximum_outside_growth
    return finding(
        "outside_largest",
        level_of("outside_largest", params),
        threshold=f"<= {before:.4f} + {growth:g}",
        observed=f"{outside:.4f}",
        passed=outside <= before + growth,
        message=f"{outside:.1%} of the nodes with an edge lie outside the largest component, {before:.1%} did before, "
        f"and the growth is above {growth:.1%}: a part broke off. Look for missing hubs in the export, or raise "
        f"snapshot.maximum_outside_growth in params.yaml.",
    )


def _id_reuse(report: ChangeReport, params: SnapshotParams) -> Finding:
    reused, nodes = report.reused_ids, report.nodes.tonight
    return finding(
        "id_reuse",
        level_of("id_reuse", params),
        threshold=f"<= {params.maximum_id_reuse:g} of {nodes} nodes",
        observed=_share(reused, nodes),
        passed=reused <= params.maximum_id_reuse * nodes,
        message=f"{reused} of {nodes} ids seem to stand for another node than before (first: {report.first_reused}), "
        f"above {params.maximum_id_reuse:g}: they came back with other features or among strangers, or changed all "
        f"their features at once. Give new nodes new ids, or raise snapshot.maximum_id_reuse in params.yaml.",
    )


def _late_edges(report: ChangeReport, params: SnapshotParams) -> Finding:
    late, added = report.late_edges, report.edges.added
    return finding(
        "late_edges",
        "warn",
        threshold=f"<= {params.maximum_late_share:g} of {added} first-time edges",
        observed=_share(late, added),
        passed=late <= params.maximum_late_share * added,
    )


def _constant_features(report: ChangeReport) -> Finding:
    constant, vanished = report.features.constant, report.features.vanished
    shown = ", ".join((vanished or constant)[:SHOWN_COLUMNS])
    said = f"{len(constant)} of {report.features.columns}" + (f", {len(vanished)} varied before" if vanished else "")
    return finding(
        "constant_features",
        "warn",
        # A rare class of a one-hot encoding is constant every night; what matters is a column that went silent.
        threshold="none that varied before",
        observed=said + (f" ({shown})" if shown else ""),
        passed=not vanished,
    )


def _feature_columns(report: ChangeReport) -> Finding:
    anew = report.features.begun_anew
    known = "other columns: without dates (snapshot.node_time_column) training sees zeros until its cut is past tonight"
    return finding(
        "feature_columns",
        "warn",
        threshold="those of the previous snapshot",
        observed=known if anew else f"the same {report.features.columns}",
        passed=not anew,
    )


def _feature_shift(report: ChangeReport, params: SnapshotParams) -> Finding:
    shift, column = report.features.shift, report.features.shifted
    return finding(
        "feature_shift",
        "warn",
        threshold=f"<= {params.maximum_feature_shift:g} standard deviations",
        observed="nothing to compare" if shift is None else f"{shift:.3f} ({column})",
        passed=(shift or 0.0) <= params.maximum_feature_shift,
    )


def _ratio(report: ChangeReport) -> str:
    held = report.previous_as_of.isoformat() if report.previous_as_of else "no snapshot"
    edges = report.edges
    return f"{edges.tonight} edges are {report.edge_ratio:.3f} of the {edges.before} of {held}"


def _share(count: int, total: int) -> str:
    return f"{count / max(total, 1):.4f} ({count})"
