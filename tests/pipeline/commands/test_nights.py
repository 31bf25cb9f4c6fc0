"""`ncnc report`, as a person and the DAG run it."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.house import House


def test_a_night_that_left_nothing_gets_a_page_and_its_line_says_where(house: House) -> None:
    code, line = house.call("report", "--run-dir", str(house.run_dir(1)))
    assert code == 0
    assert list(line) == ["run", "outcome", "report", "copy", "link", "tag"]
    assert (line["outcome"], line["tag"]) == ("unfinished", None)
    assert "Not finished" in Path(str(line["report"])).read_text()
