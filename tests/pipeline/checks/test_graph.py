import numpy as np
import pandas as pd
import pytest

from pipeline.checks.data_checks import DataChecks
from pipeline.checks.graph import graph_checks
from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from tests.fixtures.checked_nights import AS_OF, BEFORE, PARAMS, changed, checked, found
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, ring, square, triangle_with_tail

FEATURES = ("rank", "square")


def random_graph(num_nodes: int = 60, num_edges: int = 240, seed: int = 0, first: int = 0) -> pd.DataFrame:
    """Draw distinct pairs of nodes; with eight edges a node it is connected and full of triangles."""
    rows, columns = np.triu_indices(num_nodes, k=1)
    picked = np.random.default_rng(seed).choice(len(rows), num_edges, replace=False)
    return pd.DataFrame({"source": rows[picked] + first, "target": columns[picked] + first})


def joined(*tables: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)


GOOD = random_graph()


def refused(
    tonight: Delivery, *earlier: Delivery, match: str, check: str, params: SnapshotParams = PARAMS
) -> DataChecks:
    """Expect a refusal by this check alone; the same with the check taken down to a warning refuses nothing."""
    with pytest.raises(InvalidInput, match=match) as caught:
        checked(tonight, *earlier, params=params)
    names = [reason.partition(":")[0] for reason in caught.value.checks.reasons]  # type: ignore[attr-defined]
    assert check in names
    warned = checked(tonight, *earlier, params=params.model_copy(update={"warn_only": tuple(names)}))
    assert check in warned.warnings
    assert not warned.refused
    return warned


def test_good_nights_pass_every_check_without_a_warning() -> None:
    params = SnapshotParams(feature_columns=FEATURES)
    first, second = (delivered(table, nodes_of(GOOD)) for table in (GOOD, GOOD.iloc[2:]))
    for checks in (checked(first, params=params), checked(second, first, params=params)):
        assert not checks.refused
        assert checks.warnings == ()
    assert len(checks.checks) == len({item.name for item in checks.checks}) == 32


def test_first_snapshot_needs_nothing_to_be_held_against() -> None:
    assert found(checked(delivered(triangle_with_tail())), "edge_ratio")[1] == "4 edges, no earlier snapshot"


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (69, r"minimum_edge_ratio: 69 edges are 0\.690 of the 100 of 2026-01-01T.*truncated.*lower snapshot\.minimum_"),
        (70, None),  # the threshold itself passes
        (200, None),
        (
            201,
            r"maximum_edge_ratio: 201 edges are 2\.010 of the 100 of 2026-01-01T.*raise snapshot\.maximum_edge_ratio",
        ),
    ],
)
def test_number_of_edges_is_held_against_the_last_snapshot(edges: int, message: str | None) -> None:
    # Cut from one ring of 201 nodes, so that no other check has to be kept quiet but those of a growing path.
    whole = delivered(ring(201).head(edges))
    quiet = SnapshotParams(bipartite="warn", warn_only=("new_node_share", "degree_shift"))
    before = delivered(ring(201).head(100))
    if message is None:
        checked(whole, before, params=quiet)
    else:
        with pytest.raises(InvalidInput, match=message):
            checked(whole, before, params=quiet)


def test_dip_is_warned_of_and_versioned() -> None:
    checks = checked(delivered(GOOD.head(210)), delivered(GOOD))
    assert found(checks, "edge_ratio") == ("warn", "0.875 (210)", False)
    assert not checks.refused


def test_log_that_adds_a_few_edges_is_judged_by_the_graph_it_makes() -> None:
    params = SnapshotParams(kind="event_log", time_column="time")
    before = delivered(GOOD.assign(time=int(BEFORE.timestamp())))
    few = delivered(pd.DataFrame({"source": [0], "target": [99], "time": [int(AS_OF.timestamp())]}))
    assert found(checked(few, before, params=params), "minimum_edge_ratio") == ("refuse", "1.004 (241)", True)


@pytest.mark.parametrize("edges", [square(), ring(10), pd.DataFrame({"source": [1, 1], "target": [2, 3]})])
def test_bipartite_graph_is_refused_with_an_explanation(edges: pd.DataFrame) -> None:
    with pytest.raises(
        InvalidInput,
        match=r"bipartite: two colours .* N\(i\) and N\(j\) .*never meet.*Project one side.*bipartite: warn",
    ):
        checked(delivered(edges))
    assert found(checked(delivered(edges), params=SnapshotParams(bipartite="warn")), "bipartite") == (
        "warn",
        "100.0%",
        False,
    )


def test_nodes_of_another_table_are_orphans() -> None:
    others = nodes_of(joined(GOOD, random_graph(first=1000)).assign())
    few = nodes_of(joined(GOOD, ring(3, first=1000)))
    refused(
        delivered(GOOD, pd.concat([others, nodes_of(ring(10, first=5000))])),
        match=r"orphans: 70 of 130 nodes have no edge, above 0\.5.*same ids.*maximum_orphan_share",
        check="orphans",
    )
    assert found(checked(delivered(GOOD, few)), "orphans") == ("refuse", "0.0476 (3)", True)


def test_ids_made_anew_are_new_nodes() -> None:
    warned = refused(
        delivered(random_graph(first=1000)),
        delivered(GOOD),
        match=r"new_node_share: 60 of 60 nodes were never held before, above 0\.2.*Deliver the ids.*maximum_new_node_",
        check="new_node_share",
    )
    assert found(warned, "minimum_edge_ratio")[2]  # as many edges as before: nothing else sees it
    assert found(warned, "degree_shift")[2]


def test_column_that_leads_every_edge_to_one_node_shifts_the_degrees() -> None:
    # 180 edges, of which 59 lead to node 0: as many nodes as before, but most have fewer edges.
    star = pd.DataFrame({"source": [0] * 59, "target": range(1, 60)})
    rest = random_graph(num_edges=200, seed=3).query("source != 0 and target != 0").head(121)
    refused(
        delivered(joined(star, rest)),
        delivered(random_graph(num_edges=240, seed=1)),
        match=r"degree_shift: the Kolmogorov-Smirnov distance .* is 0\.\d+, above 0\.3 \(mean degree 8\.00, now 6\.00\)"
        r".*Check the export.*maximum_degree_shift",
        check="degree_shift",
    )


def test_graph_that_falls_into_pieces_is_refused() -> None:
    rings = joined(*[ring(3, first=1000 * i) for i in range(5)])
    whole = joined(rings, pd.DataFrame({"source": [0, 1000, 2000, 3000], "target": [1000, 2000, 3000, 4000]}))
    warned = refused(
        delivered(rings),
        delivered(whole),
        match=r"component_count: the graph has 5 components .*above 2 \(2 times the 1 .*fell apart.*maximum_component_",
        check="component_count",
    )
    assert found(warned, "outside_largest") == ("warn", "0.8000", False)


def test_part_that_breaks_off_is_refused() -> None:
    bridge = pd.DataFrame({"source": [0], "target": [1000]})
    parts = joined(GOOD, random_graph(20, 60, first=1000))
    refused(
        delivered(parts),
        delivered(joined(parts, bridge)),
        match=r"outside_largest: 25\.0% of the nodes .*0\.0% did before.*above 10\.0%: a part broke off.*maximum_out",
        check="outside_largest",
    )


def test_a_few_stray_pairs_are_no_collapse() -> None:
    big = random_graph(600, 2400)
    strays = joined(*[pd.DataFrame({"source": [9000 + 2 * i], "target": [9001 + 2 * i]}) for i in range(4)])
    checks = checked(delivered(joined(big, strays)), delivered(big))
    assert found(checks, "component_count") == ("refuse", "5", True)  # 1 % of 608 nodes is 6


def test_ids_given_to_other_nodes_are_refused() -> None:
    params = SnapshotParams(feature_columns=FEATURES)
    other = nodes_of(GOOD)
    other.loc[[3, 4], list(FEATURES)] += 500.0
    refused(
        delivered(GOOD, other),
        delivered(GOOD.iloc[1:], nodes_of(GOOD)),
        match=r"id_reuse: 2 of 60 ids seem to stand for another node .*first: 3\), above 0\.01.*new ids.*maximum_id",
        check="id_reuse",
        params=params,
    )


def test_late_edges_are_warned_of() -> None:
    params = SnapshotParams(kind="event_log", time_column="time")
    long_ago = int(BEFORE.timestamp()) - 86400
    before = delivered(GOOD.iloc[5:].assign(time=long_ago))
    checks = checked(delivered(GOOD.assign(time=long_ago)), before, params=params)
    assert found(checks, "late_edges") == ("warn", "1.0000 (5)", False)
    assert "newest_event" in checks.warnings


def test_dump_whose_times_moved_to_another_zone_is_warned_of() -> None:
    params = SnapshotParams(duplicates="merge", time_column="time")
    day, end = 86400, int(BEFORE.timestamp())
    rows = joined(*(GOOD.assign(time=end - back * day) for back in (3, 2, 1)))
    tonight = GOOD.assign(time=end + 3600)
    same = checked(delivered(joined(rows, tonight)), delivered(rows), params=params)
    assert found(same, "late_repeats") == ("warn", "0.0000 (0)", True)
    moved = joined(rows, tonight).assign(time=lambda table: table["time"] - 1800)
    checks = checked(delivered(moved), delivered(rows), params=params)
    count = 2 * len(GOOD)  # the second and the third event of each pair; the first one is the edge
    assert found(checks, "late_repeats") == ("warn", f"{2 / 3:.4f} ({count})", False)
    assert found(checks, "late_edges") == ("warn", "0.0000 (0)", True)


def test_features_that_vanish_or_move_are_warned_of() -> None:
    params = SnapshotParams(feature_columns=FEATURES)
    before = delivered(GOOD.iloc[1:], nodes_of(GOOD))
    flat = checked(delivered(GOOD, nodes_of(GOOD).assign(square=0.0)), before, params=params)
    assert found(flat, "constant_features") == ("warn", "1 of 2, 1 varied before (square)", False)
    assert found(flat, "feature_shift")[2] is False
    moved = nodes_of(GOOD)
    moved["rank"] += 100.0
    level, observed, passed = found(checked(delivered(GOOD, moved), before, params=params), "feature_shift")
    assert (level, passed) == ("warn", False)
    assert observed.endswith("(rank)")


def test_every_threshold_stands_in_the_params() -> None:
    summary = changed(delivered(GOOD.iloc[1:]), delivered(GOOD))[1]
    strict = SnapshotParams(minimum_edge_ratio=1.0, maximum_degree_shift=0.0, maximum_edge_ratio=1.0)
    failed = {item.result.name for item in graph_checks(summary, strict) if item.refuses}
    assert failed == {"minimum_edge_ratio", "degree_shift"}


def test_other_feature_columns_than_before_are_told() -> None:
    before = delivered(GOOD.iloc[1:], nodes_of(GOOD))
    assert found(checked(delivered(GOOD, nodes_of(GOOD)), before), "feature_columns") == ("warn", "the same 2", True)
    renamed = delivered(GOOD, nodes_of(GOOD).rename(columns={"rank": "place"}))
    level, observed, passed = found(checked(renamed, before), "feature_columns")
    assert (level, passed) == ("warn", False)
    assert "snapshot.node_time_column" in observed
