from tests.deliveries import delivered
from tests.small_graphs import square, triangle_with_tail


def test_delivery_knows_its_edges_and_its_kind_of_ids() -> None:
    assert delivered(triangle_with_tail()).num_edges == 4
    assert not delivered(triangle_with_tail()).ids_are_text
    assert delivered(square()).ids_are_text
