from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.recommend.node_file import read_nodes


@pytest.mark.parametrize("name", ["nodes.csv", "nodes.parquet", "nodes.txt"])
def test_ids_come_as_text_from_a_table_or_one_a_line(tmp_path: Path, name: str) -> None:
    path, table = tmp_path / name, pd.DataFrame({"node": [30, 10]})
    if path.suffix == ".csv":
        table.assign(other=1).to_csv(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        path.write_text("30\n\n 10 \n")
    assert read_nodes(path) == ["30", "10"]


def test_an_only_column_of_parquet_may_have_any_name(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["007"]}).to_parquet(tmp_path / "x.parquet")
    assert read_nodes(tmp_path / "x.parquet") == ["007"]


def test_zeros_in_front_and_ids_called_missing_stay(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("node\n007\nNA\nnull\n")
    assert read_nodes(tmp_path / "x.csv") == ["007", "NA", "null"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("two.csv", "a,b\n1,2\n", r"columns \['a', 'b'\], but no 'node'\..*Name the column of ids node"),
        (
            "headless.csv",
            "42\n17\n",
            r"columns \['42'\].*If these are ids: put the header node in line 1",
        ),
        ("headless.CSV", "42\n17\n", r"If these are ids: put the header node"),
        ("empty.csv", "", r"is no CSV file in UTF-8: No columns.*Give a header node"),
        ("none.csv", "node\n", r"names no node\. Give at least one id"),
        ("gone.csv", None, r"There is no file .*gone\.csv\. Give a Parquet or CSV file"),
    ],
)
def test_what_holds_no_ids_is_refused(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_nodes(tmp_path / name)
