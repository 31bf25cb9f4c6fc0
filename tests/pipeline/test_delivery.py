import numpy as np

from pipeline.delivery import Delivery


def delivery(source: list[object], target: list[object]) -> Delivery:
    kind = object if isinstance(source[0], str) else np.int64
    return Delivery(
        edges_file="e.csv",
        nodes_file=None,
        sha256="0" * 64,
        source=np.array(source, dtype=kind),
        target=np.array(target, dtype=kind),
        time=None,
        row=np.arange(len(source)) + 1,
    )


def test_pair_is_the_same_in_both_directions() -> None:
    pairs = delivery([30, 10, 20], [10, 30, 20]).pairs
    assert pairs.ids.tolist() == [10, 20, 30]
    assert pairs.low.tolist() == [0, 0, 1]
    assert pairs.high.tolist() == [2, 2, 1]
    assert pairs.keys[0] == pairs.keys[1] != pairs.keys[2]


def test_text_ids_are_sorted_as_text() -> None:
    pairs = delivery(["b", "10"], ["9", "b"]).pairs
    assert pairs.ids.tolist() == ["10", "9", "b"]
    assert delivery(["b"], ["a"]).ids_are_text
    assert not delivery([2], [1]).ids_are_text
