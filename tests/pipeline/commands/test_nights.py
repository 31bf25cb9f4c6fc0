"""`ncnc status` and `ncnc report`, as a person and the DAG run them."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli import app
from pipeline.ledger.night import broken_off_night
from tests.fixtures.house import House


def test_a_night_that_left_nothing_gets_a_page_and_its_line_says_where(house: House) -> None:
    code, line = house.call("report", "--run-dir", str(house.run_dir(1)))
    assert code == 0
    assert list(line) == ["run", "outcome", "report", "copy", "link", "tag"]
    assert (line["outcome"], line["tag"]) == ("unfinished", None)
    assert "Not finished" in Path(str(line["report"])).read_text()


def test_a_reason_that_looks_like_markup_or_holds_escape_sequences_is_shown_as_it_is(house: House) -> None:
    reason = "no column 'source'; its columns are [/b], \x1b]0;owned\x07"
    as_of = house.as_of(1)
    entry = broken_off_night("small", "small-20260101T030000Z", as_of, "refused", reason, at=as_of)
    house.doors.ledger.append(entry)
    result = house.runner.invoke(app, ["status", "--graph", "small"], env=house.values)
    assert result.exit_code == 0
    shown = result.stderr
    assert "[/b]" in shown
    assert r"\x1b]0;owned\x07" in shown
    assert "\x1b" not in shown
