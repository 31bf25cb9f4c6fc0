from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ncnc_core.splits.leak_invariants import leak_invariants
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import STILL_ALIVE, GraphTables
from pipeline.params.params import SplitParams
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.pair_files import read_pair_files
from pipeline.splits.certificate import edge_history
from pipeline.splits.division import divide
from pipeline.splits.fixed import FixedSplit, given_split

AS_OF = 9
Rows = list[tuple[object, object]]
Write = Callable[..., str]


def ring_tables(ids: list[object]) -> GraphTables:
    """A ring of twelve nodes since day 1; the edge of the last node to the first is gone since day 5."""
    size = len(ids)
    edges = np.sort(np.array([list(range(size)), [(i + 1) % size for i in range(size)]]), axis=0)
    days = np.ones(size, dtype=np.int64)
    removed = np.full(size, STILL_ALIVE)
    removed[-1] = 5
    return GraphTables(np.array(ids), None, edges, days, removed, days)


INTEGERS = ring_tables([100 + 10 * i for i in range(12)])
LETTERS = ring_tables(list("abcdefghijkl"))
TRAIN: Rows = [(110, 100), (110, 120), (130, 120), (130, 140)]
VALID: Rows = [(150, 140), (150, 160)]
TEST: Rows = [(180, 170), (160, 170)]  # not in the order of the graph


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the files of a split: the sound one where a side is not named."""

    def write(suffix: str = "csv", **sides: Rows | None) -> str:
        given: dict[str, Rows | None] = {"train": TRAIN, "valid": VALID, "test": TEST, **sides}
        for side, rows in given.items():
            if rows is None:
                continue
            table = pd.DataFrame(rows, columns=["source", "target"])
            if suffix == "csv":
                table.to_csv(tmp_path / f"{side}.csv", index=False)
            else:
                table.to_parquet(tmp_path / f"{side}.parquet", index=False)
        return str(tmp_path)

    return write


def read(location: str, tables: GraphTables = INTEGERS) -> FixedSplit:
    text = tables.node_ids.dtype.kind != "i"
    files = read_pair_files(location, Path(location) / "scratch", SnapshotParams(), text=text)
    return given_split(files, tables, edge_history(tables), AS_OF)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_become_positions_in_their_own_order(write: Write, suffix: str) -> None:
    given = read(write(suffix))
    assert given.train.tolist() == [[1, 1, 3, 3], [0, 2, 2, 4]]
    assert given.test.tolist() == [[8, 6], [7, 7]]
    assert given.test_negatives is None
    assert f"split.method is fixed: train.{suffix} (" in given.reason


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ids_may_be_text(write: Write, suffix: str) -> None:
    location = write(suffix, train=[("a", "b")], valid=[("d", "c")], test=[("e", "f")])
    assert read(location, LETTERS).valid.tolist() == [[3], [2]]


def test_divided_graph_keeps_the_files_order_and_passes_its_certificate(write: Write) -> None:
    given = read(write("csv", test_negatives=[(180, 100), (180, 110), (160, 100), (160, 120)]))
    params = SplitParams(method="fixed", negatives_per_edge=4)
    split, arrays = divide(INTEGERS, edge_history(INTEGERS), AS_OF, [], params, given)
    assert (split.method, split.cut_valid) == ("fixed", None)
    assert arrays.test.tolist() == [[8, 6], [7, 7]]
    assert arrays.test_negatives.tolist() == [[8, 8, 6, 6], [0, 1, 0, 2]]
    assert arrays.valid_negatives.shape == (2, 8)  # drawn: none are given
    assert torch.equal(arrays.message_test, arrays.message_train)
    assert arrays.known_train.shape[1] == 12 - 4  # edges on no list, and the removed one, are no training negatives
    found = leak_invariants(arrays, edge_history(INTEGERS), as_of=AS_OF)
    assert all(item.passed and item.checked > 0 for item in found)


def test_fixed_method_without_a_split_says_what_to_set() -> None:
    with pytest.raises(InvalidInput, match=r"no split is given\. Set NCNC_SOURCE_SPLIT to the folder .*params\.yaml"):
        divide(INTEGERS, edge_history(INTEGERS), AS_OF, [], SplitParams(method="fixed"))


@pytest.mark.parametrize(
    ("sides", "says"),
    [
        ({"valid": [(150, 999)]}, r"valid.csv .*row 1: 150 - 999 names a node .*1 such rows.*deliver the node"),
        (
            {"valid": [(140, 150), (100, 150)]},
            r"row 2: 100 - 150 is not a living edge.*take the snapshot that holds it",
        ),
        ({"test": [(100, 210)]}, r"test.csv .*row 1: 100 - 210 is not a living edge"),  # it was one until day 5
        ({"test": [(180, 170), (170, 180)]}, r"row 2: 170 - 180 is a duplicate.*each pair once"),
        ({"test": [(160, 170), (100, 110)]}, r"row 2: 100 - 110 is also in train.csv.*Leave it on one side"),
        ({"test": [(160, 150)]}, r"row 1: 160 - 150 is also in valid.csv"),
        ({"test_negatives": [(100, 210), (100, 130)]}, r"test_negatives.csv .*row 1: 100 - 210 is or was an edge"),
        ({"test_negatives": [(100, 130), (100, 100)]}, r"row 2: 100 - 100 .*joins a node with itself.*Leave it out"),
        (
            {"test_negatives": [(100, 130)]},
            r"test_negatives.csv .*has 1 rows for the 2 of test.csv.*leave the file out",
        ),
    ],
)
def test_split_that_does_not_fit_the_graph_is_refused_with_value_and_remedy(
    write: Write, sides: dict[str, Rows | None], says: str
) -> None:
    location = write("csv", **sides)
    with pytest.raises(InvalidInput, match=says):
        read(location)
