from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from pipeline.sources.delivery import (
    Delivery,
    NodeTable,
    RowCounts,
    digest_of_delivery,
    digest_of_edges,
    digest_of_nodes,
)
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import reversed_and_shuffled, ring, square, triangle_with_tail


def test_delivery_knows_its_edges_and_its_kind_of_ids() -> None:
    assert delivered(triangle_with_tail()).num_edges == 4
    assert not delivered(triangle_with_tail()).ids_are_text
    assert delivered(square()).ids_are_text


def digest(delivery: Delivery, scope: str = "whole") -> str:
    return digest_of_edges(delivery.ids, [delivery.low, delivery.high], delivery.rows, scope=scope)


def test_the_same_rows_in_another_order_have_the_same_digest() -> None:
    assert digest(delivered(ring(5))) == digest(delivered(reversed_and_shuffled(ring(5))))


def test_other_edges_rows_or_another_part_have_another() -> None:
    one = delivered(ring(5))
    again = dataclasses.replace(one, rows=dataclasses.replace(one.rows, read=6, repeated=1))
    found = {digest(one), digest(delivered(ring(6))), digest(delivered(ring(5, 1))), digest(again), digest(one, "part")}
    assert len(found) == 5


def test_without_repeats_an_edge_table_has_the_digest_that_it_always_had() -> None:
    pairs = [np.array([0]), np.array([1]), np.array([5])]
    found = digest_of_edges(np.array([7, 8]), pairs, RowCounts(read=1), scope="whole")
    text = b"ncnc events 1 whole [1, 0, 0, 0, 0] 2 3\n[7, 8]"
    assert found == hashlib.sha256(text + np.array([0, 1, 5], dtype="<i8").tobytes()).hexdigest()
    again = digest_of_edges(np.array([7, 8]), [*pairs, np.array([0]), np.array([6])], RowCounts(read=1), scope="whole")
    assert again != found


def test_nodes_are_digested_in_the_order_of_their_ids() -> None:
    features = np.array([[1.0], [2.0]], dtype=np.float32)
    nodes = NodeTable(np.array([5, 3]), features, np.array([7, 8]))
    same = NodeTable(np.array([3, 5]), features[::-1], np.array([8, 7]))
    assert digest_of_nodes(nodes) == digest_of_nodes(same)
    assert digest_of_nodes(nodes) != digest_of_nodes(NodeTable(np.array([5, 3]), features[::-1], np.array([7, 8])))


def test_a_delivery_has_another_digest_with_other_edges_nodes_or_another_query() -> None:
    asked = [("1", None, ""), ("2", None, ""), ("1", "SELECT 1", ""), ("1", None, "3")]
    assert len({digest_of_delivery(edges, query=query, nodes=nodes) for edges, query, nodes in asked}) == 4
    # As snapshots published by earlier versions hold it.
    assert digest_of_delivery("1", query=None, nodes="3") == hashlib.sha256(b"13").hexdigest()


def test_rows_left_out_or_left_for_later_do_not_count() -> None:
    assert RowCounts(read=9, later=2, left_out=3).kept == 4
