from __future__ import annotations

import numpy as np
import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.random_spatial_network import NetworkDay
from ncnc_core.splits.leak_invariants import leak_invariants
from pipeline.graphs.tables import STILL_ALIVE, GraphTables
from pipeline.params.params import SplitParams
from pipeline.splits.certificate import edge_history
from pipeline.splits.division import divide

PARAMS = SplitParams(minimum_test_edges=30, negatives_per_edge=10)


def two_nights(days: list[NetworkDay]) -> GraphTables:
    """The second day's graph, each edge dated by the day that first held it."""
    old = pair_keys(torch.from_numpy(days[0].node_ids[days[0].edges]), 10**6)
    new = pair_keys(torch.from_numpy(days[1].node_ids[days[1].edges]), 10**6)
    first_seen = np.where(torch.isin(new, old).numpy(), days[0].as_of, days[1].as_of)
    return GraphTables(
        days[1].node_ids, days[1].features, days[1].edges, first_seen, np.full_like(first_seen, STILL_ALIVE), first_seen
    )


def test_second_night_tests_on_what_the_first_had_not_seen(days: list[NetworkDay]) -> None:
    tables = two_nights(days)
    split, arrays = divide(tables, edge_history(tables), days[1].as_of, [days[0].as_of], PARAMS)
    assert split.method == "temporal"
    assert split.cut_valid == days[0].as_of
    assert arrays.test_first_seen.tolist() == [days[1].as_of] * arrays.test.shape[1]
    assert arrays.message_test.shape[1] == int((tables.first_seen <= days[0].as_of).sum())


def test_each_edge_has_its_negatives_half_uniform_half_of_like_degree(days: list[NetworkDay]) -> None:
    tables = two_nights(days)
    _, arrays = divide(tables, edge_history(tables), days[1].as_of, [days[0].as_of], PARAMS)
    edges, negatives = arrays.test, arrays.test_negatives.reshape(2, -1, PARAMS.negatives_per_edge)
    kept = (negatives == edges[:, :, None]).any(0) | (negatives == edges.flip(0)[:, :, None]).any(0)
    assert kept.all()
    digits = torch.bincount(arrays.message_test.flatten(), minlength=tables.num_nodes).add(1).log2().floor()
    sorted_ends = digits[edges].sort(0).values[:, :, None]
    alike = (digits[negatives].sort(0).values == sorted_ends).all(0).double().mean(0)  # one share per slot
    assert alike[5:].min() > 2 * alike[:5].max()


def growing(seed: int = 0) -> GraphTables:
    """Sixty nodes, two of which arrive a day; each day's edges join those there; every eighth edge ends a day later."""
    g = np.random.default_rng(seed)
    held: dict[tuple[int, int], int] = {}
    for day in range(1, 31):
        for _ in range(30):
            low, high = sorted(g.choice(2 * day, 2, replace=False).tolist())
            held.setdefault((low, high), day)
    edges, first_seen = np.array(list(held)).T, np.array(list(held.values()), dtype=np.int64)
    gone = (np.arange(len(first_seen)) % 8 == 0) & (first_seen < 30)
    removed_at = np.where(gone, first_seen + 1, STILL_ALIVE)
    return GraphTables(np.arange(60), None, edges, first_seen, removed_at, first_seen)


def test_validation_negatives_join_nodes_that_were_known_by_the_cut_and_test_negatives_any() -> None:
    tables = growing()
    split, arrays = divide(tables, edge_history(tables), 30, [], SplitParams(negatives_per_edge=20))
    assert split.cut_valid is not None
    known = set(tables.edges[:, tables.first_seen <= split.cut_valid].flatten().tolist())
    assert set(arrays.valid_negatives.flatten().tolist()) <= known
    assert not set(arrays.test_negatives.flatten().tolist()) <= known
    assert arrays.valid.shape[1] == int(split.valid.sum())


def test_negatives_of_a_split_without_cuts_join_any_nodes() -> None:
    tables = growing()
    _, arrays = divide(tables, edge_history(tables), 30, [], SplitParams(method="hashed", negatives_per_edge=20))
    assert set(arrays.valid_negatives.flatten().tolist()) == set(range(60))


@pytest.mark.parametrize("method", ["temporal", "hashed"])
def test_historical_negatives_are_edges_that_had_ended_by_the_cut_of_their_side(method: str) -> None:
    tables, params = growing(), SplitParams(negatives_per_edge=8, negative_kinds=("uniform", "historical"))
    split, arrays = divide(tables, edge_history(tables), 30, [], params.model_copy(update={"method": method}))
    history, found = edge_history(tables), []
    for negatives, cut in (
        (arrays.valid_negatives, split.cut_train),
        (arrays.test_negatives, split.cut_valid),
    ):
        pairs = negatives.long().reshape(2, -1, 8)[:, :, 4:].flatten(1)
        place = history.look_up(pairs).place
        assert (history.removed_at[place[place >= 0]] <= (30 if cut is None else cut)).all()
        found.append(float((place >= 0).double().mean()))
    assert min(found) > 0.3
    certificate = leak_invariants(
        arrays, history, as_of=30, cut_train=split.cut_train, cut_valid=split.cut_valid, kinds=params.negative_kinds
    )
    assert [item.name for item in certificate if not item.passed] == []


def test_equal_inputs_give_equal_splits(days: list[NetworkDay]) -> None:
    tables = two_nights(days)
    first, second = (divide(tables, edge_history(tables), days[1].as_of, [days[0].as_of], PARAMS)[1] for _ in range(2))
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))


def test_planted_leak_breaks_the_certificate_by_name(days: list[NetworkDay]) -> None:
    tables = two_nights(days)
    split, arrays = divide(tables, edge_history(tables), days[1].as_of, [days[0].as_of], PARAMS)

    def broken() -> list[str]:
        found = leak_invariants(
            arrays, edge_history(tables), as_of=days[1].as_of, cut_train=split.cut_train, cut_valid=split.cut_valid
        )
        return [item.name for item in found if not item.passed]

    assert broken() == []
    arrays.test_negatives[:, 0] = torch.from_numpy(tables.edges[:, 0])
    assert broken() == ["evaluation_negatives_never_an_edge"]


def test_temporal_split_of_a_first_dump_is_refused_with_the_remedy(days: list[NetworkDay]) -> None:
    tables = two_nights(days)
    dates = np.full_like(tables.first_seen, 1)
    one_date = GraphTables(tables.node_ids, tables.features, tables.edges, dates, tables.removed_at, dates)
    with pytest.raises(InvalidGraph, match=r"one date.*Set split.method to auto or hashed"):
        divide(one_date, edge_history(one_date), days[1].as_of, [], PARAMS.model_copy(update={"method": "temporal"}))


def dated(edges: torch.Tensor) -> GraphTables:
    count = int(edges.max()) + 1
    dates = np.ones(edges.shape[1], dtype=np.int64)
    return GraphTables(np.arange(count), None, edges.numpy(), dates, np.full_like(dates, STILL_ALIVE), dates)


def test_a_hub_joined_to_all_others_is_no_obstacle() -> None:
    leaves = torch.arange(1, 1501)
    ring = torch.stack([leaves, leaves.roll(-1)]).sort(0).values
    tables = dated(torch.cat([torch.stack([torch.zeros_like(leaves), leaves]), ring], 1))

    split, arrays = divide(tables, edge_history(tables), 2, [], SplitParams(negatives_per_edge=10))

    assert arrays.test.shape[1] == int(split.test.sum())
    assert (arrays.test[0] == 0).any()
    assert not (arrays.test_negatives == 0).any()  # every pair of the hub is an edge


def nearly_complete(lacking: int) -> GraphTables:
    """Forty nodes of which only the last few lack an edge, to each other."""
    every = torch.triu_indices(40, 40, offset=1)
    return dated(every[:, every[0] < 40 - lacking])


def test_held_out_edges_without_a_negative_are_left_out() -> None:
    tables = nearly_complete(lacking=20)
    split, arrays = divide(tables, edge_history(tables), 2, [], SplitParams(negatives_per_edge=4))
    kept = torch.cat([arrays.valid, arrays.test], 1)
    masked = torch.tensor(tables.edges)[:, split.valid | split.test]
    assert 0 < kept.shape[1] == int((masked[1] >= 20).sum()) < masked.shape[1]
    assert arrays.test_negatives.shape[1] == 4 * arrays.test.shape[1]
    assert len(arrays.test_first_seen) == arrays.test.shape[1]


def test_a_complete_graph_is_refused_with_the_reason() -> None:
    tables = nearly_complete(lacking=1)
    with pytest.raises(InvalidGraph, match=r"None of the \d+ validation edges has a negative.*deliver a sparser one"):
        divide(tables, edge_history(tables), 2, [], PARAMS)
