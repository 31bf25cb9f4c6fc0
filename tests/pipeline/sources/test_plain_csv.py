from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InvalidInput
from pipeline.sources.plain_csv import write_plain_csv
from pipeline.sources.text_layout import layout_of


def plain(tmp_path: Path, content: str, name: str = "edges.txt") -> str:
    path, target = tmp_path / name, tmp_path / "plain.csv"
    path.write_bytes(content.encode())
    write_plain_csv(path, name, layout_of(path, name), target)
    return target.read_bytes().decode().replace("\r\n", "\n")


def test_comments_blanks_and_line_ends_go_and_every_row_stays(tmp_path: Path) -> None:
    assert plain(tmp_path, "# SNAP\n38\t42\r\n18\t20\n\n") == "source,target\n38,42\n18,20\n"
    assert plain(tmp_path, "% KONECT\n 1   2 \n3 4\n") == "source,target\n1,2\n3,4\n"
    assert plain(tmp_path, "sep=;\nsource;target\n1;2\n") == "source,target\n1,2\n"
    assert plain(tmp_path, "source,target\r\n1,2\n3,4\r\n") == "source,target\n1,2\n3,4\n"


def test_fields_beyond_the_header_belong_to_its_last_column(tmp_path: Path) -> None:
    content = "user,item,time,state,features\n1,2,0.0,0,-0.1,-0.2\n3,4,1.0,0,-0.1,-0.2,-0.3\n"
    rows = plain(tmp_path, content).splitlines()
    assert rows == ["user,item,time,state,features", '1,2,0.0,0,"-0.1,-0.2"', '3,4,1.0,0,"-0.1,-0.2,-0.3"']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# c\n1 2\n3 4 5\n", r"row 2 has 3 fields, but the others have 2: \['3', '4', '5'\]"),
        (
            "a,b,list\n1,2,3,4\n" + "1,2,3,4\n" * 200 + "1,2,3\n",
            r"row 202 has 3 fields, .* others have more than 3",
        ),
        (
            "%%MatrixMarket matrix coordinate pattern symmetric\n9 9 3\n2 1\n",
            r"has 3 entries, but 1 rows follow.*cut off",
        ),
        ('source,target,note\n1,2,"a\n3,4,b\n', r"cannot be read: unexpected end of data.*each quote closed"),
    ],
)
def test_a_row_of_another_width_a_cut_file_and_a_quote_without_an_end_are_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"edges\.txt.*{message}"):
        plain(tmp_path, content)
