from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.pair_files import PairFile, read_pair_files

PAIRS = pd.DataFrame({"source": [30, 10, 20], "target": [10, 20, 30]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with the three sides, each of the same three pairs; tests write over a part of it."""
    place = tmp_path / "place"
    place.mkdir()
    for side in ("train", "valid", "test"):
        PAIRS.to_csv(place / f"{side}.csv", index=False)
    return place


def read(folder: Path, *, text: bool = False, params: SnapshotParams | None = None) -> dict[str, PairFile]:
    return read_pair_files(str(folder), folder / "scratch", params or SnapshotParams(), text=text)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz", "jsonl", "ndjson.gz"])
def test_pairs_come_in_the_order_of_their_file_whatever_its_format(folder: Path, suffix: str) -> None:
    path = folder / f"valid.{suffix}"
    (folder / "valid.csv").unlink()
    if suffix == "parquet":
        PAIRS.to_parquet(path)
    elif suffix.startswith("csv"):
        PAIRS.to_csv(path, index=False)
    else:
        PAIRS.to_json(path, orient="records", lines=True)
    found = read(folder)["valid"]
    assert [ids.tolist() for ids in found.ids] == [[30, 10, 20], [10, 20, 30]]
    assert (found.name, found.sha256) == (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    assert list((folder / "scratch").iterdir()) == []


def test_long_file_keeps_its_order(folder: Path) -> None:
    numbers = list(range(300_000, 0, -1))
    pd.DataFrame({"source": numbers, "target": numbers}).to_csv(folder / "train.csv", index=False)
    assert read(folder)["train"].ids[0].tolist() == numbers


def test_negatives_are_read_where_there_are_any(folder: Path) -> None:
    assert list(read(folder)) == ["train", "valid", "test"]
    PAIRS.to_csv(folder / "test_negatives.csv", index=False)
    assert list(read(folder)) == ["train", "valid", "test", "test_negatives"]


def test_numbers_are_text_where_the_graphs_ids_are(folder: Path) -> None:
    PAIRS.to_parquet(folder / "train.parquet")  # taken before train.csv
    assert read(folder, text=True)["train"].ids[0].tolist() == ["30", "10", "20"]
    assert read(folder, text=True)["valid"].ids[0].tolist() == ["30", "10", "20"]


def test_written_numbers_are_ids_where_the_graphs_are(folder: Path) -> None:
    PAIRS.astype(str).to_parquet(folder / "train.parquet")
    assert read(folder)["train"].ids[0].tolist() == [30, 10, 20]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("x1", r"target is 'x1', which is no node id\. Ids are int64 from 0 up"),
        ("1.5", r"target is '1.5', which is no node id"),
        ("3.0", r"target is '3.0', which is a float\. .*write 3, not 3.0"),  # what pandas makes beside a missing one
        ("1e1", r"target is '1e1', which is no node id"),
        ("99999999999999999999", r"target is '99999999999999999999', which is no node id"),  # beyond int64
        ("-3", r"target is '-3', which is negative"),
        ("", r"target is (''|None), which is no node id"),
    ],
)
def test_value_that_is_no_id_is_named_with_its_row_and_remedy(folder: Path, value: str, says: str) -> None:
    (folder / "valid.csv").write_text(f"source,target\n10,20\n20,{value}\n")
    with pytest.raises(InvalidInput, match=rf"^valid.csv of NCNC_SOURCE_SPLIT, row 2: {says}"):
        read(folder)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (PAIRS.astype(float), r"holds column 'source' as float64\. Ids are int64"),
        (PAIRS.astype(bool), r"holds column 'source' as boolean\. Ids are int64"),
        (PAIRS.map(lambda number: str(uuid.UUID(int=number))), r"row 1: source is '0{8}-.*which is no node id"),
        (PAIRS.astype("datetime64[s]"), r"holds column 'source' as timestamp.*Ids are int64"),
    ],
)
def test_column_of_another_type_is_refused(folder: Path, table: pd.DataFrame, says: str) -> None:
    table.to_parquet(folder / "test.parquet")
    with pytest.raises(InvalidInput, match=rf"^test.parquet of NCNC_SOURCE_SPLIT.*{says}"):
        read(folder)


def test_blank_text_id_is_refused(folder: Path) -> None:
    (folder / "valid.csv").write_text("source,target\na,b\n c,d\n")
    with pytest.raises(InvalidInput, match=r"row 2: source is ' c', which has outer whitespace"):
        read(folder, text=True)


def test_side_without_a_file_is_refused(folder: Path) -> None:
    (folder / "train.csv").unlink()
    with pytest.raises(InvalidInput, match=r"has no train file.*columns source and target.*\.csv\.gz.*split.method"):
        read(folder)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", r"is empty \(0 bytes\)\. Deliver the whole file"),
        ("source,target\n", r"is empty \(a header, but no row\)\. Deliver the whole file"),
        ("from,to\n1,2\n", r"has no column source; its columns are from, to\. Give it the columns source and target"),
        ("source,target\n1,2\n3\n", r"cannot be read.*each row with as many fields as the header"),
    ],
)
def test_file_that_is_no_table_of_pairs_is_refused(folder: Path, content: str, says: str) -> None:
    (folder / "valid.csv").write_text(content)
    with pytest.raises(InvalidInput, match=rf"^valid.csv of NCNC_SOURCE_SPLIT {says}"):
        read(folder)


def test_file_that_is_cut_short_is_refused(folder: Path) -> None:
    (folder / "test.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InvalidInput, match=r"^test.parquet of NCNC_SOURCE_SPLIT cannot be read.*Deliver a whole file"):
        read(folder)


def test_place_that_cannot_be_reached_is_tried_again_and_its_url_not_shown(tmp_path: Path) -> None:
    with pytest.raises(OutsideTrouble, match=r"train.parquet of NCNC_SOURCE_SPLIT could not be fetched") as error:
        read_pair_files("nosuchprotocol://user:secret@host/split", tmp_path, SnapshotParams(), text=False)
    assert "secret" not in str(error.value)


def test_ids_are_read_as_those_of_the_graph_were(folder: Path) -> None:
    (folder / "valid.csv").write_text("source,target\n007,null\n7,8\n9,10\n")
    text = SnapshotParams(id_type="text")
    assert read(folder, text=True, params=text)["valid"].ids[0].tolist() == ["007", "7", "9"]
    (folder / "valid.csv").write_text("source,target\n007,8\n7,8\n")
    assert read(folder, params=SnapshotParams(id_type="integer"))["valid"].ids[0].tolist() == [7, 7]


def test_a_split_costs_no_more_than_a_delivery_may(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"train\.csv of NCNC_SOURCE_SPLIT is larger than .*maximum_source_gib"):
        read(folder, params=SnapshotParams(maximum_source_gib=1e-9))


def test_a_side_that_is_still_being_written_is_no_missing_side(folder: Path) -> None:
    (folder / "train.csv").unlink()
    (folder / "train.parquet" / "_temporary").mkdir(parents=True)
    with pytest.raises(
        OutsideTrouble, match=r"train\.parquet of NCNC_SOURCE_SPLIT could not be fetched \(StillWritten"
    ):
        read(folder)
